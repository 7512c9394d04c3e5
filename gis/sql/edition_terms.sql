-- Purpose: from when to when every edition was the plan of its city, the last adopted first; still is where retired_at is NULL.
-- Parameters: none.
SELECT id, city, adopted_at, retired_at
FROM edition
WHERE status <> 'draft'
ORDER BY adopted_at DESC, id DESC;
