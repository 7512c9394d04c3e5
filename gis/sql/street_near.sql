-- Purpose: the streets of a city, as loaded, of which the box meets a box.
-- Parameters: city, west, south, east, north (degrees, EPSG:4326).
SELECT ST_AsBinary(street.geom) AS wkb
FROM street
WHERE
    street.city = :city
    AND street.geom && ST_MakeEnvelope(:west, :south, :east, :north, 4326)
ORDER BY street.id;
