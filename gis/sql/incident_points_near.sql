-- Purpose: the exact points in a box on which incidents of a history lie.
-- Parameters: city, history, west, south, east, north. Units: degrees, EPSG:4326.
SELECT DISTINCT st_x(geom) AS lon, st_y(geom) AS lat
FROM incident
WHERE city = :city AND history = :history AND geom && st_makeenvelope(:west, :south, :east, :north, 4326);
