-- Purpose: the rows on the busiest point of a box, of those with fewer rows than a crowd has; 0 when there is none.
-- Parameters: city, history, west, south, east, north, least (rows of a crowd). Units: degrees, EPSG:4326.
SELECT coalesce(max(times), 0) FROM (
    SELECT count(*) AS times
    FROM incident
    WHERE city = :city AND history = :history AND geom && st_makeenvelope(:west, :south, :east, :north, 4326)
    GROUP BY geom
    HAVING count(*) < :least
) AS points;
