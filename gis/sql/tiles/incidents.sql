-- Purpose: the incidents as points that the one who asks may read; the category travels as kind:code. Default geocodes are no places, so they are not shown.
-- Parameters: z, x, y (tile of WebMercatorQuad), at (timestamptz). Units: tile coordinates, extent 4096, buffer 64.
-- Feature ids: the last 52 bits of the incident's id, the same at every zoom.
-- The ids come from a function that the spatial index answers, because no spatial operator reaches an index under a policy; the rows behind them are read under it.
WITH frame AS MATERIALIZED (
    SELECT
        st_tileenvelope(:z, :x, :y) AS envelope,
        st_transform(st_tileenvelope(:z, :x, :y, margin => 64.0 / 4096), 4326) AS box
),

features AS (
    SELECT
        ('x' || right(replace(incident.id::text, '-', ''), 13))::bit(52)::bigint AS id,
        incident.category_kind || ':' || incident.category_code AS category,
        st_asmvtgeom(st_transform(incident.geom, 3857), frame.envelope, 4096, 64, true) AS geom
    FROM frame
    CROSS JOIN LATERAL incident_ids_in(frame.box) AS found (id)
    JOIN incident ON incident.id = found.id AND incident.how IS DISTINCT FROM 'default_geocode'
)

SELECT st_asmvt(features, 'incidents', 4096, 'geom', 'id') FROM features WHERE geom IS NOT NULL;
