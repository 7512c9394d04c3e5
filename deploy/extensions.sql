-- What a database needs before `wangge migrate`; run by a superuser of PostgreSQL, in the database of the service. Again does no harm.
CREATE EXTENSION IF NOT EXISTS postgis;
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- The two roles under which the service reads; they own nothing and nobody logs in as them. The owner of the database takes them on.
DO $$
DECLARE wanted TEXT;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['wangge_app', 'wangge_identity'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN NOINHERIT', wanted);
        END IF;
        EXECUTE format('GRANT %I TO %I', wanted, (SELECT rolname FROM pg_database JOIN pg_roles ON pg_roles.oid = datdba WHERE datname = current_database()));
    END LOOP;
END
$$;
