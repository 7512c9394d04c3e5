-- Cells and their shares come by the million, and a foreign key is checked row by row: four of them took half of the time of
-- writing a megacity's edition. What they refer to is checked by the statement that writes them, and once more as a whole when
-- a draft is adopted, for a draft's cells and blocks may still be altered; from then on the triggers of 0001 hold everything.
ALTER TABLE cell DROP CONSTRAINT cell_edition_id_fkey;
ALTER TABLE cell_share
    DROP CONSTRAINT cell_share_edition_id_fkey,
    DROP CONSTRAINT cell_share_edition_id_cell_fkey,
    DROP CONSTRAINT cell_share_edition_id_block_id_fkey;

CREATE FUNCTION refuse_unfounded_cells() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT edition_id FROM written) AS said LEFT JOIN edition ON edition.id = said.edition_id WHERE edition.id IS NULL) THEN
        RAISE EXCEPTION 'a cell belongs to an edition' USING ERRCODE = 'foreign_key_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'cell_edition';
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION refuse_unfounded_shares() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT edition_id, cell FROM written EXCEPT SELECT edition_id, cell FROM cell WHERE edition_id IN (SELECT edition_id FROM written)) AS lost) THEN
        RAISE EXCEPTION 'a share is of a cell of its edition' USING ERRCODE = 'foreign_key_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'cell_share_cell';
    END IF;
    IF EXISTS (SELECT FROM (SELECT edition_id, block_id FROM written EXCEPT SELECT edition_id, id FROM block WHERE edition_id IN (SELECT edition_id FROM written)) AS lost) THEN
        RAISE EXCEPTION 'a share lies in a block of its edition' USING ERRCODE = 'foreign_key_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'cell_share_block';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER cell_founded AFTER INSERT ON cell REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_unfounded_cells();
CREATE TRIGGER cell_founded_still AFTER UPDATE ON cell REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_unfounded_cells();
CREATE TRIGGER cell_share_founded AFTER INSERT ON cell_share REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_unfounded_shares();
CREATE TRIGGER cell_share_founded_still AFTER UPDATE ON cell_share REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_unfounded_shares();

CREATE FUNCTION refuse_unfounded_edition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT cell FROM cell_share WHERE edition_id = NEW.id EXCEPT SELECT cell FROM cell WHERE edition_id = NEW.id)
       OR EXISTS (SELECT block_id FROM cell_share WHERE edition_id = NEW.id EXCEPT SELECT id FROM block WHERE edition_id = NEW.id) THEN
        RAISE EXCEPTION 'a share is of a cell and in a block of its edition' USING ERRCODE = 'foreign_key_violation', TABLE = 'cell_share', CONSTRAINT = 'cell_share_founded';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER edition_is_founded BEFORE UPDATE ON edition FOR EACH ROW WHEN (OLD.status = 'draft' AND NEW.status = 'adopted') EXECUTE FUNCTION refuse_unfounded_edition();

-- A draft goes with all its rows, those that refer before those that are referred to.
CREATE FUNCTION remove_units_of_edition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM cell_share WHERE edition_id = OLD.id;
    DELETE FROM cell WHERE edition_id = OLD.id;
    DELETE FROM segment_face WHERE edition_id = OLD.id;
    DELETE FROM segment WHERE edition_id = OLD.id;
    DELETE FROM block WHERE edition_id = OLD.id;
    RETURN OLD;
END
$$;
-- Named to come after edition_is_fixed, which refuses the removal of an adopted edition.
CREATE TRIGGER edition_takes_its_units BEFORE DELETE ON edition FOR EACH ROW EXECUTE FUNCTION remove_units_of_edition();

-- Without these the removal of an area looks through all blocks and segments: two minutes for a megacity's draft.
CREATE INDEX area_edition_id_parent_id_index ON area (edition_id, parent_id);
CREATE INDEX duty_grid_edition_id_area_id_index ON duty_grid (edition_id, area_id);
CREATE INDEX block_edition_id_area_id_index ON block (edition_id, area_id);
CREATE INDEX block_edition_id_duty_grid_id_index ON block (edition_id, duty_grid_id);
CREATE INDEX segment_edition_id_area_id_index ON segment (edition_id, area_id);
CREATE INDEX duty_edition_id_duty_grid_id_index ON duty (edition_id, duty_grid_id);

-- One tile needs the cells of one place, whatever their resolution; a tree that holds the resolution too is slower to write.
DROP INDEX cell_geom_index;
CREATE INDEX cell_geom_index ON cell USING gist (geom);
