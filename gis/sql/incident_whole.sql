-- Purpose: a history's incidents with coordinates by category: how many, and how many of them have an address.
-- Parameters: city, history.
SELECT category_kind || ':' || category_code AS category, count(*) AS placed, count(address) AS with_address
FROM incident
WHERE city = :city AND history = :history AND geom IS NOT NULL
GROUP BY category_kind, category_code;
