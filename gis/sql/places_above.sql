-- Purpose: a place of a city's adopted edition and every place above it, each as key of its level and code; no row when there is no such place.
-- Parameters: city, level (key of a level of the edition), code (text).
WITH RECURSIVE plan AS (
    SELECT edition.id, level.value ->> 'key' AS key, level.value ->> 'kind' AS kind, (level.value ->> 'rank')::integer AS rank
    FROM edition CROSS JOIN LATERAL jsonb_array_elements(edition.levels) AS level
    WHERE edition.city = :city AND edition.status = 'adopted'
),

grid AS (
    SELECT plan.key, duty_grid.code, duty_grid.edition_id, duty_grid.area_id
    FROM plan JOIN duty_grid ON duty_grid.edition_id = plan.id AND duty_grid.code = :code
    WHERE plan.kind = 'duty_grid' AND plan.key = :level
),

above AS (
    SELECT area.edition_id, area.id, area.rank, area.code, area.parent_id
    FROM plan JOIN area ON area.edition_id = plan.id AND area.rank = plan.rank AND area.code = :code
    WHERE plan.kind = 'area' AND plan.key = :level
    UNION
    SELECT area.edition_id, area.id, area.rank, area.code, area.parent_id
    FROM grid JOIN area ON area.edition_id = grid.edition_id AND area.id = grid.area_id
    UNION
    SELECT area.edition_id, area.id, area.rank, area.code, area.parent_id
    FROM above JOIN area ON area.edition_id = above.edition_id AND area.id = above.parent_id
)

SELECT plan.key AS level, above.code FROM above JOIN plan ON plan.kind = 'area' AND plan.rank = above.rank
UNION
SELECT grid.key, grid.code FROM grid
