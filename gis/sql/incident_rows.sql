-- Purpose: incidents as they are told, the newest first, each with the places above it and, for whom a department is granted something, the one that leads it, by which a verdict on it is found.
-- Parameters: ids (uuid[]). Units: degrees, EPSG:4326. An id that the one who asks may not read is left out; an address is NULL where they may not read it.
SELECT
    incident.id,
    incident.city,
    incident.category_kind || ':' || incident.category_code AS category,
    incident.reported_at,
    incident.reported_precision,
    told.address,
    st_x(incident.geom) AS lon,
    st_y(incident.geom) AS lat,
    incident.how,
    block.code AS street_unit,
    segment.code AS segment,
    incident.side,
    duty_grid.code AS duty_grid,
    incident.owner,
    ARRAY(
        SELECT ARRAY[above.level, above.code]
        FROM grid_within AS above
        WHERE above.edition_id = incident.edition_id AND above.duty_grid_id = incident.duty_grid_id
    ) AS places,
    CASE
        WHEN (SELECT my_departments_limit('read_names')) THEN leading_department(incident.city, incident.category_kind, incident.category_code, incident.grid)
    END AS department
FROM incident
LEFT JOIN addresses_of(CAST(:ids AS uuid [])) AS told ON told.id = incident.id
LEFT JOIN block ON block.edition_id = incident.edition_id AND block.id = incident.block_id
LEFT JOIN segment ON segment.edition_id = incident.edition_id AND segment.id = incident.segment_id
LEFT JOIN duty_grid ON duty_grid.edition_id = incident.edition_id AND duty_grid.id = incident.duty_grid_id
WHERE incident.id = ANY (CAST(:ids AS uuid []))
ORDER BY incident.reported_at DESC, incident.id DESC;
