-- What was said of an owner at a time stays so: name and origin are kept with the duty, a later load of the pack renews others.
ALTER TABLE duty ADD COLUMN name TEXT;
ALTER TABLE duty ADD COLUMN origin TEXT CONSTRAINT duty_origin_check CHECK (origin IN ('real', 'given', 'generated'));
COMMENT ON COLUMN duty.name IS 'the owner''s name when the duty was written: what was said then stays so';

ALTER TABLE duty DISABLE TRIGGER duty_is_kept;
UPDATE duty SET name = owner.name, origin = owner.origin FROM owner WHERE owner.city = duty.city AND owner.code = duty.owner;
ALTER TABLE duty ENABLE TRIGGER duty_is_kept;
ALTER TABLE duty ALTER COLUMN name SET NOT NULL, ALTER COLUMN origin SET NOT NULL;

CREATE OR REPLACE FUNCTION refuse_duty_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM edition WHERE id = OLD.edition_id AND status <> 'draft') THEN
        RETURN coalesce(NEW, OLD);
    END IF;
    IF TG_OP = 'UPDATE' AND upper_inf(OLD.during) AND NOT upper_inf(NEW.during) AND lower(OLD.during) IS NOT DISTINCT FROM lower(NEW.during)
       AND (NEW.edition_id, NEW.duty_grid_id, NEW.city, NEW.owner, NEW.name, NEW.origin, NEW.post)
           = (OLD.edition_id, OLD.duty_grid_id, OLD.city, OLD.owner, OLD.name, OLD.origin, OLD.post) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a duty of an adopted edition may only end' USING ERRCODE = 'restrict_violation', TABLE = 'duty', CONSTRAINT = 'adopted_edition';
END
$$;

-- Which edition was in force at an instant is asked with every question about a place.
CREATE INDEX edition_city_adopted_at_index ON edition (city, adopted_at);
