-- Purpose: the areas of every level that a zoom can show, the higher levels first to appear.
-- Parameters: z, x, y (tile of WebMercatorQuad), at (timestamptz). Units: tile coordinates, extent 4096, buffer 64.
-- Feature ids: edition * 2^32 + id, below 2^53, the same at every zoom.
WITH frame AS MATERIALIZED (
    SELECT
        st_tileenvelope(:z, :x, :y) AS envelope,
        st_transform(st_tileenvelope(:z, :x, :y, margin => 64.0 / 4096), 4326) AS box
),

features AS (
    SELECT
        (area.edition_id::bigint << 32) | area.id AS id,
        area.code,
        coalesce(area.names ->> 'en', area.names ->> (SELECT min(key) FROM jsonb_object_keys(area.names) AS key)) AS name,
        area.names ->> 'zh' AS name_zh,
        edition.levels -> area.rank::int ->> 'key' AS level,
        area.rank::int AS rank,
        st_asmvtgeom(st_transform(area.geom, 3857), frame.envelope, 4096, 64, true) AS geom
    FROM frame
    JOIN area ON area.geom && frame.box
    JOIN edition ON edition.id = area.edition_id AND edition.status = 'adopted'
    WHERE area.rank <= (:z - 6) / 2
)

SELECT st_asmvt(features, 'areas', 4096, 'geom', 'id') FROM features WHERE geom IS NOT NULL;
