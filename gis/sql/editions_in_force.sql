-- Purpose: every edition that is or was a plan, whether it was in force at an instant, the last adopted first.
-- Parameters: at (timestamptz), city (text, NULL for every city).
SELECT
    edition.id,
    edition.status,
    edition.adopted_at,
    edition.adopted_at <= CAST(:at AS timestamptz) AND (edition.retired_at IS NULL OR edition.retired_at > CAST(:at AS timestamptz)) AS in_force
FROM edition
WHERE edition.status <> 'draft' AND (CAST(:city AS text) IS NULL OR edition.city = CAST(:city AS text))
ORDER BY edition.adopted_at DESC, edition.id DESC;
