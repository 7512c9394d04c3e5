-- Purpose: give the incidents on one exact point, flagged as default geocodes until now, their place.
-- Parameters: city, history, lon, lat, edition_id, how, cell, block_id, segment_id, side, offset_m, duty_grid_id, owner. Units: degrees, EPSG:4326; metres.
UPDATE incident SET
    edition_id = :edition_id, how = :how, cell = :cell, block_id = :block_id, segment_id = :segment_id, side = :side,
    offset_m = :offset_m, duty_grid_id = :duty_grid_id, owner = :owner
WHERE city = :city AND history = :history AND how = 'default_geocode'
    AND geom && st_setsrid(st_makepoint(:lon, :lat), 4326)
    AND geom = st_setsrid(st_makepoint(:lon, :lat), 4326);
