-- Purpose: the blocks of an edition as a layer for other programs, each with the areas that it lies in, its duty grid and who holds that grid's posts.
-- Parameters: edition_id, at (timestamptz, whose posts are named), language (of `duty_grid_name`). Units: area_m2 in square metres; geometry EPSG:4326 as WKB.
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
)

SELECT
    block.code,
    edition.levels -> path.rank::int ->> 'key' AS area_level,
    path.code AS area,
    path.ladder,
    duty_grid.code AS duty_grid,
    coalesce(duty_grid.names ->> :language, duty_grid.names ->> 'en', (SELECT min(value) FROM jsonb_each_text(duty_grid.names))) AS duty_grid_name,
    posts.owner,
    posts.owner_name,
    posts.deputy,
    posts.deputy_name,
    block.area_m2,
    block.built_up,
    block.origin,
    block.valid_from,
    edition.number AS edition,
    st_asbinary(block.geom, 'NDR') AS geometry
FROM edition
JOIN block ON block.edition_id = edition.id
JOIN path ON path.id = block.area_id
JOIN duty_grid ON duty_grid.edition_id = block.edition_id AND duty_grid.id = block.duty_grid_id
LEFT JOIN posts ON posts.duty_grid_id = block.duty_grid_id
WHERE edition.id = :edition_id
ORDER BY block.id;
