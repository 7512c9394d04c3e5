-- Purpose: the first schema: cities, editions and what they are made of, owners, incidents; adopted editions are fixed.
-- Parameters: none. Units: geometry in EPSG:4326, lengths in metres (_m), areas in square metres (_m2).

CREATE TABLE city (
    code TEXT NOT NULL,
    names JSONB DEFAULT '{}' NOT NULL,
    notice JSONB DEFAULT '{}' NOT NULL,
    attribution TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    languages TEXT[] NOT NULL,
    metric_crs TEXT NOT NULL,
    cell_resolution SMALLINT NOT NULL CONSTRAINT city_resolution_check CHECK (cell_resolution BETWEEN 7 AND 12),
    block_rules JSONB NOT NULL,
    has_built_up BOOLEAN NOT NULL,
    pack JSONB NOT NULL,
    pack_folder TEXT NOT NULL,
    pack_digest TEXT NOT NULL,
    loaded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT city_pkey PRIMARY KEY (code)
);

CREATE TABLE barrier (
    city TEXT NOT NULL,
    id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    geom geometry(LINESTRING,4326) NOT NULL,
    CONSTRAINT barrier_pkey PRIMARY KEY (city, id),
    CONSTRAINT barrier_city_fkey FOREIGN KEY(city) REFERENCES city (code) ON DELETE CASCADE
);

CREATE TABLE built_up (
    city TEXT NOT NULL,
    id INTEGER NOT NULL,
    geom geometry(GEOMETRY,4326) NOT NULL,
    CONSTRAINT built_up_pkey PRIMARY KEY (city, id),
    CONSTRAINT built_up_city_fkey FOREIGN KEY(city) REFERENCES city (code) ON DELETE CASCADE
);

CREATE TABLE category (
    city TEXT NOT NULL,
    kind TEXT NOT NULL,
    code TEXT NOT NULL,
    names JSONB DEFAULT '{}' NOT NULL,
    answers_on TEXT,
    lowest_level TEXT,
    lead_kind TEXT,
    duplicate_radius_m FLOAT,
    CONSTRAINT category_pkey PRIMARY KEY (city, kind, code),
    CONSTRAINT category_city_fkey FOREIGN KEY(city) REFERENCES city (code) ON DELETE CASCADE
);

CREATE TABLE edition (
    id INTEGER GENERATED ALWAYS AS IDENTITY,
    city TEXT NOT NULL,
    number INTEGER NOT NULL,
    status TEXT NOT NULL CONSTRAINT edition_status_check CHECK (status IN ('draft', 'adopted', 'retired')),
    pack_digest TEXT NOT NULL,
    metric_crs TEXT NOT NULL,
    cell_resolution SMALLINT NOT NULL,
    levels JSONB NOT NULL,
    quality JSONB NOT NULL,
    drawn_at TIMESTAMP WITH TIME ZONE NOT NULL,
    adopted_at TIMESTAMP WITH TIME ZONE,
    retired_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT edition_pkey PRIMARY KEY (id),
    CONSTRAINT edition_city_number_key UNIQUE (city, number),
    CONSTRAINT edition_adopted_at_check CHECK ((status = 'draft') = (adopted_at IS NULL)),
    CONSTRAINT edition_retired_at_check CHECK ((status = 'retired') = (retired_at IS NOT NULL)),
    CONSTRAINT edition_city_fkey FOREIGN KEY(city) REFERENCES city (code) ON DELETE RESTRICT
);

CREATE UNIQUE INDEX edition_one_adopted_index ON edition (city) WHERE status = 'adopted';

CREATE TABLE given_unit (
    city TEXT NOT NULL,
    kind TEXT NOT NULL CONSTRAINT given_unit_kind_check CHECK (kind IN ('block', 'duty_grid')),
    code TEXT NOT NULL,
    names JSONB DEFAULT '{}' NOT NULL,
    valid_from DATE,
    geom geometry(GEOMETRY,4326) NOT NULL,
    CONSTRAINT given_unit_pkey PRIMARY KEY (city, kind, code),
    CONSTRAINT given_unit_city_fkey FOREIGN KEY(city) REFERENCES city (code) ON DELETE CASCADE
);

CREATE TABLE level (
    city TEXT NOT NULL,
    rank SMALLINT NOT NULL,
    key TEXT NOT NULL,
    kind TEXT NOT NULL CONSTRAINT level_kind_check CHECK (kind IN ('area', 'duty_grid')),
    names JSONB DEFAULT '{}' NOT NULL,
    CONSTRAINT level_pkey PRIMARY KEY (city, rank),
    CONSTRAINT level_city_key_key UNIQUE (city, key),
    CONSTRAINT level_city_fkey FOREIGN KEY(city) REFERENCES city (code) ON DELETE CASCADE
);

CREATE TABLE owner (
    city TEXT NOT NULL,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    origin TEXT NOT NULL CONSTRAINT owner_origin_check CHECK (origin IN ('real', 'given', 'generated')),
    CONSTRAINT owner_pkey PRIMARY KEY (city, code),
    CONSTRAINT owner_city_fkey FOREIGN KEY(city) REFERENCES city (code) ON DELETE CASCADE
);

CREATE TABLE street (
    city TEXT NOT NULL,
    id INTEGER NOT NULL,
    names JSONB DEFAULT '{}' NOT NULL,
    road_class TEXT NOT NULL,
    origin TEXT NOT NULL CONSTRAINT street_origin_check CHECK (origin IN ('real', 'given', 'generated')),
    geom geometry(LINESTRING,4326) NOT NULL,
    CONSTRAINT street_pkey PRIMARY KEY (city, id),
    CONSTRAINT street_city_fkey FOREIGN KEY(city) REFERENCES city (code) ON DELETE CASCADE
);

CREATE TABLE area (
    edition_id INTEGER NOT NULL,
    id INTEGER NOT NULL,
    rank SMALLINT NOT NULL,
    code TEXT NOT NULL,
    names JSONB DEFAULT '{}' NOT NULL,
    parent_id INTEGER,
    area_m2 FLOAT NOT NULL,
    source_difference_m2 FLOAT,
    geom geometry(GEOMETRY,4326) NOT NULL,
    CONSTRAINT area_pkey PRIMARY KEY (edition_id, id),
    CONSTRAINT area_edition_id_rank_code_key UNIQUE (edition_id, rank, code),
    CONSTRAINT area_edition_id_parent_id_fkey FOREIGN KEY(edition_id, parent_id) REFERENCES area (edition_id, id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT area_edition_id_fkey FOREIGN KEY(edition_id) REFERENCES edition (id) ON DELETE CASCADE
);

CREATE INDEX area_geom_index ON area USING gist (geom);

CREATE TABLE cell (
    edition_id INTEGER NOT NULL,
    cell BIGINT NOT NULL,
    resolution SMALLINT NOT NULL,
    feature_id BIGINT NOT NULL,
    parent BIGINT,
    inside_share FLOAT NOT NULL CONSTRAINT cell_inside_share_check CHECK (inside_share > 0 AND inside_share <= 1),
    area_m2 FLOAT NOT NULL,
    geom geometry(POLYGON,4326) NOT NULL,
    CONSTRAINT cell_pkey PRIMARY KEY (edition_id, cell),
    CONSTRAINT cell_edition_id_fkey FOREIGN KEY(edition_id) REFERENCES edition (id) ON DELETE CASCADE
);

CREATE INDEX cell_geom_index ON cell USING gist (resolution, geom);

COMMENT ON COLUMN cell.parent IS 'the cell one resolution coarser, NULL at the coarsest kept';

CREATE TABLE source_area (
    city TEXT NOT NULL,
    rank SMALLINT NOT NULL,
    code TEXT NOT NULL,
    parent_code TEXT,
    names JSONB DEFAULT '{}' NOT NULL,
    origin TEXT NOT NULL CONSTRAINT source_area_origin_check CHECK (origin IN ('real', 'given', 'generated')),
    geom geometry(MULTIPOLYGON,4326),
    CONSTRAINT source_area_pkey PRIMARY KEY (city, rank, code),
    CONSTRAINT source_area_city_rank_fkey FOREIGN KEY(city, rank) REFERENCES level (city, rank) ON DELETE CASCADE,
    CONSTRAINT source_area_city_fkey FOREIGN KEY(city) REFERENCES city (code) ON DELETE CASCADE
);

CREATE TABLE source_duty (
    city TEXT NOT NULL,
    id INTEGER NOT NULL,
    area_code TEXT NOT NULL,
    owner TEXT NOT NULL,
    post TEXT NOT NULL CONSTRAINT source_duty_post_check CHECK (post IN ('owner', 'deputy')),
    during TSTZRANGE NOT NULL CONSTRAINT source_duty_during_check CHECK (NOT isempty(during)),
    CONSTRAINT source_duty_pkey PRIMARY KEY (city, id),
    CONSTRAINT source_duty_city_owner_fkey FOREIGN KEY(city, owner) REFERENCES owner (city, code),
    CONSTRAINT source_duty_city_fkey FOREIGN KEY(city) REFERENCES city (code) ON DELETE CASCADE
);

COMMENT ON COLUMN source_duty.area_code IS 'code of a duty grid, or of an area of the lowest level';

CREATE TABLE duty_grid (
    edition_id INTEGER NOT NULL,
    id INTEGER NOT NULL,
    code TEXT NOT NULL,
    names JSONB DEFAULT '{}' NOT NULL,
    area_id INTEGER NOT NULL,
    origin TEXT NOT NULL CONSTRAINT duty_grid_origin_check CHECK (origin IN ('real', 'given', 'generated')),
    valid_from DATE,
    geom geometry(GEOMETRY,4326) NOT NULL,
    CONSTRAINT duty_grid_pkey PRIMARY KEY (edition_id, id),
    CONSTRAINT duty_grid_edition_id_code_key UNIQUE (edition_id, code),
    CONSTRAINT duty_grid_edition_id_area_id_fkey FOREIGN KEY(edition_id, area_id) REFERENCES area (edition_id, id),
    CONSTRAINT duty_grid_edition_id_fkey FOREIGN KEY(edition_id) REFERENCES edition (id) ON DELETE CASCADE
);

CREATE INDEX duty_grid_geom_index ON duty_grid USING gist (geom);

COMMENT ON COLUMN duty_grid.valid_from IS 'first day of a given duty grid, as the city says';

CREATE TABLE segment (
    edition_id INTEGER NOT NULL,
    id INTEGER NOT NULL,
    code TEXT NOT NULL,
    left_code TEXT NOT NULL,
    right_code TEXT NOT NULL,
    names JSONB DEFAULT '{}' NOT NULL,
    road_class TEXT NOT NULL,
    area_id INTEGER NOT NULL,
    length_m FLOAT NOT NULL,
    orphan BOOLEAN NOT NULL,
    geom geometry(LINESTRING,4326) NOT NULL,
    CONSTRAINT segment_pkey PRIMARY KEY (edition_id, id),
    CONSTRAINT segment_edition_id_code_key UNIQUE (edition_id, code),
    CONSTRAINT segment_edition_id_area_id_fkey FOREIGN KEY(edition_id, area_id) REFERENCES area (edition_id, id),
    CONSTRAINT segment_edition_id_fkey FOREIGN KEY(edition_id) REFERENCES edition (id) ON DELETE CASCADE
);

CREATE INDEX segment_geom_index ON segment USING gist (geom);

CREATE TABLE block (
    edition_id INTEGER NOT NULL,
    id INTEGER NOT NULL,
    code TEXT NOT NULL,
    area_id INTEGER NOT NULL,
    duty_grid_id INTEGER NOT NULL,
    area_m2 FLOAT NOT NULL CONSTRAINT block_area_check CHECK (area_m2 > 0),
    built_up BOOLEAN NOT NULL,
    origin TEXT NOT NULL CONSTRAINT block_origin_check CHECK (origin IN ('real', 'given', 'generated')),
    valid_from DATE,
    geom geometry(GEOMETRY,4326) NOT NULL,
    CONSTRAINT block_pkey PRIMARY KEY (edition_id, id),
    CONSTRAINT block_edition_id_code_key UNIQUE (edition_id, code),
    CONSTRAINT block_edition_id_area_id_fkey FOREIGN KEY(edition_id, area_id) REFERENCES area (edition_id, id),
    CONSTRAINT block_edition_id_duty_grid_id_fkey FOREIGN KEY(edition_id, duty_grid_id) REFERENCES duty_grid (edition_id, id),
    CONSTRAINT block_edition_id_fkey FOREIGN KEY(edition_id) REFERENCES edition (id) ON DELETE CASCADE
);

CREATE INDEX block_geom_index ON block USING gist (geom);

COMMENT ON COLUMN block.valid_from IS 'first day of a given block, as the city says';

CREATE TABLE duty (
    id INTEGER GENERATED ALWAYS AS IDENTITY,
    edition_id INTEGER NOT NULL,
    duty_grid_id INTEGER NOT NULL,
    city TEXT NOT NULL,
    owner TEXT NOT NULL,
    post TEXT NOT NULL CONSTRAINT duty_post_check CHECK (post IN ('owner', 'deputy')),
    during TSTZRANGE NOT NULL CONSTRAINT duty_during_check CHECK (NOT isempty(during)),
    CONSTRAINT duty_pkey PRIMARY KEY (id),
    CONSTRAINT duty_edition_id_duty_grid_id_fkey FOREIGN KEY(edition_id, duty_grid_id) REFERENCES duty_grid (edition_id, id) ON DELETE CASCADE,
    CONSTRAINT duty_city_owner_fkey FOREIGN KEY(city, owner) REFERENCES owner (city, code),
    CONSTRAINT duty_one_at_a_time EXCLUDE USING gist (edition_id WITH =, duty_grid_id WITH =, post WITH =, during WITH &&),
    CONSTRAINT duty_edition_id_fkey FOREIGN KEY(edition_id) REFERENCES edition (id) ON DELETE CASCADE
);

CREATE TABLE cell_share (
    edition_id INTEGER NOT NULL,
    cell BIGINT NOT NULL,
    block_id INTEGER NOT NULL,
    share FLOAT NOT NULL CONSTRAINT cell_share_share_check CHECK (share > 0 AND share <= 1),
    CONSTRAINT cell_share_pkey PRIMARY KEY (edition_id, cell, block_id),
    CONSTRAINT cell_share_edition_id_cell_fkey FOREIGN KEY(edition_id, cell) REFERENCES cell (edition_id, cell),
    CONSTRAINT cell_share_edition_id_block_id_fkey FOREIGN KEY(edition_id, block_id) REFERENCES block (edition_id, id),
    CONSTRAINT cell_share_edition_id_fkey FOREIGN KEY(edition_id) REFERENCES edition (id) ON DELETE CASCADE
);

CREATE INDEX cell_share_edition_id_block_id_index ON cell_share (edition_id, block_id);

CREATE TABLE incident (
    id UUID NOT NULL,
    city TEXT NOT NULL,
    history TEXT NOT NULL,
    source_id TEXT NOT NULL,
    category_kind TEXT NOT NULL,
    category_code TEXT NOT NULL,
    reported_at TIMESTAMP WITH TIME ZONE NOT NULL,
    address TEXT,
    origin TEXT NOT NULL CONSTRAINT incident_origin_check CHECK (origin IN ('real', 'given', 'generated')),
    geom geometry(POINT,4326),
    edition_id INTEGER,
    how TEXT CONSTRAINT incident_how_check CHECK (how IN ('inside', 'border', 'outside', 'unplaced')),
    cell BIGINT,
    block_id INTEGER,
    segment_id INTEGER,
    side TEXT CONSTRAINT incident_side_check CHECK (side IN ('left', 'right')),
    offset_m FLOAT,
    duty_grid_id INTEGER,
    owner TEXT,
    imported_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT incident_pkey PRIMARY KEY (id),
    CONSTRAINT incident_city_history_source_id_key UNIQUE (city, history, source_id),
    CONSTRAINT incident_city_category_kind_category_code_fkey FOREIGN KEY(city, category_kind, category_code) REFERENCES category (city, kind, code),
    CONSTRAINT incident_edition_id_block_id_fkey FOREIGN KEY(edition_id, block_id) REFERENCES block (edition_id, id),
    CONSTRAINT incident_edition_id_segment_id_fkey FOREIGN KEY(edition_id, segment_id) REFERENCES segment (edition_id, id),
    CONSTRAINT incident_edition_id_duty_grid_id_fkey FOREIGN KEY(edition_id, duty_grid_id) REFERENCES duty_grid (edition_id, id),
    CONSTRAINT incident_city_owner_fkey FOREIGN KEY(city, owner) REFERENCES owner (city, code),
    CONSTRAINT incident_segment_check CHECK ((side IS NULL) = (segment_id IS NULL) AND (offset_m IS NULL) = (segment_id IS NULL)),
    CONSTRAINT incident_owner_check CHECK (owner IS NULL OR duty_grid_id IS NOT NULL),
    CONSTRAINT incident_assigned_check CHECK ((how IS NULL) = (edition_id IS NULL)),
    CONSTRAINT incident_city_fkey FOREIGN KEY(city) REFERENCES city (code) ON DELETE RESTRICT,
    CONSTRAINT incident_edition_id_fkey FOREIGN KEY(edition_id) REFERENCES edition (id) ON DELETE RESTRICT
);

CREATE INDEX incident_city_cell_index ON incident (city, cell);

CREATE INDEX incident_edition_id_block_id_index ON incident (edition_id, block_id);

CREATE INDEX incident_edition_id_duty_grid_id_index ON incident (edition_id, duty_grid_id);

CREATE INDEX incident_geom_index ON incident USING gist (geom);

COMMENT ON COLUMN incident.history IS 'key of the incident history of the pack';

CREATE TABLE segment_face (
    edition_id INTEGER NOT NULL,
    segment_id INTEGER NOT NULL,
    side TEXT NOT NULL CONSTRAINT segment_face_side_check CHECK (side IN ('left', 'right')),
    from_m FLOAT NOT NULL,
    to_m FLOAT NOT NULL,
    block_id INTEGER,
    CONSTRAINT segment_face_pkey PRIMARY KEY (edition_id, segment_id, side, from_m),
    CONSTRAINT segment_face_edition_id_segment_id_fkey FOREIGN KEY(edition_id, segment_id) REFERENCES segment (edition_id, id),
    CONSTRAINT segment_face_edition_id_block_id_fkey FOREIGN KEY(edition_id, block_id) REFERENCES block (edition_id, id),
    CONSTRAINT segment_face_edition_id_fkey FOREIGN KEY(edition_id) REFERENCES edition (id) ON DELETE CASCADE
);

CREATE INDEX segment_face_edition_id_block_id_index ON segment_face (edition_id, block_id);

-- An adopted edition never changes: its rows cannot be added, altered or removed, whoever asks.
CREATE FUNCTION refuse_adopted_edition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The lock makes an adoption wait for rows that are being written, and these for an adoption.
    PERFORM FROM edition WHERE id IN (SELECT edition_id FROM changed) FOR SHARE;
    IF EXISTS (SELECT FROM changed JOIN edition ON edition.id = changed.edition_id WHERE edition.status <> 'draft') THEN
        RAISE EXCEPTION 'an adopted edition never changes' USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'adopted_edition';
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the rows of editions cannot be truncated' USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'adopted_edition';
END
$$;

CREATE FUNCTION refuse_edition_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.status = 'draft' THEN
            RETURN OLD;
        END IF;
    ELSIF OLD.status = 'draft' AND NEW.status IN ('draft', 'adopted')
       OR OLD.status = 'adopted' AND NEW.status = 'retired'
          AND (NEW.city, NEW.number, NEW.pack_digest, NEW.metric_crs, NEW.cell_resolution, NEW.levels, NEW.quality, NEW.drawn_at, NEW.adopted_at)
              = (OLD.city, OLD.number, OLD.pack_digest, OLD.metric_crs, OLD.cell_resolution, OLD.levels, OLD.quality, OLD.drawn_at, OLD.adopted_at) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'an adopted edition never changes' USING ERRCODE = 'restrict_violation', TABLE = 'edition', CONSTRAINT = 'adopted_edition';
END
$$;

-- Owners change while an edition stands, but what was so stays known: a duty may end, and others begin; none is rewritten.
CREATE FUNCTION refuse_duty_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM edition WHERE id = OLD.edition_id AND status <> 'draft') THEN
        RETURN coalesce(NEW, OLD);
    END IF;
    IF TG_OP = 'UPDATE' AND upper_inf(OLD.during) AND NOT upper_inf(NEW.during) AND lower(OLD.during) IS NOT DISTINCT FROM lower(NEW.during)
       AND (NEW.edition_id, NEW.duty_grid_id, NEW.city, NEW.owner, NEW.post) = (OLD.edition_id, OLD.duty_grid_id, OLD.city, OLD.owner, OLD.post) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a duty of an adopted edition may only end' USING ERRCODE = 'restrict_violation', TABLE = 'duty', CONSTRAINT = 'adopted_edition';
END
$$;

CREATE TRIGGER duty_is_kept BEFORE UPDATE OR DELETE ON duty FOR EACH ROW EXECUTE FUNCTION refuse_duty_change();
CREATE TRIGGER duty_is_not_truncated BEFORE TRUNCATE ON duty FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();

CREATE TRIGGER edition_is_fixed BEFORE UPDATE OR DELETE ON edition FOR EACH ROW EXECUTE FUNCTION refuse_edition_change();
CREATE TRIGGER edition_is_kept BEFORE TRUNCATE ON edition FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();

CREATE TRIGGER area_added AFTER INSERT ON area REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refuse_adopted_edition();
CREATE TRIGGER area_altered AFTER UPDATE ON area REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refuse_adopted_edition();
CREATE TRIGGER area_moved AFTER UPDATE ON area REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refuse_adopted_edition();
CREATE TRIGGER area_removed AFTER DELETE ON area REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refuse_adopted_edition();
CREATE TRIGGER area_kept BEFORE TRUNCATE ON area FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();

CREATE TRIGGER duty_grid_added AFTER INSERT ON duty_grid REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refuse_adopted_edition();
CREATE TRIGGER duty_grid_altered AFTER UPDATE ON duty_grid REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refuse_adopted_edition();
CREATE TRIGGER duty_grid_moved AFTER UPDATE ON duty_grid REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refuse_adopted_edition();
CREATE TRIGGER duty_grid_removed AFTER DELETE ON duty_grid REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refuse_adopted_edition();
CREATE TRIGGER duty_grid_kept BEFORE TRUNCATE ON duty_grid FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();

CREATE TRIGGER block_added AFTER INSERT ON block REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refuse_adopted_edition();
CREATE TRIGGER block_altered AFTER UPDATE ON block REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refuse_adopted_edition();
CREATE TRIGGER block_moved AFTER UPDATE ON block REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refuse_adopted_edition();
CREATE TRIGGER block_removed AFTER DELETE ON block REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refuse_adopted_edition();
CREATE TRIGGER block_kept BEFORE TRUNCATE ON block FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();

CREATE TRIGGER segment_added AFTER INSERT ON segment REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refuse_adopted_edition();
CREATE TRIGGER segment_altered AFTER UPDATE ON segment REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refuse_adopted_edition();
CREATE TRIGGER segment_moved AFTER UPDATE ON segment REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refuse_adopted_edition();
CREATE TRIGGER segment_removed AFTER DELETE ON segment REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refuse_adopted_edition();
CREATE TRIGGER segment_kept BEFORE TRUNCATE ON segment FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();

CREATE TRIGGER segment_face_added AFTER INSERT ON segment_face REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refuse_adopted_edition();
CREATE TRIGGER segment_face_altered AFTER UPDATE ON segment_face REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refuse_adopted_edition();
CREATE TRIGGER segment_face_moved AFTER UPDATE ON segment_face REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refuse_adopted_edition();
CREATE TRIGGER segment_face_removed AFTER DELETE ON segment_face REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refuse_adopted_edition();
CREATE TRIGGER segment_face_kept BEFORE TRUNCATE ON segment_face FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();

CREATE TRIGGER cell_added AFTER INSERT ON cell REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refuse_adopted_edition();
CREATE TRIGGER cell_altered AFTER UPDATE ON cell REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refuse_adopted_edition();
CREATE TRIGGER cell_moved AFTER UPDATE ON cell REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refuse_adopted_edition();
CREATE TRIGGER cell_removed AFTER DELETE ON cell REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refuse_adopted_edition();
CREATE TRIGGER cell_kept BEFORE TRUNCATE ON cell FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();

CREATE TRIGGER cell_share_added AFTER INSERT ON cell_share REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refuse_adopted_edition();
CREATE TRIGGER cell_share_altered AFTER UPDATE ON cell_share REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refuse_adopted_edition();
CREATE TRIGGER cell_share_moved AFTER UPDATE ON cell_share REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refuse_adopted_edition();
CREATE TRIGGER cell_share_removed AFTER DELETE ON cell_share REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refuse_adopted_edition();
CREATE TRIGGER cell_share_kept BEFORE TRUNCATE ON cell_share FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();
