-- Purpose: the newest incidents of some duty grids of a city; the policy still leaves out what the one who asks may not read.
-- Parameters: grids (bigint[]), city, kind and code (of the category, NULL: any), since and until (timestamptz, NULL: open; until itself is left out), before_at and before_id (the last incident of the page before, NULL: none), limit.
-- A page of each duty grid by the index, and of these the page: how many incidents the grids hold does not matter.
SELECT page.id
FROM unnest(CAST(:grids AS bigint [])) AS asked (grid)
CROSS JOIN LATERAL (
    SELECT incident.reported_at, incident.id
    FROM incident
    WHERE
        incident.grid = asked.grid
        AND incident.city = :city
        AND incident.reported_at >= coalesce(CAST(:since AS timestamptz), '-infinity')
        AND incident.reported_at < coalesce(CAST(:until AS timestamptz), 'infinity')
        AND (incident.reported_at, incident.id) < (coalesce(CAST(:before_at AS timestamptz), 'infinity'), coalesce(CAST(:before_id AS uuid), 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
        AND (CAST(:kind AS text) IS NULL OR incident.category_kind = CAST(:kind AS text) AND incident.category_code = CAST(:code AS text))
    ORDER BY incident.reported_at DESC, incident.id DESC
    LIMIT :limit
) AS page
ORDER BY page.reported_at DESC, page.id DESC
LIMIT :limit;
