-- Purpose: the kept changes between two editions as a layer for other programs.
-- Parameters: old_id, new_id. Units: area_m2 in square metres; geometry EPSG:4326 as WKB.
SELECT
    change.kind,
    change.change,
    change.old_code,
    change.new_code,
    change.area_m2,
    change.incidents,
    change.old_owner,
    change.new_owner,
    st_asbinary(change.geom, 'NDR') AS geometry
FROM change
WHERE change.old_id = :old_id AND change.new_id = :new_id
ORDER BY change.id;
