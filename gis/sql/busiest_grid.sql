-- Purpose: the code of the duty grid of a city's plan in which most incidents lie, for the worker of a demo; the first by code where none lie.
-- Parameters: city.
SELECT duty_grid.code
FROM edition
JOIN duty_grid ON duty_grid.edition_id = edition.id
LEFT JOIN (
    SELECT incident.edition_id, incident.duty_grid_id, count(*) AS incidents
    FROM incident
    WHERE incident.city = :city AND incident.duty_grid_id IS NOT NULL
    GROUP BY incident.edition_id, incident.duty_grid_id
) AS counted ON counted.edition_id = duty_grid.edition_id AND counted.duty_grid_id = duty_grid.id
WHERE edition.city = :city AND edition.status = 'adopted'
ORDER BY counted.incidents DESC NULLS LAST, duty_grid.code
LIMIT 1
