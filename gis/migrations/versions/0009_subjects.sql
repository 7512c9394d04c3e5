-- Who reported an incident, sealed with a key that the database does not have; what was deleted when its time was over; rates.

CREATE TABLE reporter (
    id INTEGER GENERATED ALWAYS AS IDENTITY,
    incident_id UUID NOT NULL,
    sealed BYTEA,
    contact_digest BYTEA,
    recorded_at TIMESTAMPTZ NOT NULL,
    erased_at TIMESTAMPTZ,
    CONSTRAINT reporter_pkey PRIMARY KEY (id),
    CONSTRAINT reporter_incident_id_fkey FOREIGN KEY (incident_id) REFERENCES incident (id) ON DELETE CASCADE,
    CONSTRAINT reporter_erased_check CHECK ((erased_at IS NULL) = (sealed IS NOT NULL) AND (sealed IS NULL) = (contact_digest IS NULL))
);
COMMENT ON COLUMN reporter.sealed IS 'name and contact, sealed under WANGGE_SEALING_KEYS; NULL: erased';
COMMENT ON COLUMN reporter.contact_digest IS 'keyed digest of the contact, to find all that one person reported';
CREATE INDEX reporter_incident_id_index ON reporter (incident_id);
CREATE INDEX reporter_contact_digest_index ON reporter (contact_digest);
GRANT SELECT ON reporter TO wangge_app;
-- The incident is read under its own policy, so a reporter outside one's part of the city is not there either.
ALTER TABLE reporter ENABLE ROW LEVEL SECURITY;
CREATE POLICY reporter_read ON reporter FOR SELECT TO wangge_app USING (
    EXISTS (
        SELECT FROM incident
        WHERE incident.id = reporter.incident_id
            AND (incident.city = ANY (ARRAY(SELECT my_cities('read_contacts'))) OR incident.grid = ANY (ARRAY(SELECT my_grids('read_contacts'))))
            AND (NOT (SELECT my_departments_limit('read_contacts')) OR may_in_category('read_contacts', incident.city, incident.category_kind, incident.category_code, incident.grid))
    )
);

-- The logins that erasure gives are nobody's to take.
ALTER TABLE account ADD CONSTRAINT account_erased_check CHECK (login !~ '^erased-' OR erased_at IS NOT NULL);

-- Who set a password for somebody else: it is good for one log-in, at which another is taken, and who set it has no second voice by it.
ALTER TABLE account
    ADD COLUMN failed_at TIMESTAMPTZ,
    ADD COLUMN must_change BOOLEAN DEFAULT false NOT NULL,
    ADD COLUMN password_set_by INTEGER,
    ADD CONSTRAINT account_password_set_by_fkey FOREIGN KEY (password_set_by) REFERENCES account (id) ON DELETE SET NULL;
COMMENT ON COLUMN account.failed_at IS 'when a password was last tried; a day after that the wrong ones are forgotten';
COMMENT ON COLUMN account.must_change IS 'the password is good for one log-in, which takes another';
COMMENT ON COLUMN account.password_set_by IS 'who last set it for its person, whatever the person took since; NULL: nobody, or a command on the machine';

-- Who made a key: one that somebody else made ends when the account may do more, or takes another password.
ALTER TABLE api_key
    ADD COLUMN made_by INTEGER,
    ADD CONSTRAINT api_key_made_by_fkey FOREIGN KEY (made_by) REFERENCES account (id) ON DELETE SET NULL;
COMMENT ON COLUMN api_key.made_by IS 'NULL: by a command on the machine';

CREATE TABLE deletion (
    id INTEGER GENERATED ALWAYS AS IDENTITY,
    kind TEXT NOT NULL,
    before TIMESTAMPTZ,
    rows INTEGER NOT NULL,
    deleted_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT deletion_pkey PRIMARY KEY (id),
    CONSTRAINT deletion_rows_check CHECK (rows >= 0)
);
COMMENT ON COLUMN deletion.kind IS 'what was deleted; gis/personal_fields.py names the kinds';
COMMENT ON COLUMN deletion.before IS 'what was older than this went; NULL: all of one person';

-- A duty of an adopted edition may end, and may lose the name of who held it, for the post's code: whoever has the right to be
-- forgotten goes before the replay of an old answer to the letter. The post, the place and the time stay.
CREATE OR REPLACE FUNCTION refuse_duty_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM edition WHERE id = OLD.edition_id AND status <> 'draft') THEN
        RETURN coalesce(NEW, OLD);
    END IF;
    IF TG_OP = 'UPDATE' AND upper_inf(OLD.during) AND NOT upper_inf(NEW.during) AND lower(OLD.during) IS NOT DISTINCT FROM lower(NEW.during)
       AND to_jsonb(NEW) - 'during' = to_jsonb(OLD) - 'during' THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.name = NEW.owner AND to_jsonb(NEW) - 'name' = to_jsonb(OLD) - 'name' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a duty of an adopted edition may only end' USING ERRCODE = 'restrict_violation', TABLE = 'duty', CONSTRAINT = 'adopted_edition';
END
$$;

-- Rates that hold in every process and on every machine of one database (gis/store/limits.py). Keys are keyed digests of an address or
-- an account: nothing of a person is kept, so there is no policy.
CREATE TABLE rate_limit (
    kind TEXT NOT NULL,
    key BYTEA NOT NULL,
    full_us BIGINT NOT NULL,
    CONSTRAINT rate_limit_pkey PRIMARY KEY (kind, key)
);
COMMENT ON COLUMN rate_limit.full_us IS 'microseconds since 1970 UTC at which everything may be done at once again';
CREATE TABLE rate_refusal (
    kind TEXT NOT NULL,
    day DATE NOT NULL,
    refused BIGINT NOT NULL,
    CONSTRAINT rate_refusal_pkey PRIMARY KEY (kind, day)
);
COMMENT ON COLUMN rate_refusal.day IS 'in UTC';
GRANT SELECT, INSERT, UPDATE, DELETE ON rate_limit TO wangge_identity;
GRANT SELECT, INSERT, UPDATE ON rate_refusal TO wangge_identity;
