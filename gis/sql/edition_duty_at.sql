-- Purpose: who holds the posts of every duty grid of an edition at an instant.
-- Parameters: edition_id, at (timestamptz).
SELECT duty.duty_grid_id, duty.post, owner.code, owner.name, owner.origin
FROM duty
JOIN owner ON owner.city = duty.city AND owner.code = duty.owner
WHERE duty.edition_id = :edition_id AND duty.during @> CAST(:at AS timestamptz)
ORDER BY duty.duty_grid_id, duty.post;
