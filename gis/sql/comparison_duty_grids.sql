-- Purpose: the duty grids of an edition as two editions are compared by them.
-- Parameters: edition_id, language (of the name). Units: area_m2 in square metres; geometry EPSG:4326 as WKB.
SELECT
    duty_grid.code,
    st_asbinary(duty_grid.geom, 'NDR') AS wkb,
    held.area_m2,
    coalesce(duty_grid.names ->> :language, duty_grid.names ->> 'en') AS name,
    NULL AS duty_grid,
    area.code AS area,
    duty_grid.id
FROM duty_grid
JOIN area ON area.edition_id = duty_grid.edition_id AND area.id = duty_grid.area_id
JOIN LATERAL (
    SELECT sum(block.area_m2) AS area_m2 FROM block WHERE block.edition_id = duty_grid.edition_id AND block.duty_grid_id = duty_grid.id
) AS held ON true
WHERE duty_grid.edition_id = :edition_id
ORDER BY duty_grid.id;
