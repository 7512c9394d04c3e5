-- Purpose: the street segments.
-- Parameters: z, x, y (tile of WebMercatorQuad), at (timestamptz). Units: tile coordinates, extent 4096, buffer 64.
-- Feature ids: edition * 2^32 + id, below 2^53, the same at every zoom.
WITH frame AS MATERIALIZED (
    SELECT
        st_tileenvelope(:z, :x, :y) AS envelope,
        st_transform(st_tileenvelope(:z, :x, :y, margin => 64.0 / 4096), 4326) AS box
),

features AS (
    SELECT
        (segment.edition_id::bigint << 32) | segment.id AS id,
        segment.code,
        coalesce(segment.names ->> 'zh', segment.names ->> 'en', segment.names ->> (SELECT min(key) FROM jsonb_object_keys(segment.names) AS key)) AS name,
        segment.road_class,
        st_asmvtgeom(st_transform(segment.geom, 3857), frame.envelope, 4096, 64, true) AS geom
    FROM frame
    JOIN segment ON segment.geom && frame.box
    JOIN edition ON edition.id = segment.edition_id AND edition.status = 'adopted'
)

SELECT st_asmvt(features, 'segments', 4096, 'geom', 'id') FROM features WHERE geom IS NOT NULL;
