-- Purpose: all that is said about one found place: its block, segment, duty grid, the ladder of areas, who holds the posts of each, and the category asked for.
-- Parameters: edition_id, block_id, segment_id (NULL when none is near), at (timestamptz), category (kind:code or NULL). Units: area_m2 in square metres.
-- No row when the edition was not in force at the instant: then the asker's knowledge of editions is out of date.
WITH RECURSIVE place AS (
    SELECT block.code, block.area_m2, block.built_up, block.area_id, block.duty_grid_id
    FROM block
    WHERE block.edition_id = :edition_id AND block.id = :block_id
),

rungs AS (
    SELECT area.id, area.rank, area.code, area.names, area.parent_id FROM area JOIN place ON area.edition_id = :edition_id AND area.id = place.area_id
    UNION ALL
    SELECT area.id, area.rank, area.code, area.names, area.parent_id FROM area JOIN rungs ON area.edition_id = :edition_id AND area.id = rungs.parent_id
),

posts AS (
    SELECT duty.duty_grid_id, duty.area_id, jsonb_object_agg(duty.post, jsonb_build_object('code', duty.owner, 'name', duty.name, 'origin', duty.origin)) AS held
    FROM duty
    WHERE
        duty.edition_id = :edition_id AND duty.during @> CAST(:at AS timestamptz)
        AND (duty.duty_grid_id = (SELECT place.duty_grid_id FROM place) OR duty.area_id IN (SELECT rungs.id FROM rungs))
    GROUP BY duty.duty_grid_id, duty.area_id
)

SELECT
    place.code,
    place.area_m2,
    place.built_up,
    duty_grid.code AS duty_grid_code,
    duty_grid.names AS duty_grid_names,
    segment.code AS segment_code,
    segment.left_code,
    segment.right_code,
    segment.names AS segment_names,
    segment.road_class,
    edition.city,
    edition.number AS edition_number,
    edition.adopted_at,
    edition.levels,
    (SELECT posts.held FROM posts WHERE posts.duty_grid_id = place.duty_grid_id) AS posts,
    (
        SELECT jsonb_agg(jsonb_build_object('rank', rungs.rank, 'code', rungs.code, 'names', rungs.names, 'posts', posts.held) ORDER BY rungs.rank DESC)
        FROM rungs
        LEFT JOIN posts ON posts.area_id = rungs.id
    ) AS rungs,
    (
        SELECT jsonb_build_object('names', category.names, 'answers_on', category.answers_on, 'lowest_level', category.lowest_level, 'lead_kind', category.lead_kind)
        FROM category
        WHERE category.city = edition.city AND category.kind = split_part(CAST(:category AS text), ':', 1) AND category.code = substr(CAST(:category AS text), strpos(CAST(:category AS text), ':') + 1)
    ) AS category
FROM place
JOIN edition ON edition.id = :edition_id
JOIN duty_grid ON duty_grid.edition_id = :edition_id AND duty_grid.id = place.duty_grid_id
LEFT JOIN segment ON segment.edition_id = :edition_id AND segment.id = CAST(:segment_id AS integer)
WHERE edition.adopted_at <= CAST(:at AS timestamptz) AND (edition.retired_at IS NULL OR edition.retired_at > CAST(:at AS timestamptz));
