-- Purpose: the points of a history that are flagged as default geocodes, with the number of incidents on each, the fullest first.
-- Parameters: city, history. Units: degrees, EPSG:4326.
SELECT st_x(geom) AS lon, st_y(geom) AS lat, count(*) AS incidents
FROM incident
WHERE city = :city AND history = :history AND how = 'default_geocode'
GROUP BY geom
ORDER BY incidents DESC, lon, lat;
