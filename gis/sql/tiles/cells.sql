-- Purpose: the cells whose resolution fits the zoom, each with the number of incidents in it; sums by index, so every zoom adds up.
-- Parameters: z, x, y (tile of WebMercatorQuad), at (timestamptz). Units: tile coordinates, extent 4096, buffer 64.
-- Feature ids: the cell itself, packed below 2^53 (grids/cells.py feature_ids).
WITH frame AS MATERIALIZED (
    SELECT
        st_tileenvelope(:z, :x, :y) AS envelope,
        st_transform(st_tileenvelope(:z, :x, :y, margin => 64.0 / 4096), 4326) AS box
),

features AS (
    SELECT
        cell.feature_id AS id,
        cell.resolution::int AS resolution,
        coalesce(held.incidents, 0) AS incidents,
        st_asmvtgeom(st_transform(cell.geom, 3857), frame.envelope, 4096, 64, true) AS geom
    FROM frame
    CROSS JOIN edition
    JOIN cell ON cell.edition_id = edition.id
        AND cell.geom && frame.box
        AND cell.resolution = least(edition.cell_resolution, CASE WHEN :z <= 9 THEN 7 WHEN :z <= 10 THEN 8 WHEN :z <= 12 THEN 9 WHEN :z <= 14 THEN 10 WHEN :z <= 15 THEN 11 ELSE 12 END)
    LEFT JOIN LATERAL (
        -- All descendants of a cell lie between itself with its unused digits 0 and with them 7, at the finer resolution.
        SELECT count(*)::int AS incidents
        FROM incident
        WHERE incident.city = edition.city
            AND incident.how IN ('inside', 'border')
            AND incident.cell BETWEEN
                (((cell.cell & ~(15::bigint << 52)) | (edition.cell_resolution::bigint << 52)) >> (3 * (15 - cell.resolution))) << (3 * (15 - cell.resolution))
                AND ((cell.cell & ~(15::bigint << 52)) | (edition.cell_resolution::bigint << 52)) | ((1::bigint << (3 * (15 - cell.resolution))) - 1)
    ) AS held ON true
    WHERE edition.status = 'adopted'
)

SELECT st_asmvt(features, 'cells', 4096, 'geom', 'id') FROM features WHERE geom IS NOT NULL;
