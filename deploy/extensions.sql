-- What a database needs before `wangge migrate`; run once by a superuser of PostgreSQL, in the database of the service.
CREATE EXTENSION IF NOT EXISTS postgis;
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
