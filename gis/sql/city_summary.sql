-- Purpose: every loaded city with its adopted edition, its bounds and how much there is of everything.
-- Parameters: none. Units: bounds in degrees (west, south, east, north), EPSG:4326.
SELECT
    city.code,
    city.names,
    city.notice,
    city.attribution,
    city.time_zone,
    city.languages,
    city.loaded_at,
    edition.id AS edition_id,
    edition.number AS edition_number,
    edition.status AS edition_status,
    edition.adopted_at,
    edition.quality,
    edition.levels,
    (SELECT ARRAY[st_xmin(box), st_ymin(box), st_xmax(box), st_ymax(box)]
     FROM (SELECT st_extent(area.geom) AS box FROM area WHERE area.edition_id = edition.id AND area.rank = 0) AS extent WHERE box IS NOT NULL) AS bounds,
    (SELECT count(DISTINCT duty.owner) FROM duty WHERE duty.edition_id = edition.id) AS owners,
    (SELECT count(*) FROM incident WHERE incident.city = city.code) AS incidents,
    (SELECT count(*) FROM incident WHERE incident.city = city.code AND incident.owner IS NOT NULL) AS incidents_assigned,
    (SELECT coalesce(jsonb_object_agg(how, total), '{}') FROM (
        SELECT coalesce(incident.how, 'waiting') AS how, count(*) AS total FROM incident WHERE incident.city = city.code GROUP BY 1
    ) AS found) AS incidents_by_how
FROM city
LEFT JOIN edition ON edition.city = city.code AND edition.status = 'adopted'
ORDER BY city.loaded_at DESC, city.code;
