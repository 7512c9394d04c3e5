-- Purpose: what the incidents on one exact point say: each address and category with the number of rows.
-- Parameters: city, history, lon, lat. Units: degrees, EPSG:4326.
SELECT address, category_kind || ':' || category_code AS category, count(*) AS times
FROM incident
WHERE city = :city AND history = :history
    AND geom && st_setsrid(st_makepoint(:lon, :lat), 4326)
    AND geom = st_setsrid(st_makepoint(:lon, :lat), 4326)
GROUP BY address, category_kind, category_code;
