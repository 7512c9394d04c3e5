-- Who may do what: accounts and what is granted to them, and the same rules for every row that the HTTP app reads.

CREATE TABLE account (
    id INTEGER GENERATED ALWAYS AS IDENTITY,
    login TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    origin TEXT NOT NULL,
    password_hash TEXT,
    password_changed_at TIMESTAMPTZ,
    issuer TEXT,
    subject TEXT,
    failures INTEGER DEFAULT 0 NOT NULL,
    locked_until TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ,
    erased_at TIMESTAMPTZ,
    CONSTRAINT account_pkey PRIMARY KEY (id),
    CONSTRAINT account_login_key UNIQUE (login),
    CONSTRAINT account_issuer_subject_key UNIQUE (issuer, subject),
    CONSTRAINT account_login_check CHECK (login ~ '^[a-z0-9][a-z0-9._-]{1,62}$'),
    CONSTRAINT account_kind_check CHECK (kind IN ('person', 'machine')),
    CONSTRAINT account_origin_check CHECK (origin IN ('given', 'generated')),
    CONSTRAINT account_issuer_check CHECK ((issuer IS NULL) = (subject IS NULL))
);
COMMENT ON COLUMN account.name IS 'what the person is called; erased with the person';
COMMENT ON COLUMN account.password_hash IS 'argon2id; NULL: no log-in by password';
COMMENT ON COLUMN account.issuer IS 'OpenID Connect: who says who this is';
COMMENT ON COLUMN account.subject IS 'OpenID Connect: the issuer''s own name of the person';
COMMENT ON COLUMN account.failures IS 'wrong passwords since the last right one';

CREATE TABLE login (
    id INTEGER GENERATED ALWAYS AS IDENTITY,
    account_id INTEGER NOT NULL,
    digest BYTEA NOT NULL,
    device TEXT NOT NULL,
    began_at TIMESTAMPTZ NOT NULL,
    seen_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ,
    CONSTRAINT login_pkey PRIMARY KEY (id),
    CONSTRAINT login_digest_key UNIQUE (digest),
    CONSTRAINT login_account_id_fkey FOREIGN KEY (account_id) REFERENCES account (id) ON DELETE CASCADE
);
COMMENT ON COLUMN login.digest IS 'SHA-256 of the token that only the device has';
CREATE INDEX login_account_id_index ON login (account_id);

CREATE TABLE api_key (
    id INTEGER GENERATED ALWAYS AS IDENTITY,
    account_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    digest BYTEA NOT NULL,
    start TEXT NOT NULL,
    layers TEXT [],
    rate_per_minute INTEGER,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    revoked_at TIMESTAMPTZ,
    used_at TIMESTAMPTZ,
    CONSTRAINT api_key_pkey PRIMARY KEY (id),
    CONSTRAINT api_key_digest_key UNIQUE (digest),
    CONSTRAINT api_key_rate_per_minute_check CHECK (rate_per_minute > 0),
    CONSTRAINT api_key_account_id_fkey FOREIGN KEY (account_id) REFERENCES account (id) ON DELETE CASCADE
);
COMMENT ON COLUMN api_key.digest IS 'SHA-256 of the key, which is shown once';
COMMENT ON COLUMN api_key.start IS 'its first characters, to know it by';
COMMENT ON COLUMN api_key.layers IS 'NULL: every layer that the account may read';
CREATE INDEX api_key_account_id_index ON api_key (account_id);

CREATE TABLE role_grant (
    id INTEGER GENERATED ALWAYS AS IDENTITY,
    account_id INTEGER NOT NULL,
    role TEXT NOT NULL,
    city TEXT NOT NULL,
    level TEXT,
    code TEXT,
    department TEXT,
    during TSTZRANGE NOT NULL,
    granted_by INTEGER,
    recorded_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT role_grant_pkey PRIMARY KEY (id),
    CONSTRAINT role_grant_account_id_fkey FOREIGN KEY (account_id) REFERENCES account (id) ON DELETE CASCADE,
    CONSTRAINT role_grant_city_fkey FOREIGN KEY (city) REFERENCES city (code) ON DELETE CASCADE,
    CONSTRAINT role_grant_granted_by_fkey FOREIGN KEY (granted_by) REFERENCES account (id) ON DELETE SET NULL,
    CONSTRAINT role_grant_role_check CHECK (role IN ('worker', 'lead', 'intake', 'dispatcher', 'department', 'checker', 'analyst', 'duty_chief', 'administrator')),
    CONSTRAINT role_grant_during_check CHECK (NOT isempty(during)),
    CONSTRAINT role_grant_place_check CHECK ((level IS NULL) = (code IS NULL)),
    CONSTRAINT role_grant_department_check CHECK (role <> 'department' OR department IS NOT NULL)
);
COMMENT ON COLUMN role_grant.level IS 'key of the level of the place; NULL: the whole city';
COMMENT ON COLUMN role_grant.department IS 'only what this department leads';
COMMENT ON COLUMN role_grant.granted_by IS 'NULL: by a command on the machine';
CREATE INDEX role_grant_account_id_index ON role_grant (account_id);

CREATE TABLE permission (
    act TEXT NOT NULL,
    role TEXT NOT NULL,
    CONSTRAINT permission_pkey PRIMARY KEY (act, role),
    CONSTRAINT permission_role_check CHECK (role IN ('worker', 'lead', 'intake', 'dispatcher', 'department', 'checker', 'analyst', 'duty_chief', 'administrator'))
);
COMMENT ON TABLE permission IS 'the table of grids/permissions.py, written by wangge migrate';

-- Nobody adopts their own edition. NULL: by a command of the machine's operator.
ALTER TABLE edition
    ADD COLUMN drawn_by INTEGER,
    ADD COLUMN adopted_by INTEGER,
    ADD CONSTRAINT edition_drawn_by_fkey FOREIGN KEY (drawn_by) REFERENCES account (id) ON DELETE SET NULL,
    ADD CONSTRAINT edition_adopted_by_fkey FOREIGN KEY (adopted_by) REFERENCES account (id) ON DELETE SET NULL,
    ADD CONSTRAINT edition_two_persons_check CHECK (drawn_by <> adopted_by);

-- Every duty grid under its own code and that of each area above it: what a grant on a part of the ladder reaches.
CREATE TABLE grid_within (
    city TEXT NOT NULL,
    level TEXT NOT NULL,
    code TEXT NOT NULL,
    edition_id INTEGER NOT NULL,
    duty_grid_id INTEGER NOT NULL,
    grid BIGINT NOT NULL,
    rank SMALLINT NOT NULL,
    CONSTRAINT grid_within_pkey PRIMARY KEY (city, level, code, edition_id, duty_grid_id),
    CONSTRAINT grid_within_edition_id_duty_grid_id_fkey FOREIGN KEY (edition_id, duty_grid_id) REFERENCES duty_grid (edition_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE grid_within IS 'every duty grid, under its own code and that of each area above it; written with the duty grids';
COMMENT ON COLUMN grid_within.grid IS 'edition_id * 2^32 + duty_grid_id';
COMMENT ON COLUMN grid_within.rank IS 'of the level; 0 is the city';
CREATE INDEX grid_within_edition_id_duty_grid_id_index ON grid_within (edition_id, duty_grid_id);

CREATE VIEW grid_ladder AS
WITH RECURSIVE above AS (
    SELECT duty_grid.edition_id, duty_grid.id AS duty_grid_id, duty_grid.area_id FROM duty_grid
    UNION ALL
    SELECT above.edition_id, above.duty_grid_id, area.parent_id
    FROM above
    JOIN area ON area.edition_id = above.edition_id AND area.id = above.area_id
    WHERE area.parent_id IS NOT NULL
),

named AS (
    SELECT above.edition_id, above.duty_grid_id, area.rank, area.code FROM above JOIN area ON area.edition_id = above.edition_id AND area.id = above.area_id
    UNION ALL
    SELECT duty_grid.edition_id, duty_grid.id, NULL, duty_grid.code FROM duty_grid
)

SELECT
    edition.city,
    level.value ->> 'key' AS level,
    named.code,
    named.edition_id,
    named.duty_grid_id,
    (named.edition_id::bigint << 32) | named.duty_grid_id AS grid,
    (level.value ->> 'rank')::smallint AS rank
FROM named
JOIN edition ON edition.id = named.edition_id
JOIN LATERAL jsonb_array_elements(edition.levels) AS level
    ON (level.value ->> 'rank')::int = named.rank OR named.rank IS NULL AND level.value ->> 'kind' = 'duty_grid';

CREATE FUNCTION write_grid_within() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO grid_within (city, level, code, edition_id, duty_grid_id, grid, rank)
    SELECT city, level, code, edition_id, duty_grid_id, grid, rank FROM grid_ladder
    WHERE edition_id IN (SELECT edition_id FROM written)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER duty_grid_within AFTER INSERT ON duty_grid REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION write_grid_within();
INSERT INTO grid_within (city, level, code, edition_id, duty_grid_id, grid, rank) SELECT city, level, code, edition_id, duty_grid_id, grid, rank FROM grid_ladder;

-- The list of incidents: the newest of a city, of some duty grids. The duty grid is a column of its own, because under a policy only what
-- is leakproof reaches an index, and comparing columns is, computing with them is not.
ALTER TABLE incident ADD COLUMN grid BIGINT GENERATED ALWAYS AS ((edition_id::bigint << 32) | duty_grid_id) STORED;
COMMENT ON COLUMN incident.grid IS 'edition_id * 2^32 + duty_grid_id';
DROP INDEX incident_edition_id_duty_grid_id_index;
CREATE INDEX incident_grid_reported_at_id_index ON incident (grid, reported_at, id);
CREATE INDEX incident_city_reported_at_id_index ON incident (city, reported_at, id);

-- Two roles that own nothing. The HTTP app reads under wangge_app; accounts are kept under wangge_identity.
DO $$
DECLARE wanted TEXT;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['wangge_app', 'wangge_identity'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN NOINHERIT', wanted);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
            END;
        END IF;
        -- An owner that may make no roles has been given these two by whoever keeps the server.
        IF NOT pg_has_role(CURRENT_USER, wanted, 'MEMBER') THEN
            EXECUTE format('GRANT %I TO CURRENT_USER', wanted);
        END IF;
    END LOOP;
END
$$;
GRANT SELECT ON
    alembic_version, city, level, street, category, category_rule, edition, area, duty_grid, block, segment, segment_face, cell, cell_share, special_unit,
    comparison, change, owner, shift, leave, department_lead, grid_within
TO wangge_app;
-- Two columns are told by other ways alone, whatever a statement asks for: duty_shown and addresses_of.
GRANT SELECT (id, edition_id, place_kind, place_id, city, owner, post, origin, during) ON duty TO wangge_app;
GRANT SELECT (
    id, city, history, source_id, category_kind, category_code, reported_at, reported_precision, origin, geom, edition_id, how, cell, block_id, segment_id, side, offset_m,
    duty_grid_id, grid, owner, imported_at
) ON incident TO wangge_app;
GRANT SELECT ON city, level, edition, area, duty_grid, grid_within, permission TO wangge_identity;
GRANT SELECT, INSERT, UPDATE ON account, login, api_key, role_grant TO wangge_identity;

-- A function that runs as its owner must not find a temporary table where it means one of ours.
SELECT set_config('search_path', current_setting('search_path') || ', pg_temp', true);

-- Who asks: the account that `enter` found, for this transaction only. Without one nothing is granted.
CREATE FUNCTION my_grants(asked_act text) RETURNS TABLE (city text, level text, code text, department text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT role_grant.city, role_grant.level, role_grant.code, role_grant.department
    FROM role_grant
    JOIN permission ON permission.role = role_grant.role AND permission.act = asked_act
    JOIN account ON account.id = role_grant.account_id AND account.ended_at IS NULL
    WHERE role_grant.account_id = nullif(current_setting('wangge.account', true), '')::integer AND role_grant.during @> now()
$$;

CREATE FUNCTION my_cities(asked_act text) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT DISTINCT granted.city FROM my_grants(asked_act) AS granted WHERE granted.level IS NULL
$$;

CREATE FUNCTION my_grids(asked_act text) RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT DISTINCT grid_within.grid
    FROM my_grants(asked_act) AS granted
    JOIN grid_within ON grid_within.city = granted.city AND grid_within.level = granted.level AND grid_within.code = granted.code
$$;

-- The department that leads a category in a duty grid, as grids/departments.py says it: the category itself goes before a class of
-- categories, a smaller class before a larger one, a lower area before a higher one and that before the whole city.
CREATE FUNCTION leading_department(asked_city text, asked_kind text, asked_code text, asked_grid bigint) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT lead.department
    FROM department_lead AS lead
    LEFT JOIN LATERAL (
        -- All that is above the duty grid: the rungs of its ladder but the last, its own.
        SELECT max(rung.rank) FILTER (WHERE rung.code = lead.area_code AND rung.rank < own.rank) AS rank
        FROM grid_within AS rung, (
            SELECT max(grid_within.rank) AS rank FROM grid_within
            WHERE grid_within.edition_id = (asked_grid >> 32)::integer AND grid_within.duty_grid_id = (asked_grid & 4294967295)::integer
        ) AS own
        WHERE rung.edition_id = (asked_grid >> 32)::integer AND rung.duty_grid_id = (asked_grid & 4294967295)::integer
    ) AS area ON true
    WHERE lead.city = asked_city AND lead.withdrawn_at IS NULL AND lead.during @> now()
        AND CASE
            WHEN right(lead.category, 1) = '*' THEN starts_with(asked_kind || ':' || asked_code, left(lead.category, -1))
            ELSE asked_kind || ':' || asked_code = lead.category
        END
        AND (lead.area_code IS NULL OR area.rank IS NOT NULL)
        AND EXISTS (
            SELECT FROM category
            WHERE category.city = asked_city AND category.kind = asked_kind AND category.code = asked_code AND category.lead_kind = 'department'
        )
    ORDER BY right(lead.category, 1) = '*', length(lead.category) DESC, area.rank DESC NULLS LAST, lead.department COLLATE "C"
    LIMIT 1
$$;

-- Those of them that are for every department.
CREATE FUNCTION my_open_cities(asked_act text) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT DISTINCT granted.city FROM my_grants(asked_act) AS granted WHERE granted.level IS NULL AND granted.department IS NULL
$$;

CREATE FUNCTION my_open_grids(asked_act text) RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT DISTINCT grid_within.grid
    FROM my_grants(asked_act) AS granted
    JOIN grid_within ON grid_within.city = granted.city AND grid_within.level = granted.level AND grid_within.code = granted.code
    WHERE granted.department IS NULL
$$;

-- The categories, each as city and key, that departments lead for which something is granted. ``everywhere``: those that the one
-- department of all such grants leads in the whole city, so that no row needs to be asked about; else the others, which are led by place.
CREATE FUNCTION my_categories(asked_act text, everywhere boolean) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    WITH granted AS (
        SELECT DISTINCT one.city, one.department FROM my_grants(asked_act) AS one WHERE one.department IS NOT NULL
    ),
    candidate AS (
        SELECT DISTINCT granted.city, granted.department, category.kind, category.code
        FROM granted
        JOIN department_lead AS lead ON lead.city = granted.city AND lead.department = granted.department AND lead.withdrawn_at IS NULL
        JOIN category ON category.city = granted.city AND category.lead_kind = 'department'
            AND starts_with(category.kind || ':' || category.code, rtrim(lead.category, '*'))
    ),
    judged AS (
        SELECT candidate.*, (
            (SELECT count(DISTINCT granted.department) FROM granted WHERE granted.city = candidate.city) = 1
            AND NOT EXISTS (
                SELECT FROM department_lead AS lead
                WHERE lead.city = candidate.city AND lead.area_code IS NOT NULL AND lead.withdrawn_at IS NULL
                    AND starts_with(candidate.kind || ':' || candidate.code, rtrim(lead.category, '*'))
            )
        ) AS is_sure
        FROM candidate
    )
    SELECT DISTINCT city || ' ' || kind || ':' || code
    FROM judged
    WHERE is_sure = everywhere AND (NOT is_sure OR department = (
        -- The order of leading_department where none is for a place.
        SELECT lead.department
        FROM department_lead AS lead
        WHERE lead.city = judged.city AND lead.area_code IS NULL AND lead.withdrawn_at IS NULL AND lead.during @> now()
            AND CASE
                WHEN right(lead.category, 1) = '*' THEN starts_with(judged.kind || ':' || judged.code, left(lead.category, -1))
                ELSE judged.kind || ':' || judged.code = lead.category
            END
        ORDER BY right(lead.category, 1) = '*', length(lead.category) DESC, lead.department COLLATE "C"
        LIMIT 1
    ))
$$;

-- Whether some grant is for one department only: then the category counts too.
CREATE FUNCTION my_departments_limit(asked_act text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT EXISTS (SELECT FROM my_grants(asked_act) AS granted WHERE granted.department IS NOT NULL)
$$;

CREATE FUNCTION may_in_category(asked_act text, asked_city text, category_kind text, category_code text, asked_grid bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT EXISTS (
        SELECT FROM my_grants(asked_act) AS granted
        WHERE granted.city = asked_city
            AND (granted.level IS NULL OR EXISTS (
                SELECT FROM grid_within
                WHERE grid_within.city = granted.city AND grid_within.level = granted.level AND grid_within.code = granted.code
                    AND grid_within.edition_id = (asked_grid >> 32)::integer AND grid_within.duty_grid_id = (asked_grid & 4294967295)::integer
            ))
            AND (granted.department IS NULL OR granted.department = leading_department(asked_city, category_kind, category_code, asked_grid))
    )
$$;

-- The parts of a condition that no row can change stand in sub-selects: they are asked once a statement. What may be long is an IN, which
-- is looked up by a hash; an array would be gone through for every row.
ALTER TABLE incident ENABLE ROW LEVEL SECURITY;
CREATE POLICY incident_read ON incident FOR SELECT TO wangge_app USING (
    (city = ANY (ARRAY(SELECT my_cities('read_incidents'))) OR grid IN (SELECT my_grids('read_incidents')))
    AND (
        NOT (SELECT my_departments_limit('read_incidents'))
        OR city = ANY (ARRAY(SELECT my_open_cities('read_incidents')))
        OR grid IN (SELECT my_open_grids('read_incidents'))
        OR city || ' ' || category_kind || ':' || category_code IN (SELECT my_categories('read_incidents', true))
        OR (
            city || ' ' || category_kind || ':' || category_code IN (SELECT my_categories('read_incidents', false))
            AND may_in_category('read_incidents', city, category_kind, category_code, grid)
        )
    )
);

-- Names of real people are for whoever has a part in the city; posts, shifts and leave decide who answers, and stay open by code.
ALTER TABLE owner ENABLE ROW LEVEL SECURITY;
CREATE POLICY owner_read ON owner FOR SELECT TO wangge_app USING (
    origin = 'generated' OR city = ANY (ARRAY(SELECT granted.city FROM my_grants('read_names') AS granted))
);
ALTER TABLE duty ENABLE ROW LEVEL SECURITY;
CREATE POLICY duty_read ON duty FOR SELECT TO wangge_app USING (true);
ALTER TABLE shift ENABLE ROW LEVEL SECURITY;
CREATE POLICY shift_read ON shift FOR SELECT TO wangge_app USING (true);
ALTER TABLE leave ENABLE ROW LEVEL SECURITY;
CREATE POLICY leave_read ON leave FOR SELECT TO wangge_app USING (true);
ALTER TABLE source_duty ENABLE ROW LEVEL SECURITY;

-- Accounts: no policy for wangge_app, so it sees none; wangge_identity sees all, and nothing else.
ALTER TABLE account ENABLE ROW LEVEL SECURITY;
CREATE POLICY account_keep ON account TO wangge_identity USING (true) WITH CHECK (true);
ALTER TABLE login ENABLE ROW LEVEL SECURITY;
CREATE POLICY login_keep ON login TO wangge_identity USING (true) WITH CHECK (true);
ALTER TABLE api_key ENABLE ROW LEVEL SECURITY;
CREATE POLICY api_key_keep ON api_key TO wangge_identity USING (true) WITH CHECK (true);
ALTER TABLE role_grant ENABLE ROW LEVEL SECURITY;
CREATE POLICY role_grant_keep ON role_grant TO wangge_identity USING (true) WITH CHECK (true);

-- Whether the one who asks may see the names of a city's real people.
CREATE FUNCTION may_read_names(asked_city text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT current_user <> 'wangge_app'
        OR (coalesce(current_setting('wangge.account', true), '') <> '' AND asked_city IN (SELECT granted.city FROM my_grants('read_names') AS granted))
$$;

-- Duties as the one who asks may see them: the post's code in the place of the name of a real person.
CREATE VIEW duty_shown AS
SELECT
    id,
    edition_id,
    place_kind,
    place_id,
    city,
    owner,
    post,
    CASE
        WHEN origin = 'generated' OR current_user <> 'wangge_app' OR city = ANY (ARRAY(SELECT granted.city FROM my_grants('read_names') AS granted)) THEN name
        ELSE owner
    END AS name,
    origin,
    during
FROM duty;
GRANT SELECT ON duty_shown TO wangge_app;

-- The addresses of incidents, of those that the one who asks may read.
CREATE FUNCTION addresses_of(asked uuid []) RETURNS TABLE (id uuid, address text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT incident.id, incident.address
    FROM incident
    WHERE incident.id = ANY (asked)
        AND (incident.city = ANY (ARRAY(SELECT my_cities('read_addresses'))) OR incident.grid IN (SELECT my_grids('read_addresses')))
        AND (
            NOT (SELECT my_departments_limit('read_addresses'))
            OR incident.city = ANY (ARRAY(SELECT my_open_cities('read_addresses')))
            OR incident.grid IN (SELECT my_open_grids('read_addresses'))
            OR incident.city || ' ' || incident.category_kind || ':' || incident.category_code IN (SELECT my_categories('read_addresses', true))
            OR (
                incident.city || ' ' || incident.category_kind || ':' || incident.category_code IN (SELECT my_categories('read_addresses', false))
                AND may_in_category('read_addresses', incident.city, incident.category_kind, incident.category_code, incident.grid)
            )
        )
$$;

-- Whether the one who asks may read all incidents of a city, and so may count them to the last one.
CREATE FUNCTION may_count(asked_city text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT current_user <> 'wangge_app'
        OR asked_city IN (SELECT granted.city FROM my_grants('read_incidents') AS granted WHERE granted.level IS NULL AND granted.department IS NULL)
$$;

-- A number of incidents as it is told. To whom may not read them all it is told in steps of five, rounded down: a number below five is then
-- nought, and the difference between a cell and its children tells no smaller one.
CREATE FUNCTION told_count(counted bigint, exact boolean) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT (CASE WHEN exact THEN counted ELSE counted - counted % 5 END)::integer
$$;

-- Whether the HTTP app asks, and for nobody: also within a function that runs as its owner, where current_user says nothing of who asks.
CREATE FUNCTION asked_by_nobody() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT 'wangge_app' IN (session_user, current_setting('role', true)) AND coalesce(current_setting('wangge.account', true), '') = ''
$$;

CREATE FUNCTION incidents_in_cells(asked_city text, first_cell bigint, last_cell bigint) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT count(*) - CASE WHEN asked_by_nobody() THEN count(*) % 5 ELSE 0 END
    FROM incident WHERE city = asked_city AND how IN ('inside', 'border') AND cell BETWEEN first_cell AND last_cell
$$;

CREATE FUNCTION incidents_by_how(asked_city text) RETURNS TABLE (how text, total bigint, assigned bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT ROWS 6 AS $$
    SELECT coalesce(incident.how, 'waiting'), count(*), count(incident.owner) FROM incident WHERE incident.city = asked_city GROUP BY 1
$$;

-- Spatial operators are not leakproof, so under a policy no spatial index is used. The index finds the ids here; the rows behind
-- them are read under the policy. Outside of where the one who asks may read, not even an id is found.
CREATE FUNCTION incident_ids_in(box geometry) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT ROWS 1000 AS $$
    SELECT id FROM incident
    WHERE geom && box
        AND ('wangge_app' NOT IN (session_user, current_setting('role', true))
            OR city = ANY (ARRAY(SELECT my_cities('read_incidents'))) OR grid IN (SELECT my_grids('read_incidents')))
$$;

-- Who asks, by what only they have: the SHA-256 of a login's token or of a key. NULL when it is no longer, or never was, good.
CREATE FUNCTION enter(credential text, asked_digest bytea) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    found RECORD;
BEGIN
    IF credential = 'login' THEN
        SELECT login.id, login.account_id, login.seen_at AS used_at, NULL::text[] AS layers, NULL::integer AS rate_per_minute INTO found
        FROM login WHERE digest = asked_digest AND ended_at IS NULL AND expires_at > now();
    ELSE
        SELECT api_key.id, api_key.account_id, api_key.used_at, api_key.layers, api_key.rate_per_minute INTO found
        FROM api_key WHERE digest = asked_digest AND revoked_at IS NULL AND expires_at > now();
    END IF;
    IF found.id IS NULL OR NOT EXISTS (SELECT FROM account WHERE id = found.account_id AND ended_at IS NULL) THEN
        RETURN NULL;
    END IF;
    -- Last use, to the minute: a write for every request would cost more than the request. One request writes it, and none waits.
    IF coalesce(found.used_at, '-infinity') < now() - interval '1 minute' THEN
        IF credential = 'login' THEN
            UPDATE login SET seen_at = now() WHERE id = (SELECT id FROM login WHERE id = found.id FOR NO KEY UPDATE SKIP LOCKED);
        ELSE
            UPDATE api_key SET used_at = now() WHERE id = (SELECT id FROM api_key WHERE id = found.id FOR NO KEY UPDATE SKIP LOCKED);
        END IF;
    END IF;
    RETURN enter_account(found.account_id) || jsonb_build_object('credential', found.id, 'layers', found.layers, 'rate_per_minute', found.rate_per_minute);
END
$$;

CREATE FUNCTION enter_account(asked integer) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    said jsonb;
BEGIN
    SELECT jsonb_build_object('account', account.id, 'login', account.login, 'name', account.name, 'kind', account.kind, 'grants', coalesce((
        SELECT jsonb_agg(jsonb_build_object('role', role, 'city', city, 'level', level, 'code', code, 'department', department) ORDER BY id)
        FROM role_grant WHERE account_id = account.id AND during @> now()
    ), '[]'::jsonb)) INTO said
    FROM account WHERE account.id = asked AND account.ended_at IS NULL;
    IF said IS NOT NULL THEN
        PERFORM set_config('wangge.account', asked::text, true);
    END IF;
    RETURN said;
END
$$;

REVOKE EXECUTE ON FUNCTION enter(text, bytea), enter_account(integer), incidents_in_cells(text, bigint, bigint), incidents_by_how(text), incident_ids_in(geometry), addresses_of(uuid []) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION enter(text, bytea), enter_account(integer) TO wangge_app, wangge_identity;
GRANT EXECUTE ON FUNCTION incidents_in_cells(text, bigint, bigint), incidents_by_how(text), incident_ids_in(geometry), addresses_of(uuid []) TO wangge_app;
