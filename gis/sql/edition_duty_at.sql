-- Purpose: who holds the posts of every duty grid of an edition at an instant.
-- Parameters: edition_id, at (timestamptz).
SELECT duty.duty_grid_id, duty.post, duty.owner AS code, duty.name, duty.origin
FROM duty
WHERE duty.edition_id = :edition_id AND duty.duty_grid_id IS NOT NULL AND duty.during @> CAST(:at AS timestamptz)
ORDER BY duty.duty_grid_id, duty.post;
