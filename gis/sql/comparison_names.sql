-- Purpose: what people of two compared editions were called in their last duty there, as the one who asks may see it.
-- Parameters: old_id, new_id (of the editions), codes (text[]).
SELECT DISTINCT ON (duty.owner) duty.owner AS code, duty.name
FROM duty_shown AS duty
WHERE duty.edition_id IN (:old_id, :new_id) AND duty.owner = ANY (CAST(:codes AS text []))
ORDER BY duty.owner, duty.edition_id = :new_id DESC, lower(duty.during) DESC NULLS LAST;
