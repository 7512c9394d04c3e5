-- Purpose: the temporary table into which incidents are copied before they are taken into the record.
-- Parameters: none; it goes with the transaction.
CREATE TEMPORARY TABLE IF NOT EXISTS incoming_incident ON COMMIT DROP AS
SELECT
    id, source_id, category_kind, category_code, reported_at, reported_precision, address, geom,
    how, cell, block_id, segment_id, side, offset_m, duty_grid_id, owner
FROM incident
WITH NO DATA;
