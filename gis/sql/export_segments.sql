-- Purpose: the street segments of an edition as a layer for other programs, each with the blocks that its sides face, in the direction of digitising.
-- Parameters: edition_id, language (of `name`). Units: length_m in metres; geometry EPSG:4326 as WKB.
WITH RECURSIVE path AS (
    SELECT area.id, area.rank, area.code, area.code AS ladder FROM area WHERE area.edition_id = :edition_id AND area.parent_id IS NULL
    UNION ALL
    SELECT area.id, area.rank, area.code, area.code || '/' || path.ladder
    FROM path
    JOIN area ON area.edition_id = :edition_id AND area.parent_id = path.id
)

SELECT
    segment.code,
    coalesce(segment.names ->> :language, segment.names ->> 'en', (SELECT min(value) FROM jsonb_each_text(segment.names))) AS name,
    segment.names ->> 'zh' AS name_zh,
    segment.names ->> 'en' AS name_en,
    segment.road_class,
    segment.length_m,
    segment.orphan,
    segment.left_code,
    segment.right_code,
    faced.left_street_units,
    faced.right_street_units,
    edition.levels -> path.rank::int ->> 'key' AS area_level,
    path.code AS area,
    path.ladder,
    edition.number AS edition,
    st_asbinary(segment.geom, 'NDR') AS geometry
FROM edition
JOIN segment ON segment.edition_id = edition.id
JOIN path ON path.id = segment.area_id
LEFT JOIN LATERAL (
    SELECT
        string_agg(block.code, ' ' ORDER BY segment_face.from_m) FILTER (WHERE segment_face.side = 'left') AS left_street_units,
        string_agg(block.code, ' ' ORDER BY segment_face.from_m) FILTER (WHERE segment_face.side = 'right') AS right_street_units
    FROM segment_face
    JOIN block ON block.edition_id = segment_face.edition_id AND block.id = segment_face.block_id
    WHERE segment_face.edition_id = segment.edition_id AND segment_face.segment_id = segment.id
) AS faced ON true
WHERE edition.id = :edition_id
ORDER BY segment.id;
