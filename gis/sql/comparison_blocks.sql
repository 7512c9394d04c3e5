-- Purpose: the blocks of an edition as two editions are compared by them.
-- Parameters: edition_id. Units: area_m2 in square metres; geometry EPSG:4326 as WKB.
SELECT
    block.code,
    st_asbinary(block.geom, 'NDR') AS wkb,
    block.area_m2,
    NULL AS name,
    duty_grid.code AS duty_grid,
    area.code AS area,
    block.duty_grid_id
FROM block
JOIN duty_grid ON duty_grid.edition_id = block.edition_id AND duty_grid.id = block.duty_grid_id
JOIN area ON area.edition_id = block.edition_id AND area.id = block.area_id
WHERE block.edition_id = :edition_id
ORDER BY block.id;
