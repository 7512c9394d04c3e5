"""Every route, every role, inside, outside and above one's part of the city: through HTTP and through SQL exactly as the table says."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests import canaries
from tests.api.conftest import served
from tests.api.permissions_matrix import Matrix, through_http, through_sql
from tests.tiny_city import act, redraw


def told(matrix: Matrix, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        of_each = ", ".join(f"{name} {count}" for name, count in matrix.asked.most_common())
        sys.stdout.write(f"\npermissions: {matrix.asked.total()} comparisons ({of_each})\n")


@pytest.fixture
def matrix(database: str, tmp_path: Path) -> Matrix:
    """The city with canaries in every area, and a draft that changes something."""
    planted = canaries.plant(database, tmp_path)
    redraw(database, tmp_path / "canaries")
    return Matrix(planted)


def test_every_route_is_open_to_every_role_exactly_as_the_table_says(
    matrix: Matrix, database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with served(database, tmp_path) as client:
        through_http(matrix, client, database)
    assert matrix.wrong == []
    assert matrix.asked.total() > 4_000
    told(matrix, capsys)


def test_the_database_shows_the_same_rows_to_the_role_of_the_app(matrix: Matrix, database: str, capsys: pytest.CaptureFixture[str]) -> None:
    through_sql(matrix, database)
    assert matrix.wrong == []
    told(matrix, capsys)


def test_without_row_level_security_the_same_checks_fail(
    matrix: Matrix, database: str, tmp_path: Path, new_database: Callable[[str], str]
) -> None:
    clone = new_database(sa.make_url(database).database or "")
    with act(clone) as tx:
        tx.execute(sa.text("ALTER TABLE incident DISABLE ROW LEVEL SECURITY"))
    through_sql(matrix, clone)
    assert any(said.startswith("sql-rows as nobody") for said in matrix.wrong)
    matrix.wrong.clear()
    with served(clone, tmp_path) as client:
        through_http(matrix, client, clone, at_most=5)
    # The acts hold by themselves: lists ask by the person's own duty grids, tiles for ids that the person may see.
    assert not any(said.startswith(("place", "rows", "incident")) for said in matrix.wrong)
