-- Purpose: the duty grids of an edition as a layer for other programs, each with the areas that it lies in, how many blocks it has, and who holds its posts.
-- Parameters: edition_id, at (timestamptz, whose posts are named), language (of `name`). Units: area_m2 in square metres; geometry EPSG:4326 as WKB.
WITH RECURSIVE path AS (
    SELECT area.id, area.rank, area.code, area.code AS ladder FROM area WHERE area.edition_id = :edition_id AND area.parent_id IS NULL
    UNION ALL
    SELECT area.id, area.rank, area.code, area.code || '/' || path.ladder
    FROM path
    JOIN area ON area.edition_id = :edition_id AND area.parent_id = path.id
),

posts AS (
    SELECT
        duty.place_id AS duty_grid_id,
        (array_agg(duty.owner ORDER BY duty.owner COLLATE "C") FILTER (WHERE duty.post = 'owner'))[1] AS owner,
        (array_agg(duty.name ORDER BY duty.owner COLLATE "C") FILTER (WHERE duty.post = 'owner'))[1] AS owner_name,
        (array_agg(duty.owner ORDER BY duty.owner COLLATE "C") FILTER (WHERE duty.post = 'deputy'))[1] AS deputy,
        (array_agg(duty.name ORDER BY duty.owner COLLATE "C") FILTER (WHERE duty.post = 'deputy'))[1] AS deputy_name
    FROM duty
    WHERE duty.edition_id = :edition_id AND duty.place_kind = 'duty_grid' AND duty.during @> CAST(:at AS timestamptz)
    GROUP BY duty.place_id
),

held AS (
    SELECT block.duty_grid_id, count(*) AS street_units, sum(block.area_m2) AS area_m2
    FROM block
    WHERE block.edition_id = :edition_id
    GROUP BY block.duty_grid_id
)

SELECT
    duty_grid.code,
    coalesce(duty_grid.names ->> :language, duty_grid.names ->> 'en', (SELECT min(value) FROM jsonb_each_text(duty_grid.names))) AS name,
    duty_grid.names ->> 'zh' AS name_zh,
    duty_grid.names ->> 'en' AS name_en,
    edition.levels -> -1 ->> 'key' AS level,
    edition.levels -> path.rank::int ->> 'key' AS area_level,
    path.code AS area,
    path.ladder,
    posts.owner,
    posts.owner_name,
    posts.deputy,
    posts.deputy_name,
    held.street_units,
    held.area_m2,
    duty_grid.origin,
    duty_grid.valid_from,
    edition.number AS edition,
    st_asbinary(duty_grid.geom, 'NDR') AS geometry
FROM edition
JOIN duty_grid ON duty_grid.edition_id = edition.id
JOIN path ON path.id = duty_grid.area_id
LEFT JOIN held ON held.duty_grid_id = duty_grid.id
LEFT JOIN posts ON posts.duty_grid_id = duty_grid.id
WHERE edition.id = :edition_id
ORDER BY duty_grid.id;
