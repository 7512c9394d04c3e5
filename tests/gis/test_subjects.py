"""What is kept of people: given to them, erased so that what they did stays, and deleted when its time is over."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from gis import db, rejections, tables
from gis.account_errors import AccountNotEnded, BadLogin
from gis.actions import erase_subject, export_subject
from gis.actions.delete_expired import delete_expired
from gis.actions.end_account import end_account
from gis.errors import NotFound
from gis.personal_fields import CONTACTS, LOGINS, PERSONAL, RATES, REJECTED_ROWS
from gis.sealing import Contact, Seal, seal_of
from gis.settings import Settings
from gis.store import accounts, deletions, logins, persons, reporters
from grids.permissions import Grant, Place, Role
from tests import persons as made
from tests.tiny_city import NOON, act, load, redraw, take_in

WANG = Contact("王芳", "021-5555 0100")


@pytest.fixture
def seal() -> Seal:
    return seal_of(Settings(sealing_keys=SecretStr("test")))


@pytest.fixture
def city(database: str, tiny_pack: Path, tmp_path: Path) -> str:
    load(database, tiny_pack)
    take_in(database, tmp_path)
    return database


def incident_in_a_grid(tx: db.Tx) -> tuple[UUID, str]:
    """An incident with a duty grid, and the code of the grid."""
    of, grid = tables.incident, tables.duty_grid
    chosen = sa.select(of.c.id, grid.c.code).join(grid, sa.and_(grid.c.edition_id == of.c.edition_id, grid.c.id == of.c.duty_grid_id))
    number, code = tx.execute(chosen.order_by(of.c.source_id).limit(1)).one()
    return number, code


def everything(tx: db.Tx) -> str:
    """All rows of all our tables as text."""
    names = tx.execute(sa.text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'spatial_ref_sys'")).scalars()
    return "\n".join(str(tx.execute(sa.text(f'SELECT * FROM "{name}"')).all()) for name in list(names))


def test_no_table_holds_a_reporter_in_the_clear(city: str, seal: Seal) -> None:
    with act(city) as tx:
        number, _ = incident_in_a_grid(tx)
        reporters.add(tx, number, WANG, seal=seal, now=NOON)
        assert reporters.contacts(tx, number, seal=seal) == [WANG]
        said = everything(tx)
    assert not [text for text in ("王芳", repr("王芳".encode())[2:-1], "5555 0100", "55550100") if text in said]


def test_a_reporter_is_given_what_is_kept_and_erased_without_the_case(city: str, seal: Seal) -> None:
    with act(city) as tx:
        number, _ = incident_in_a_grid(tx)
        row = reporters.add(tx, number, WANG, seal=seal, now=NOON)
        tx.execute(sa.update(tables.incident).where(tables.incident.c.id == number).values(address="Lane 5, No. 7"))
        for written, found in {"021-5555 0101": [], "02155550100": [number], "（021）５５５５ ０１００": [number]}.items():
            assert [one["incident"] for one in export_subject.export_reporter(tx, written, seal=seal, now=NOON)["reports"]] == found
        assert erase_subject.erase_reporter(tx, WANG.contact, seal=seal, now=NOON) == 1
        assert reporters.contacts(tx, number, seal=seal) == []
        assert export_subject.export_reporter(tx, WANG.contact, seal=seal, now=NOON)["reports"] == []
        kept = tx.execute(sa.select(tables.reporter).where(tables.reporter.c.id == row)).one()
        assert (kept.incident_id, kept.sealed, kept.contact_digest, kept.erased_at) == (number, None, None, NOON)
        (record,) = deletions.newest(tx, many=5)
        assert (record.kind, record.rows, record.before) == ("reporter", 1, None)
        assert tx.execute(sa.select(tables.incident.c.address).where(tables.incident.c.id == number)).scalar_one() is None
        with pytest.raises(NotFound):
            erase_subject.erase_reporter(tx, WANG.contact, seal=seal, now=NOON)
        assert len(deletions.newest(tx, many=5)) == 1


def test_a_reporter_is_seen_by_the_intake_of_the_place_alone(city: str, seal: Seal) -> None:
    with act(city) as tx:
        number, grid = incident_in_a_grid(tx)
        reporters.add(tx, number, WANG, seal=seal, now=NOON)
        here = Place("duty_grid", grid)
        rest = sa.select(tables.duty_grid.c.code).where(tables.duty_grid.c.code != grid).order_by(tables.duty_grid.c.code).limit(1)
        elsewhere = Place("duty_grid", tx.execute(rest).scalar_one())
        level = tx.execute(sa.text("SELECT level FROM grid_within WHERE code = :code"), {"code": grid}).scalar_one()
        here, elsewhere = here._replace(level=level), elsewhere._replace(level=level)
        asking = {
            (Role.INTAKE, None): True,
            (Role.INTAKE, here): True,
            (Role.INTAKE, elsewhere): False,
            (Role.WORKER, here): False,
            (Role.ADMINISTRATOR, None): False,
            (Role.DUTY_CHIEF, here): True,
        }
        numbers = {made.add_in(tx, Grant(role, "tiny", place)): sees for (role, place), sees in asking.items()}
    app = db.engine(city, pool_size=1, role="wangge_app")
    for account, sees in numbers.items():
        with db.transaction(app) as tx:
            assert persons.enter_account(tx, account) is not None
            assert (reporters.contacts(tx, number, seal=seal) == [WANG]) is sees
    with db.transaction(app) as tx:
        assert reporters.contacts(tx, number, seal=seal) == []
    app.dispose()


def test_new_keys_seal_everything_anew(city: str) -> None:
    old, both, new = (seal_of(Settings(sealing_keys=SecretStr(keys))) for keys in ("old", "new,old", "new"))
    with act(city) as tx:
        number, _ = incident_in_a_grid(tx)
        for at in range(3):
            reporters.add(tx, number, Contact(f"n{at}", f"c{at}"), seal=old, now=NOON)
        assert len(reporters.reported_by(tx, "c1", seal=both)) == 1
        assert list(reporters.reseal(tx, seal=both)) == [3]
        assert [one.name for one in reporters.contacts(tx, number, seal=new)] == ["n0", "n1", "n2"]
        assert len(reporters.reported_by(tx, "c1", seal=new)) == 1


def test_an_erased_account_leaves_its_number_and_nothing_else(city: str, tiny_pack: Path) -> None:
    redraw(city, tiny_pack)
    with act(city) as tx:
        number = accounts.create(tx, "zhang.wei", name="张伟", now=NOON, password_hash="x", provider=("https://id.example", "sub-77"))
        logins.add(tx, number, device="Firefox on a telephone", now=NOON)
        tx.execute(sa.update(tables.edition).where(tables.edition.c.number == 2).values(drawn_by=number))
        with pytest.raises(AccountNotEnded):
            erase_subject.erase_account(tx, "zhang.wei", now=NOON)
        given = export_subject.export_account(tx, "zhang.wei", now=NOON)
        assert (given["account"]["name"], given["logins"][0]["device"]) == ("张伟", "Firefox on a telephone")
        assert given["editions"] == [{"city": "tiny", "number": 2, "drew": True}]
        end_account(tx, "zhang.wei", now=NOON)
        erase_subject.erase_account(tx, "zhang.wei", now=NOON)
        said = everything(tx)
        assert not any(text in said for text in ("zhang.wei", "张伟", "sub-77", "Firefox on a telephone"))
        assert tx.execute(sa.select(tables.edition.c.drawn_by).where(tables.edition.c.number == 2)).scalar_one() == number
        with pytest.raises(NotFound):
            export_subject.export_account(tx, "zhang.wei", now=NOON)
        with pytest.raises(BadLogin):
            accounts.create(tx, "erased-99", name="x", now=NOON)


def test_an_erased_holder_of_posts_is_a_code_in_every_edition(city: str) -> None:
    with act(city) as tx:
        code, name = tx.execute(sa.select(tables.duty.c.owner, tables.duty.c.name).order_by(tables.duty.c.id).limit(1)).one()
        given = export_subject.export_owner(tx, "tiny", code, now=NOON)
        assert given["owner"]["name"] == name
        assert given["posts"]
        assert erase_subject.erase_owner(tx, "tiny", code, now=NOON) == 1 + len(given["posts"])
        assert set(tx.execute(sa.select(tables.duty.c.name).where(tables.duty.c.owner == code)).scalars()) == {code}
        assert tx.execute(sa.select(tables.owner.c.name).where(tables.owner.c.code == code)).scalar_one() == code
        with pytest.raises(NotFound):
            erase_subject.erase_owner(tx, "tiny", "no-such", now=NOON)


@pytest.mark.parametrize("change", ["name = 'Somebody Else'", "post = 'deputy'", "owner = 'O2', name = 'O2'"])
def test_erasing_opens_no_other_way_to_change_an_adopted_duty(city: str, change: str) -> None:
    with pytest.raises((sa.exc.DBAPIError, psycopg.Error), match="may only end"), act(city) as tx:
        tx.execute(sa.text(f"UPDATE duty SET {change} WHERE owner = 'O1'"))


def test_what_has_been_kept_long_enough_goes_and_is_told(city: str, seal: Seal, tmp_path: Path) -> None:
    rejected = tmp_path / "rejected"
    rejected.mkdir()
    for name, age in (("old-rejected.csv", 100), ("new-rejected.csv", 1), ("old-other.csv", 100)):
        (rejected / name).write_text("x")
        then = (NOON - timedelta(days=age)).timestamp()
        os.utime(rejected / name, (then, then))
    days = {LOGINS: 30, CONTACTS: 60, REJECTED_ROWS: 90}
    with act(city) as tx:
        number, _ = incident_in_a_grid(tx)
        account = accounts.create(tx, "zhang.wei", name="张伟", now=NOON)
        over = logins.add(tx, account, device="old", now=NOON - timedelta(days=400))
        logins.add(tx, account, device="new", now=NOON)
        del over
        reporters.add(tx, number, WANG, seal=seal, now=NOON - timedelta(days=61))
        reporters.add(tx, number, Contact("李", "1"), seal=seal, now=NOON - timedelta(days=59))
        counted = delete_expired(tx, days, rejected_folder=rejected, now=NOON, dry=True)
        assert {one.kind: one.rows for one in counted} == {LOGINS: 1, CONTACTS: 1, REJECTED_ROWS: 1, RATES: 0}
        assert deletions.newest(tx, many=5) == []
        assert (rejected / "old-rejected.csv").exists()
        done = delete_expired(tx, days, rejected_folder=rejected, now=NOON)
        assert {one.kind: one.rows for one in done} == {LOGINS: 1, CONTACTS: 1, REJECTED_ROWS: 1, RATES: 0}
        assert {one.kind: one.rows for one in deletions.newest(tx, many=5)} == {LOGINS: 1, CONTACTS: 1, REJECTED_ROWS: 1}
        rejections.remove(rejected, NOON - timedelta(days=90))
        assert [one.name for one in reporters.contacts(tx, number, seal=seal)] == ["李"]
        assert tx.execute(sa.select(tables.login.c.device)).scalars().all() == ["new"]
        assert all(not one.rows for one in delete_expired(tx, days, rejected_folder=rejected, now=NOON))
    assert sorted(file.name for file in rejected.iterdir()) == ["new-rejected.csv", "old-other.csv"]


def test_every_personal_field_is_a_column_and_every_text_of_personal_tables_is_named() -> None:
    named = {(one.table, one.column) for one in PERSONAL}
    assert all(column in tables.metadata.tables[table].c for table, column in named)
    not_personal = {
        ("account", "kind"), ("account", "origin"), ("owner", "city"), ("owner", "code"), ("owner", "origin"),
        ("login", "digest"), ("api_key", "digest"), ("api_key", "layers"),
    }  # fmt: skip
    for table in ("account", "login", "api_key", "owner", "reporter"):
        texts = {(table, one.name) for one in tables.metadata.tables[table].c if isinstance(one.type, sa.Text | sa.LargeBinary | sa.ARRAY)}
        assert texts <= named | not_personal
