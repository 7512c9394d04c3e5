-- Purpose: the duty grids with the owner who answers for each, under the post's code where the name is not for the one who asks.
-- Parameters: z, x, y (tile of WebMercatorQuad), at (timestamptz). Units: tile coordinates, extent 4096, buffer 64.
-- Feature ids: edition * 2^32 + id, below 2^53, the same at every zoom.
WITH frame AS MATERIALIZED (
    SELECT
        st_tileenvelope(:z, :x, :y) AS envelope,
        st_transform(st_tileenvelope(:z, :x, :y, margin => 64.0 / 4096), 4326) AS box
),

features AS (
    SELECT
        (duty_grid.edition_id::bigint << 32) | duty_grid.id AS id,
        duty_grid.code,
        coalesce(duty_grid.names ->> 'en', duty_grid.code) AS name,
        duty_grid.names ->> 'zh' AS name_zh,
        held.name AS owner,
        st_asmvtgeom(st_transform(duty_grid.geom, 3857), frame.envelope, 4096, 64, true) AS geom
    FROM frame
    JOIN duty_grid ON duty_grid.geom && frame.box
    JOIN edition ON edition.id = duty_grid.edition_id AND edition.status = 'adopted'
    LEFT JOIN LATERAL (
        SELECT duty.name
        FROM duty_shown AS duty
        WHERE duty.edition_id = duty_grid.edition_id AND duty.place_kind = 'duty_grid' AND duty.place_id = duty_grid.id AND duty.during @> CAST(:at AS timestamptz)
        ORDER BY duty.post DESC
        LIMIT 1
    ) AS held ON true
)

SELECT st_asmvt(features, 'duty-grids', 4096, 'geom', 'id') FROM features WHERE geom IS NOT NULL;
