-- Purpose: the ground that changes between the plan in force and the draft, or where there is no draft between the plan before and the one in force.
-- Parameters: z, x, y (tile of WebMercatorQuad), at (timestamptz). Units: tile coordinates, extent 4096, buffer 64.
-- Feature ids: the newer edition * 2^32 + number of the change, below 2^53, the same at every zoom.
WITH frame AS MATERIALIZED (
    SELECT
        st_tileenvelope(:z, :x, :y) AS envelope,
        st_transform(st_tileenvelope(:z, :x, :y, margin => 64.0 / 4096), 4326) AS box
),

shown AS (
    -- Of the kept comparisons of a city whose newer edition is the draft or in force, the last, and of several the nearest older edition.
    SELECT DISTINCT ON (newer.city) comparison.old_id, comparison.new_id, may_count(newer.city) AS exact
    FROM comparison
    JOIN edition AS newer ON newer.id = comparison.new_id AND newer.status <> 'retired'
    JOIN edition AS older ON older.id = comparison.old_id AND older.number < newer.number AND older.status <> 'draft'
    ORDER BY newer.city, newer.number DESC, older.number DESC
),

features AS (
    SELECT
        (change.new_id::bigint << 32) | change.id AS id,
        change.kind,
        change.change,
        change.old_code,
        change.new_code,
        round(change.area_m2) AS area_m2,
        told_count(change.incidents, shown.exact) AS incidents,
        change.old_owner,
        change.new_owner,
        st_asmvtgeom(st_transform(change.geom, 3857), frame.envelope, 4096, 64, true) AS geom
    FROM frame
    JOIN change ON change.geom && frame.box
    JOIN shown ON shown.old_id = change.old_id AND shown.new_id = change.new_id
)

SELECT st_asmvt(features, 'changes', 4096, 'geom', 'id') FROM features WHERE geom IS NOT NULL;
