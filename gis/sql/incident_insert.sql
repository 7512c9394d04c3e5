-- Purpose: take incoming incidents into the record; one that is there already (same city, history and source id) stays as it is.
-- Parameters: city, history, origin, edition_id (of all of them); reads the temporary table incoming_incident, made by gis/store/incidents.py.
INSERT INTO incident (
    id, city, history, source_id, category_kind, category_code, reported_at, reported_precision, address, origin, geom,
    edition_id, how, cell, block_id, segment_id, side, offset_m, duty_grid_id, owner
)
SELECT
    id, :city, :history, source_id, category_kind, category_code, reported_at, reported_precision, address, :origin, geom,
    :edition_id, how, cell, block_id, segment_id, side, offset_m, duty_grid_id, owner
FROM incoming_incident
-- Neighbours one after the other: the indexes by place are then written page by page.
ORDER BY cell
ON CONFLICT (city, history, source_id) DO NOTHING;
