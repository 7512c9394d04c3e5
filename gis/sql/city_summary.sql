-- Purpose: every loaded city with its adopted edition, its bounds and how much there is of everything. To whom may not read all incidents their numbers are told in steps of five.
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
    held.incidents,
    held.incidents_assigned,
    held.incidents_by_how
FROM city
CROSS JOIN LATERAL may_count(city.code) AS exact
CROSS JOIN LATERAL (
    SELECT
        told_count(coalesce(sum(found.total), 0)::bigint, exact) AS incidents,
        told_count(coalesce(sum(found.assigned), 0)::bigint, exact) AS incidents_assigned,
        coalesce(jsonb_object_agg(found.how, told_count(found.total, exact)) FILTER (WHERE found.how IS NOT NULL), '{}') AS incidents_by_how
    FROM incidents_by_how(city.code) AS found
) AS held
LEFT JOIN edition ON edition.city = city.code AND edition.status = 'adopted'
ORDER BY city.loaded_at DESC, city.code;
