-- Purpose: the finest cells of an edition as a layer for other programs, each with the block that has the most of it. Coarser cells lie over these, so they are left out.
-- Parameters: edition_id. Units: area_m2 in square metres; geometry EPSG:4326 as WKB.
SELECT
    to_hex(cell.cell) AS cell,
    cell.resolution::int AS resolution,
    to_hex(cell.parent) AS parent,
    cell.area_m2,
    cell.inside_share,
    most.street_unit,
    most.share AS street_unit_share,
    most.duty_grid,
    edition.number AS edition,
    st_asbinary(cell.geom, 'NDR') AS geometry
FROM edition
JOIN cell ON cell.edition_id = edition.id AND cell.resolution = edition.cell_resolution
LEFT JOIN LATERAL (
    SELECT block.code AS street_unit, duty_grid.code AS duty_grid, cell_share.share
    FROM cell_share
    JOIN block ON block.edition_id = cell_share.edition_id AND block.id = cell_share.block_id
    JOIN duty_grid ON duty_grid.edition_id = block.edition_id AND duty_grid.id = block.duty_grid_id
    WHERE cell_share.edition_id = cell.edition_id AND cell_share.cell = cell.cell
    ORDER BY cell_share.share DESC, block.id
    LIMIT 1
) AS most ON true
WHERE edition.id = :edition_id
ORDER BY cell.cell;
