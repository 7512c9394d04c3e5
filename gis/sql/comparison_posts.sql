-- Purpose: who holds the posts of each duty grid of an edition at an instant, of several deputies the first by code; leave and shifts do not matter.
-- Parameters: edition_id, at (timestamptz).
SELECT DISTINCT ON (duty.place_id, duty.post) duty.place_id AS duty_grid_id, duty.post, duty.owner AS code, duty.name, duty.origin
FROM duty
WHERE duty.edition_id = :edition_id AND duty.place_kind = 'duty_grid' AND duty.during @> CAST(:at AS timestamptz)
ORDER BY duty.place_id, duty.post, duty.owner COLLATE "C";
