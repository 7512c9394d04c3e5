-- What changed between two editions: a comparison, and its pieces of changed ground for table and map.
CREATE TABLE comparison (
    old_id INTEGER NOT NULL,
    new_id INTEGER NOT NULL,
    compared_at TIMESTAMP WITH TIME ZONE NOT NULL,
    summary JSONB NOT NULL,
    CONSTRAINT comparison_pkey PRIMARY KEY (old_id, new_id),
    CONSTRAINT comparison_old_id_fkey FOREIGN KEY (old_id) REFERENCES edition (id) ON DELETE CASCADE,
    CONSTRAINT comparison_new_id_fkey FOREIGN KEY (new_id) REFERENCES edition (id) ON DELETE CASCADE
);
COMMENT ON COLUMN comparison.compared_at IS 'the instant whose owners and incidents it tells';
CREATE INDEX comparison_new_id_index ON comparison (new_id);

CREATE TABLE change (
    old_id INTEGER NOT NULL,
    new_id INTEGER NOT NULL,
    id INTEGER NOT NULL,
    kind TEXT NOT NULL CONSTRAINT change_kind_check CHECK (kind IN ('block', 'duty_grid')),
    change TEXT NOT NULL CONSTRAINT change_change_check CHECK (
        change IN ('created', 'removed', 'split', 'merged', 'moved', 'renamed', 'another_duty_grid', 'another_area')
    ),
    old_code TEXT,
    new_code TEXT,
    area_m2 FLOAT NOT NULL,
    incidents INTEGER NOT NULL,
    old_owner TEXT,
    new_owner TEXT,
    geom geometry(GEOMETRY,4326) NOT NULL,
    CONSTRAINT change_pkey PRIMARY KEY (old_id, new_id, id),
    CONSTRAINT change_old_id_new_id_fkey FOREIGN KEY (old_id, new_id) REFERENCES comparison (old_id, new_id) ON DELETE CASCADE,
    CONSTRAINT change_code_check CHECK (num_nonnulls(old_code, new_code) > 0)
);
CREATE INDEX change_geom_index ON change USING gist (geom);
