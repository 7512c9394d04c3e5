-- Purpose: all that is said about one found place: its block, segment, duty grid, the ladder of areas, the special units over it, who holds the posts of each with their leave and shifts, and the category asked for with the departments that may lead it.
-- Parameters: edition (its id), block_id, segment_id (NULL when none is near), side (segment_left, segment_right or NULL), units (ids of special units, integer[]), at (timestamptz), category (kind:code or NULL). Units: area_m2 in square metres.
-- One document, because a row of many columns takes longer to read than to find. No row when the edition was not in force at the instant: then the asker's knowledge of editions is out of date. Of what is recorded and withdrawn only what stood at the instant counts. To whom may not read the name of a real person it is the post's code, and the end of a leave is not told.
WITH RECURSIVE seen AS (SELECT may_read_names(city) AS names FROM edition WHERE id = :edition),

place AS (
    SELECT block.code, block.area_m2, block.built_up, block.area_id, block.duty_grid_id
    FROM block
    WHERE block.edition_id = :edition AND block.id = CAST(:block_id AS integer)
),

areas AS (
    SELECT area.id, area.rank, area.code, area.names, area.parent_id FROM area JOIN place ON area.edition_id = :edition AND area.id = place.area_id
    UNION ALL
    SELECT area.id, area.rank, area.code, area.names, area.parent_id FROM area JOIN areas ON area.edition_id = :edition AND area.id = areas.parent_id
),

rungs AS (
    SELECT 'special_unit' AS kind, unit.id, NULL::smallint AS rank, unit.code, unit.names
    FROM special_unit AS unit
    WHERE unit.edition_id = :edition AND unit.id = ANY(CAST(:units AS integer []))
    UNION ALL
    SELECT CAST(:side AS text), segment.id, NULL, CASE CAST(:side AS text) WHEN 'segment_left' THEN segment.left_code ELSE segment.right_code END, segment.names
    FROM segment
    WHERE CAST(:side AS text) IS NOT NULL AND segment.edition_id = :edition AND segment.id = CAST(:segment_id AS integer)
    UNION ALL
    SELECT 'block', CAST(:block_id AS integer), NULL, place.code, '{}' FROM place
    UNION ALL
    SELECT 'duty_grid', duty_grid.id, NULL, duty_grid.code, duty_grid.names FROM place JOIN duty_grid ON duty_grid.edition_id = :edition AND duty_grid.id = place.duty_grid_id
    UNION ALL
    SELECT 'area', areas.id, areas.rank, areas.code, areas.names FROM areas
)

SELECT to_jsonb(said) AS said
FROM (
    SELECT
        place.code,
        place.area_m2,
        place.built_up,
        segment.code AS segment_code,
        segment.left_code,
        segment.right_code,
        segment.names AS segment_names,
        segment.road_class,
        edition.city,
        edition.number AS edition_number,
        edition.adopted_at,
        edition.levels,
        (
            SELECT
                jsonb_agg(jsonb_build_object(
                    'kind', rungs.kind, 'id', rungs.id, 'rank', rungs.rank, 'code', rungs.code, 'names', rungs.names, 'posts', (
                        SELECT
                            jsonb_agg(jsonb_build_object(
                                'post', duty.post, 'code', duty.owner, 'name', duty.name, 'origin', duty.origin,
                                'leaves', (
                                    SELECT jsonb_agg(jsonb_build_object('until', CASE WHEN duty.origin = 'generated' OR (SELECT names FROM seen) THEN upper(leave.during) END, 'zone', leave.time_zone))
                                    FROM leave
                                    WHERE
                                        leave.city = duty.city AND leave.owner = duty.owner AND leave.during @> :at
                                        AND leave.recorded_at <= :at AND coalesce(leave.withdrawn_at > :at, TRUE)
                                ),
                                'shifts', (
                                    SELECT jsonb_agg(jsonb_build_object('days', shift.weekdays, 'from', shift.from_time, 'to', shift.to_time, 'zone', shift.time_zone))
                                    FROM shift
                                    WHERE
                                        shift.city = duty.city AND shift.owner = duty.owner
                                        AND shift.recorded_at <= :at AND coalesce(shift.withdrawn_at > :at, TRUE)
                                )
                            ))
                        FROM duty_shown AS duty
                        WHERE
                            duty.edition_id = :edition AND duty.place_kind = rungs.kind AND duty.place_id = rungs.id
                            AND duty.during @> :at
                    )
                ))
            FROM rungs
        ) AS rungs,
        (
            SELECT
                jsonb_build_object(
                    'names', rule.names, 'answers_on', rule.answers_on,
                    'lowest_level', rule.lowest_level, 'lead_kind', rule.lead_kind
                )
            FROM category_rule AS rule
            WHERE
                rule.city = edition.city AND rule.kind = split_part(CAST(:category AS text), ':', 1)
                AND rule.code = substr(CAST(:category AS text), strpos(CAST(:category AS text), ':') + 1)
                AND tstzrange(rule.recorded_at, rule.withdrawn_at) @> :at
        ) AS category,
        (
            SELECT jsonb_agg(jsonb_build_object('category', lead.category, 'area', lead.area_code, 'code', lead.department, 'names', lead.names))
            FROM department_lead AS lead
            WHERE
                lead.city = edition.city AND lead.during @> :at
                AND lead.recorded_at <= :at AND coalesce(lead.withdrawn_at > :at, TRUE)
                AND starts_with(CAST(:category AS text), rtrim(lead.category, '*'))
                AND (lead.area_code IS NULL OR lead.area_code IN (SELECT areas.code FROM areas))
        ) AS leads
    FROM place
    JOIN edition ON edition.id = :edition
    LEFT JOIN segment ON segment.edition_id = :edition AND segment.id = CAST(:segment_id AS integer)
    WHERE edition.adopted_at <= :at AND (edition.retired_at IS NULL OR edition.retired_at > :at)
) AS said;
