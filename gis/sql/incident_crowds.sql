-- Purpose: the exact points on which at least so many incidents of a history lie.
-- Parameters: city, history, least (rows). Units: degrees, EPSG:4326.
SELECT st_x(geom) AS lon, st_y(geom) AS lat
FROM incident
WHERE city = :city AND history = :history AND geom IS NOT NULL
GROUP BY geom
HAVING count(*) >= :least
ORDER BY lon, lat;
