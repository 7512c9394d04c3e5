-- A day of which no time is known is told from a second; a default geocode is no place.
ALTER TABLE incident ADD COLUMN reported_precision TEXT DEFAULT 'second' NOT NULL
    CONSTRAINT incident_reported_precision_check CHECK (reported_precision IN ('day', 'second'));

COMMENT ON COLUMN incident.reported_precision IS 'day: the source says no time of day, reported_at is the first instant of the day';

ALTER TABLE incident DROP CONSTRAINT incident_how_check;
ALTER TABLE incident ADD CONSTRAINT incident_how_check CHECK (how IN ('inside', 'border', 'outside', 'unplaced', 'default_geocode'));
ALTER TABLE incident ADD CONSTRAINT incident_default_geocode_check CHECK (
    how <> 'default_geocode' OR (cell IS NULL AND block_id IS NULL AND segment_id IS NULL AND duty_grid_id IS NULL)
);

-- Foreign keys are checked row by row: six of them took 35 of the 65 seconds of a million incidents. What an incident refers
-- to in an edition is checked by the statement instead. The other half of a foreign key, that the thing stays, is held by the
-- triggers of 0001: adopted editions and their duties never change. The city stays because the category does.
ALTER TABLE incident
    DROP CONSTRAINT incident_city_fkey,
    DROP CONSTRAINT incident_edition_id_fkey,
    DROP CONSTRAINT incident_edition_id_block_id_fkey,
    DROP CONSTRAINT incident_edition_id_segment_id_fkey,
    DROP CONSTRAINT incident_edition_id_duty_grid_id_fkey,
    DROP CONSTRAINT incident_city_owner_fkey;

-- A tree of quadrants takes in points in half the time that a tree of boxes takes, and answers the same questions.
DROP INDEX incident_geom_index;
CREATE INDEX incident_geom_index ON incident USING spgist (geom);

CREATE FUNCTION refuse_unfounded_incidents() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT edition_id, city FROM written WHERE edition_id IS NOT NULL) AS said
        LEFT JOIN edition ON edition.id = said.edition_id AND edition.city = said.city AND edition.status <> 'draft'
        WHERE edition.id IS NULL
    ) THEN
        RAISE EXCEPTION 'an incident is assigned in an edition of its city that is or was adopted' USING ERRCODE = 'foreign_key_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'incident_edition';
    END IF;
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT edition_id, block_id, duty_grid_id FROM written WHERE block_id IS NOT NULL OR duty_grid_id IS NOT NULL) AS said
        LEFT JOIN block ON block.edition_id = said.edition_id AND block.id = said.block_id AND block.duty_grid_id = said.duty_grid_id
        WHERE block.id IS NULL
    ) THEN
        RAISE EXCEPTION 'an incident lies in a block and in the duty grid of that block' USING ERRCODE = 'foreign_key_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'incident_block';
    END IF;
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT edition_id, segment_id FROM written WHERE segment_id IS NOT NULL) AS said
        LEFT JOIN segment ON segment.edition_id = said.edition_id AND segment.id = said.segment_id
        WHERE segment.id IS NULL
    ) THEN
        RAISE EXCEPTION 'an incident lies at a segment of its edition' USING ERRCODE = 'foreign_key_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'incident_segment';
    END IF;
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT edition_id, duty_grid_id, city, owner FROM written WHERE owner IS NOT NULL) AS said
        LEFT JOIN duty ON duty.edition_id = said.edition_id AND duty.duty_grid_id = said.duty_grid_id AND duty.city = said.city AND duty.owner = said.owner
        WHERE duty.id IS NULL
    ) THEN
        RAISE EXCEPTION 'the owner of an incident holds a post of its duty grid' USING ERRCODE = 'foreign_key_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'incident_owner';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER incident_added AFTER INSERT ON incident REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_unfounded_incidents();
CREATE TRIGGER incident_altered AFTER UPDATE ON incident REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_unfounded_incidents();
