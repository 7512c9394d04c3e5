-- Purpose: the blocks, each with the code of its duty grid.
-- Parameters: z, x, y (tile of WebMercatorQuad), at (timestamptz). Units: tile coordinates, extent 4096, buffer 64.
-- Feature ids: edition * 2^32 + id, below 2^53, the same at every zoom.
WITH frame AS MATERIALIZED (
    SELECT
        st_tileenvelope(:z, :x, :y) AS envelope,
        st_transform(st_tileenvelope(:z, :x, :y, margin => 64.0 / 4096), 4326) AS box
),

features AS (
    SELECT
        (block.edition_id::bigint << 32) | block.id AS id,
        block.code,
        block.built_up,
        duty_grid.code AS duty_grid,
        st_asmvtgeom(st_transform(block.geom, 3857), frame.envelope, 4096, 64, true) AS geom
    FROM frame
    JOIN block ON block.geom && frame.box
    JOIN edition ON edition.id = block.edition_id AND edition.status = 'adopted'
    JOIN duty_grid ON duty_grid.edition_id = block.edition_id AND duty_grid.id = block.duty_grid_id
)

SELECT st_asmvt(features, 'blocks', 4096, 'geom', 'id') FROM features WHERE geom IS NOT NULL;
