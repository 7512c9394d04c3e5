-- Purpose: the lowest areas with polygons of a city, as loaded, of which the box meets a box: the ground of its streets.
-- Parameters: city, west, south, east, north (degrees, EPSG:4326).
SELECT ST_AsBinary(source_area.geom) AS wkb
FROM source_area
WHERE
    source_area.city = :city
    AND source_area.rank = (SELECT max(lowest.rank) FROM source_area AS lowest WHERE lowest.city = :city AND lowest.geom IS NOT NULL)
    AND source_area.geom && ST_MakeEnvelope(:west, :south, :east, :north, 4326)
ORDER BY source_area.code;
