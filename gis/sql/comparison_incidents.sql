-- Purpose: where the incidents of a city lie whose place is known, in a box.
-- Parameters: city, west, south, east, north (degrees, EPSG:4326).
SELECT st_x(incident.geom) AS lon, st_y(incident.geom) AS lat
FROM incident
WHERE
    incident.city = :city
    AND incident.how IS DISTINCT FROM 'default_geocode'
    AND incident.geom && st_makeenvelope(:west, :south, :east, :north, 4326);
