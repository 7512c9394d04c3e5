-- Duties of areas above the lowest: who stands behind the duty grids (属地兜底), and answers where a category asks for a higher level.
ALTER TABLE duty ALTER COLUMN duty_grid_id DROP NOT NULL;
ALTER TABLE duty ADD COLUMN area_id INTEGER;
COMMENT ON COLUMN duty.area_id IS 'an area above the lowest: whoever answers for it stands behind its duty grids';
ALTER TABLE duty
    ADD CONSTRAINT duty_edition_id_area_id_fkey FOREIGN KEY (edition_id, area_id) REFERENCES area (edition_id, id) ON DELETE CASCADE,
    ADD CONSTRAINT duty_place_check CHECK (num_nonnulls(duty_grid_id, area_id) = 1),
    ADD CONSTRAINT area_duty_one_at_a_time EXCLUDE USING gist (edition_id WITH =, area_id WITH =, post WITH =, during WITH &&);
CREATE INDEX duty_edition_id_area_id_index ON duty (edition_id, area_id);

CREATE OR REPLACE FUNCTION refuse_duty_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM edition WHERE id = OLD.edition_id AND status <> 'draft') THEN
        RETURN coalesce(NEW, OLD);
    END IF;
    IF TG_OP = 'UPDATE' AND upper_inf(OLD.during) AND NOT upper_inf(NEW.during) AND lower(OLD.during) IS NOT DISTINCT FROM lower(NEW.during)
       AND (NEW.edition_id, NEW.city, NEW.owner, NEW.name, NEW.origin, NEW.post)
           = (OLD.edition_id, OLD.city, OLD.owner, OLD.name, OLD.origin, OLD.post)
       AND NEW.duty_grid_id IS NOT DISTINCT FROM OLD.duty_grid_id AND NEW.area_id IS NOT DISTINCT FROM OLD.area_id THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a duty of an adopted edition may only end' USING ERRCODE = 'restrict_violation', TABLE = 'duty', CONSTRAINT = 'adopted_edition';
END
$$;
