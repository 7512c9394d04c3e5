-- Purpose: the newest incidents of a city, for whom may read all of it; the policy still leaves out what the one who asks may not.
-- Parameters: city, kind and code (of the category, NULL: any), since and until (timestamptz, NULL: open; until itself is left out), before_at and before_id (the last incident of the page before, NULL: none), limit.
SELECT incident.id
FROM incident
WHERE
    incident.city = :city
    AND incident.reported_at >= coalesce(CAST(:since AS timestamptz), '-infinity')
    AND incident.reported_at < coalesce(CAST(:until AS timestamptz), 'infinity')
    AND (incident.reported_at, incident.id) < (coalesce(CAST(:before_at AS timestamptz), 'infinity'), coalesce(CAST(:before_id AS uuid), 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
    AND (CAST(:kind AS text) IS NULL OR incident.category_kind = CAST(:kind AS text) AND incident.category_code = CAST(:code AS text))
ORDER BY incident.reported_at DESC, incident.id DESC
LIMIT :limit;
