"""Every table is of a kind, and the roles of the app see of each kind what its rule says."""

from __future__ import annotations

import uuid
from importlib.resources import files

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from gis import db, tables
from gis.personal_fields import PERSONAL
from gis.table_kinds import KINDS, READ_MACHINERY, TableKind, kind_of
from tests.tiny_city import act

READERS = {"wangge_app", "wangge_identity"}
IDENTITY_WRITES = {"account", "login", "api_key", "role_grant", "rate_limit", "rate_refusal"}
DEFINERS = {
    "my_grants",
    "my_cities",
    "my_grids",
    "my_categories",
    "my_open_cities",
    "my_open_grids",
    "my_departments_limit",
    "may_in_category",
    "leading_department",
    "incidents_in_cells",
    "incidents_by_how",
    "incident_ids_in",
    "addresses_of",
    "enter",
    "enter_account",
}
"""The functions that run with the rights of their owner: each a door through the policies, to be looked at before it is added here."""

_TABLES = "SELECT oid::regclass::text AS name, relrowsecurity AS secured FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
_ALLOWED = """
    SELECT c.relname, p.privilege FROM pg_class AS c
    CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS p (privilege)
    WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
        AND (has_table_privilege(:role, c.oid, p.privilege)
            OR p.privilege IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES') AND has_any_column_privilege(:role, c.oid, p.privilege))
"""
_POLICIES = "SELECT tablename, cmd, permissive, qual FROM pg_policies WHERE schemaname = 'public' AND (:role = ANY (roles) OR 'public' = ANY (roles))"


class Findings:
    """What breaks a rule in a database."""

    def __init__(self, url: str) -> None:
        with act(url) as tx:
            self.secured = {row.name: row.secured for row in tx.execute(sa.text(_TABLES))}
            self.allowed = {
                role: {(row.relname, row.privilege) for row in tx.execute(sa.text(_ALLOWED), {"role": role})} for role in READERS
            }
            self.policies = {role: {(row.tablename, row.cmd) for row in tx.execute(sa.text(_POLICIES), {"role": role})} for role in READERS}

    def wrong(self) -> list[str]:
        """Each in one line; none when all rules hold."""
        return [said for table, secured in self.secured.items() for said in self._of(table, secured=secured)]

    def _of(self, table: str, *, secured: bool) -> list[str]:
        kind = kind_of(table)
        if kind is None:
            return [f"{table} is of no kind: name it in gis/table_kinds.py"]
        held = {privilege for name, privilege in self.allowed["wangge_app"] if name == table}
        ruled = {command for name, command in self.policies["wangge_app"] if name == table}
        found = []
        if kind in (TableKind.PERSONAL, TableKind.CASE, TableKind.ACCOUNT) and not secured:
            found.append(f"{table} is {kind} and its row-level security is off")
        if kind in (TableKind.PERSONAL, TableKind.CASE):
            found += [f"{table}: wangge_app may {one} and no policy says which rows" for one in held if not ruled & {one, "ALL"}]
        if kind is TableKind.PLAN:
            found += [f"{table}: wangge_app may {one} a plan" for one in held - {"SELECT"}]
        if kind is TableKind.ACCOUNT or (kind is TableKind.MACHINERY and table not in READ_MACHINERY):
            found += [f"{table} is {kind}, and wangge_app may {one}" for one in held]
            found += [f"{table} is {kind}, and a policy lets wangge_app {one}" for one in ruled]
        writes = {privilege for name, privilege in self.allowed["wangge_identity"] if name == table} - {"SELECT"}
        if kind in (TableKind.PERSONAL, TableKind.CASE) and any(name == table for name, _ in self.allowed["wangge_identity"]):
            found.append(f"{table} is {kind}, and wangge_identity reads it")
        if writes and table not in IDENTITY_WRITES:
            found.append(f"{table}: wangge_identity may {sorted(writes)}")
        return found


def test_every_table_is_of_a_kind_and_its_rule_holds(database: str) -> None:
    found = Findings(database)
    assert found.wrong() == []
    assert {name for name in found.secured if not name.startswith("procrastinate_")} == set(KINDS)
    assert set(tables.metadata.tables) <= set(KINDS)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("CREATE TABLE whatever (id integer)", "of no kind"),
        ("ALTER TABLE incident DISABLE ROW LEVEL SECURITY", "security is off"),
        ("ALTER TABLE owner DISABLE ROW LEVEL SECURITY", "security is off"),
        ("ALTER TABLE source_duty DISABLE ROW LEVEL SECURITY", "security is off"),
        ("DROP POLICY reporter_read ON reporter", "no policy says which rows"),
        ("GRANT UPDATE ON incident TO wangge_app", "no policy says which rows"),
        ("GRANT UPDATE (address) ON incident TO wangge_app", "no policy says which rows"),
        ("GRANT INSERT ON block TO wangge_app", "may INSERT a plan"),
        ("GRANT SELECT (login) ON account TO wangge_app", "wangge_app may SELECT"),
        ("CREATE POLICY more ON api_key TO wangge_app USING (true)", "lets wangge_app ALL"),
        ("CREATE POLICY more ON login TO public USING (true)", "lets wangge_app ALL"),
        ("GRANT SELECT ON permission TO PUBLIC", "wangge_app may SELECT"),
        ("GRANT SELECT ON reporter TO wangge_identity", "wangge_identity reads it"),
        ("GRANT DELETE ON edition TO wangge_identity", "wangge_identity may"),
    ],
)
def test_what_breaks_a_rule_is_found(database: str, change: str, said: str) -> None:
    with act(database) as tx:
        tx.execute(sa.text(change))
    (wrong,) = Findings(database).wrong()
    assert said in wrong


def test_every_personal_field_stands_in_a_table_that_is_not_open(database: str) -> None:
    del database
    for field in PERSONAL:
        assert KINDS[field.table] in (TableKind.PERSONAL, TableKind.CASE, TableKind.ACCOUNT), field


def test_the_app_never_reads_a_name_or_an_address_but_by_the_way_that_asks_who(database: str) -> None:
    engine = db.engine(database, pool_size=1, role="wangge_app")
    try:
        for asked in (
            "SELECT name FROM duty",
            "SELECT address FROM incident",
            "SELECT * FROM incident",
            "SELECT * FROM account",
            "SELECT * FROM grid_ladder",
        ):
            with pytest.raises(DBAPIError, match="permission denied"), db.transaction(engine) as tx:
                tx.execute(sa.text(asked))
        with db.transaction(engine) as tx:
            assert tx.execute(sa.text("SELECT count(*) FROM duty_shown")).scalar_one() == 0
            assert tx.execute(sa.text("SELECT count(*) FROM addresses_of('{}')")).scalar_one() == 0
    finally:
        engine.dispose()


def test_the_roles_of_the_app_own_nothing_and_pass_no_policy(database: str) -> None:
    with act(database) as tx:
        roles = tx.execute(
            sa.text(
                "SELECT rolname, rolsuper, rolbypassrls, rolcanlogin, rolcreaterole, rolinherit FROM pg_roles WHERE rolname = ANY (:roles)"
            ),
            {"roles": sorted(READERS)},
        ).all()
        owned = "SELECT count(*) FROM pg_class WHERE relowner IN (SELECT oid FROM pg_roles WHERE rolname = ANY (:roles))"
        assert {tuple(role) for role in roles} == {(name, False, False, False, False, False) for name in READERS}
        assert tx.execute(sa.text(owned), {"roles": sorted(READERS)}).scalar_one() == 0


def test_each_function_with_the_rights_of_its_owner_is_known_and_finds_no_table_of_the_caller(database: str) -> None:
    with act(database) as tx:
        asked = """
            SELECT p.proname AS name, array_to_string(p.proconfig, ' ') AS set FROM pg_proc AS p
            LEFT JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
            WHERE p.prosecdef AND p.pronamespace = 'public'::regnamespace AND d.objid IS NULL
        """
        found = {row.name: row.set or "" for row in tx.execute(sa.text(asked))}
    assert set(found) == DEFINERS
    for name, said in found.items():
        assert said.startswith("search_path="), name
        assert said.endswith("pg_temp"), (name, said)


def test_a_view_that_the_app_reads_is_known(database: str) -> None:
    with act(database) as tx:
        asked = "SELECT relname FROM pg_class WHERE relkind IN ('v', 'm') AND relnamespace = 'public'::regnamespace AND has_table_privilege('wangge_app', oid, 'SELECT') AND relname NOT IN ('geometry_columns', 'geography_columns')"
        assert set(tx.execute(sa.text(asked)).scalars()) == {"duty_shown"}


def test_an_owner_that_may_make_no_roles_is_enough_once_it_has_been_given_the_two(database: str) -> None:
    made = (files("gis.migrations.versions") / "0008_who_may.sql").read_text("utf-8")
    block = made[made.index("DO $$") : made.index("$$;", made.index("DO $$")) + 3]
    assert "CREATE ROLE" in block
    with act(database) as tx:
        plain = "plain_" + uuid.uuid4().hex
        tx.execute(sa.text(f"CREATE ROLE {plain}"))
        tx.execute(sa.text(f"GRANT wangge_app, wangge_identity TO {plain}"))
        tx.execute(sa.text(f"SET LOCAL ROLE {plain}"))
        tx.connection.driver_connection.execute(block)
        tx.execute(sa.text("RESET ROLE"))
        tx.execute(sa.text(f"DROP ROLE {plain}"))
