-- Purpose: flag the incidents on one exact point as default geocodes: the coordinates stay, the place is not known.
-- Parameters: city, history, lon, lat, edition_id (of incidents that have none yet). Units: degrees, EPSG:4326.
UPDATE incident SET
    edition_id = coalesce(edition_id, :edition_id), how = 'default_geocode',
    cell = NULL, block_id = NULL, segment_id = NULL, side = NULL, offset_m = NULL, duty_grid_id = NULL, owner = NULL
WHERE city = :city AND history = :history AND how IS DISTINCT FROM 'default_geocode'
    AND geom && st_setsrid(st_makepoint(:lon, :lat), 4326)
    AND geom = st_setsrid(st_makepoint(:lon, :lat), 4326);
