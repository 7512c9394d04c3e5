-- Purpose: the cells whose resolution fits the zoom, each with the number of incidents in it; sums by index, so every zoom adds up. To whom may not read them all the numbers are told in steps of five.
-- Parameters: z, x, y (tile of WebMercatorQuad), at (timestamptz). Units: tile coordinates, extent 4096, buffer 64.
-- Feature ids: the cell itself, packed below 2^53 (grids/cells.py feature_ids).
WITH frame AS MATERIALIZED (
    SELECT
        st_tileenvelope(:z, :x, :y) AS envelope,
        st_transform(st_tileenvelope(:z, :x, :y, margin => 64.0 / 4096), 4326) AS box
),

plan AS MATERIALIZED (
    SELECT edition.id, edition.city, edition.cell_resolution, may_count(edition.city) AS exact FROM edition WHERE edition.status = 'adopted'
),

features AS (
    SELECT
        cell.feature_id AS id,
        cell.resolution::int AS resolution,
        -- All descendants of a cell lie between itself with its unused digits 0 and with them 7, at the finer resolution.
        told_count(incidents_in_cells(
            plan.city,
            (((cell.cell & ~(15::bigint << 52)) | (plan.cell_resolution::bigint << 52)) >> (3 * (15 - cell.resolution))) << (3 * (15 - cell.resolution)),
            ((cell.cell & ~(15::bigint << 52)) | (plan.cell_resolution::bigint << 52)) | ((1::bigint << (3 * (15 - cell.resolution))) - 1)
        ), plan.exact) AS incidents,
        st_asmvtgeom(st_transform(cell.geom, 3857), frame.envelope, 4096, 64, true) AS geom
    FROM frame
    CROSS JOIN plan
    JOIN cell ON cell.edition_id = plan.id
        AND cell.geom && frame.box
        AND cell.resolution = least(plan.cell_resolution, CASE WHEN :z <= 9 THEN 7 WHEN :z <= 10 THEN 8 WHEN :z <= 12 THEN 9 WHEN :z <= 14 THEN 10 WHEN :z <= 15 THEN 11 ELSE 12 END)
)

SELECT st_asmvt(features, 'cells', 4096, 'geom', 'id') FROM features WHERE geom IS NOT NULL;
