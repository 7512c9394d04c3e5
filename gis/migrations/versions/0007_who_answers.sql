-- Duties of places of every kind, special units, shifts and leave, departments, and the rules of categories as they were said.

-- A duty is of a special unit, a side of a segment, a block, a duty grid or an area: one shape for all, one exclusion constraint: one first owner of
-- a place at any instant. Deputies may be several, as docs/city-packs.md always said; the first on duty answers.
-- That the place exists is checked by the statement that writes duties and once more when the edition is adopted; foreign keys
-- would be five, each asked again for every block and segment of a draft that is removed.
ALTER TABLE duty ADD COLUMN place_kind TEXT, ADD COLUMN place_id INTEGER;
ALTER TABLE duty DISABLE TRIGGER duty_is_kept;
UPDATE duty SET place_kind = CASE WHEN area_id IS NULL THEN 'duty_grid' ELSE 'area' END, place_id = coalesce(area_id, duty_grid_id);
ALTER TABLE duty ENABLE TRIGGER duty_is_kept;
ALTER TABLE duty
    DROP CONSTRAINT duty_one_at_a_time,
    DROP CONSTRAINT area_duty_one_at_a_time,
    DROP CONSTRAINT duty_place_check,
    DROP COLUMN duty_grid_id,
    DROP COLUMN area_id,
    ALTER COLUMN place_kind SET NOT NULL,
    ALTER COLUMN place_id SET NOT NULL,
    ADD CONSTRAINT duty_place_kind_check CHECK (place_kind IN ('special_unit', 'segment_left', 'segment_right', 'block', 'duty_grid', 'area')),
    ADD CONSTRAINT duty_one_at_a_time EXCLUDE USING gist (edition_id WITH =, place_kind WITH =, place_id WITH =, during WITH &&) WHERE (post = 'owner');
COMMENT ON COLUMN duty.place_id IS 'id in the edition''s table of that kind; checked by a trigger on the statement';
CREATE INDEX duty_edition_id_place_kind_place_id_index ON duty (edition_id, place_kind, place_id);
COMMENT ON COLUMN source_duty.area_code IS 'code of a special unit, side of a segment, block, duty grid or area';

CREATE TABLE special_unit (
    edition_id INTEGER NOT NULL,
    id INTEGER NOT NULL,
    code TEXT NOT NULL,
    names JSONB DEFAULT '{}' NOT NULL,
    area_m2 FLOAT NOT NULL,
    geom geometry(GEOMETRY,4326) NOT NULL,
    CONSTRAINT special_unit_pkey PRIMARY KEY (edition_id, id),
    CONSTRAINT special_unit_edition_id_code_key UNIQUE (edition_id, code),
    CONSTRAINT special_unit_edition_id_fkey FOREIGN KEY (edition_id) REFERENCES edition (id) ON DELETE CASCADE
);
CREATE INDEX special_unit_geom_index ON special_unit USING gist (geom);
CREATE TRIGGER special_unit_added AFTER INSERT ON special_unit REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refuse_adopted_edition();
CREATE TRIGGER special_unit_altered AFTER UPDATE ON special_unit REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refuse_adopted_edition();
CREATE TRIGGER special_unit_moved AFTER UPDATE ON special_unit REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refuse_adopted_edition();
CREATE TRIGGER special_unit_removed AFTER DELETE ON special_unit REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refuse_adopted_edition();
CREATE TRIGGER special_unit_kept BEFORE TRUNCATE ON special_unit FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();

ALTER TABLE given_unit DROP CONSTRAINT given_unit_kind_check;
ALTER TABLE given_unit ADD CONSTRAINT given_unit_kind_check CHECK (kind IN ('block', 'duty_grid', 'special_unit'));

CREATE OR REPLACE FUNCTION refuse_duty_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM edition WHERE id = OLD.edition_id AND status <> 'draft') THEN
        RETURN coalesce(NEW, OLD);
    END IF;
    IF TG_OP = 'UPDATE' AND upper_inf(OLD.during) AND NOT upper_inf(NEW.during) AND lower(OLD.during) IS NOT DISTINCT FROM lower(NEW.during)
       AND to_jsonb(NEW) - 'during' = to_jsonb(OLD) - 'during' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a duty of an adopted edition may only end' USING ERRCODE = 'restrict_violation', TABLE = 'duty', CONSTRAINT = 'adopted_edition';
END
$$;

CREATE FUNCTION edition_has_place(asked_edition integer, kind text, asked integer) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT CASE kind
        WHEN 'special_unit' THEN EXISTS (SELECT FROM special_unit WHERE edition_id = asked_edition AND id = asked)
        WHEN 'segment_left' THEN EXISTS (SELECT FROM segment WHERE edition_id = asked_edition AND id = asked)
        WHEN 'segment_right' THEN EXISTS (SELECT FROM segment WHERE edition_id = asked_edition AND id = asked)
        WHEN 'block' THEN EXISTS (SELECT FROM block WHERE edition_id = asked_edition AND id = asked)
        WHEN 'duty_grid' THEN EXISTS (SELECT FROM duty_grid WHERE edition_id = asked_edition AND id = asked)
        WHEN 'area' THEN EXISTS (SELECT FROM area WHERE edition_id = asked_edition AND id = asked)
        ELSE false
    END
$$;

CREATE FUNCTION refuse_unfounded_duties() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT edition_id, place_kind, place_id FROM written) AS said
        WHERE NOT edition_has_place(said.edition_id, said.place_kind, said.place_id)
    ) THEN
        RAISE EXCEPTION 'a duty is of a place of its edition' USING ERRCODE = 'foreign_key_violation', TABLE = 'duty', CONSTRAINT = 'duty_place';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER duty_founded AFTER INSERT ON duty REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_unfounded_duties();
CREATE TRIGGER duty_founded_still AFTER UPDATE ON duty REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_unfounded_duties();

CREATE FUNCTION refuse_edition_with_unfounded_duties() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM duty WHERE duty.edition_id = NEW.id AND NOT edition_has_place(NEW.id, duty.place_kind, duty.place_id)) THEN
        RAISE EXCEPTION 'a duty is of a place of its edition' USING ERRCODE = 'foreign_key_violation', TABLE = 'duty', CONSTRAINT = 'duty_place';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER edition_has_its_places BEFORE UPDATE ON edition FOR EACH ROW WHEN (OLD.status = 'draft' AND NEW.status = 'adopted') EXECUTE FUNCTION refuse_edition_with_unfounded_duties();

-- The same as in 0002, but whoever answers may hold a post of any place of the edition: of a special unit, or of an area above.
CREATE OR REPLACE FUNCTION refuse_unfounded_incidents() RETURNS trigger LANGUAGE plpgsql AS $$
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
        SELECT FROM (
            SELECT edition_id, city, owner FROM written WHERE owner IS NOT NULL
            EXCEPT
            SELECT edition_id, city, owner FROM duty WHERE edition_id IN (SELECT edition_id FROM written)
        ) AS lost
    ) THEN
        RAISE EXCEPTION 'the owner of an incident holds a post in its edition' USING ERRCODE = 'foreign_key_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'incident_owner';
    END IF;
    RETURN NULL;
END
$$;

-- Facts that are recorded and may be withdrawn, once; nothing else ever happens to them.
CREATE TABLE shift (
    id INTEGER GENERATED ALWAYS AS IDENTITY,
    city TEXT NOT NULL,
    said_by TEXT NOT NULL CONSTRAINT shift_said_by_check CHECK (said_by IN ('pack', 'command')),
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    withdrawn_at TIMESTAMP WITH TIME ZONE CONSTRAINT shift_withdrawn_at_check CHECK (withdrawn_at >= recorded_at),
    owner TEXT NOT NULL,
    weekdays SMALLINT[] NOT NULL CONSTRAINT shift_weekdays_check CHECK (cardinality(weekdays) > 0 AND weekdays <@ '{1,2,3,4,5,6,7}'),
    from_time TIME WITHOUT TIME ZONE NOT NULL,
    to_time TIME WITHOUT TIME ZONE NOT NULL,
    time_zone TEXT NOT NULL,
    CONSTRAINT shift_pkey PRIMARY KEY (id),
    CONSTRAINT shift_city_fkey FOREIGN KEY (city) REFERENCES city (code) ON DELETE CASCADE,
    CONSTRAINT shift_city_owner_fkey FOREIGN KEY (city, owner) REFERENCES owner (city, code)
);
CREATE INDEX shift_city_owner_index ON shift (city, owner);
COMMENT ON COLUMN shift.weekdays IS 'days on which it begins, Monday is 1';
COMMENT ON COLUMN shift.to_time IS 'not after from_time: on the next day';

CREATE TABLE leave (
    id INTEGER GENERATED ALWAYS AS IDENTITY,
    city TEXT NOT NULL,
    said_by TEXT NOT NULL CONSTRAINT leave_said_by_check CHECK (said_by IN ('pack', 'command')),
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    withdrawn_at TIMESTAMP WITH TIME ZONE CONSTRAINT leave_withdrawn_at_check CHECK (withdrawn_at >= recorded_at),
    owner TEXT NOT NULL,
    during TSTZRANGE NOT NULL CONSTRAINT leave_during_check CHECK (NOT isempty(during)),
    time_zone TEXT NOT NULL,
    CONSTRAINT leave_pkey PRIMARY KEY (id),
    CONSTRAINT leave_city_fkey FOREIGN KEY (city) REFERENCES city (code) ON DELETE CASCADE,
    CONSTRAINT leave_city_owner_fkey FOREIGN KEY (city, owner) REFERENCES owner (city, code)
);
CREATE INDEX leave_city_owner_index ON leave (city, owner);
COMMENT ON COLUMN leave.time_zone IS 'in which its end is told';

CREATE TABLE department_lead (
    id INTEGER GENERATED ALWAYS AS IDENTITY,
    city TEXT NOT NULL,
    said_by TEXT NOT NULL CONSTRAINT department_lead_said_by_check CHECK (said_by IN ('pack', 'command')),
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    withdrawn_at TIMESTAMP WITH TIME ZONE CONSTRAINT department_lead_withdrawn_at_check CHECK (withdrawn_at >= recorded_at),
    category TEXT NOT NULL,
    area_code TEXT,
    department TEXT NOT NULL,
    names JSONB DEFAULT '{}' NOT NULL,
    during TSTZRANGE NOT NULL CONSTRAINT department_lead_during_check CHECK (NOT isempty(during)),
    CONSTRAINT department_lead_pkey PRIMARY KEY (id),
    CONSTRAINT department_lead_city_fkey FOREIGN KEY (city) REFERENCES city (code) ON DELETE CASCADE,
    CONSTRAINT department_lead_one_at_a_time EXCLUDE USING gist (city WITH =, category WITH =, coalesce(area_code, '') WITH =, during WITH &&) WHERE (withdrawn_at IS NULL)
);
CREATE INDEX department_lead_city_index ON department_lead (city);
COMMENT ON COLUMN department_lead.category IS 'key of a category, or the beginning of keys and a *';
COMMENT ON COLUMN department_lead.area_code IS 'NULL: in the whole city';

CREATE TABLE category_rule (
    id INTEGER GENERATED ALWAYS AS IDENTITY,
    city TEXT NOT NULL,
    said_by TEXT NOT NULL CONSTRAINT category_rule_said_by_check CHECK (said_by IN ('pack', 'command')),
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    withdrawn_at TIMESTAMP WITH TIME ZONE CONSTRAINT category_rule_withdrawn_at_check CHECK (withdrawn_at >= recorded_at),
    kind TEXT NOT NULL,
    code TEXT NOT NULL,
    names JSONB DEFAULT '{}' NOT NULL,
    answers_on TEXT,
    lowest_level TEXT,
    lead_kind TEXT,
    CONSTRAINT category_rule_pkey PRIMARY KEY (id),
    CONSTRAINT category_rule_city_fkey FOREIGN KEY (city) REFERENCES city (code) ON DELETE CASCADE,
    CONSTRAINT category_rule_city_kind_code_fkey FOREIGN KEY (city, kind, code) REFERENCES category (city, kind, code),
    CONSTRAINT category_rule_one_at_a_time EXCLUDE USING gist (city WITH =, kind WITH =, code WITH =, tstzrange(recorded_at, withdrawn_at) WITH &&)
);
-- What was said before this release has no instant of its own: it holds for all of the past.
INSERT INTO category_rule (city, said_by, recorded_at, kind, code, names, answers_on, lowest_level, lead_kind)
SELECT category.city, 'pack', '-infinity', category.kind, category.code, category.names, category.answers_on, category.lowest_level, category.lead_kind
FROM category;

CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.withdrawn_at IS NULL AND NEW.withdrawn_at IS NOT NULL AND to_jsonb(NEW) - 'withdrawn_at' = to_jsonb(OLD) - 'withdrawn_at' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'what was recorded stays; it may only be withdrawn, once' USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'recorded';
END
$$;
CREATE TRIGGER shift_is_kept BEFORE UPDATE OR DELETE ON shift FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();
CREATE TRIGGER shift_is_not_truncated BEFORE TRUNCATE ON shift FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();
CREATE TRIGGER leave_is_kept BEFORE UPDATE OR DELETE ON leave FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();
CREATE TRIGGER leave_is_not_truncated BEFORE TRUNCATE ON leave FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();
CREATE TRIGGER department_lead_is_kept BEFORE UPDATE OR DELETE ON department_lead FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();
CREATE TRIGGER department_lead_is_not_truncated BEFORE TRUNCATE ON department_lead FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();
CREATE TRIGGER category_rule_is_kept BEFORE UPDATE OR DELETE ON category_rule FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();
CREATE TRIGGER category_rule_is_not_truncated BEFORE TRUNCATE ON category_rule FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();
