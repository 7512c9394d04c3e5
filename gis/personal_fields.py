"""What is kept of people, named in one place: each column, which act reveals it, what stands in its place, and how long it stays.

Tests hold it against the tables: a text of a personal table that is missing here fails them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gis.settings import Settings
from grids.permissions import Act

Withheld = Literal["code", "null", "row"]
"""What is shown instead: the code of the post, nothing, or not even the row."""


@dataclass(frozen=True)
class Personal:
    """One column: who may read it, what the others see, and what becomes of it when the person is erased."""

    table: str
    column: str
    revealed_by: Act | None
    """None: to nobody but its own account and whoever keeps accounts."""
    withheld: Withheld
    erased_to: Literal["code", "null", "empty", "row"]


PERSONAL = (
    Personal("owner", "name", Act.READ_NAMES, "code", "code"),
    Personal("duty", "name", Act.READ_NAMES, "code", "code"),
    Personal("incident", "address", Act.READ_ADDRESSES, "null", "null"),
    Personal("reporter", "sealed", Act.READ_CONTACTS, "row", "null"),
    Personal("reporter", "contact_digest", Act.READ_CONTACTS, "row", "null"),
    Personal("account", "login", Act.KEEP_ACCOUNTS, "row", "code"),
    Personal("account", "name", Act.KEEP_ACCOUNTS, "row", "empty"),
    Personal("account", "password_hash", None, "row", "null"),
    Personal("account", "issuer", None, "row", "null"),
    Personal("account", "subject", None, "row", "null"),
    Personal("login", "device", None, "row", "row"),
    Personal("api_key", "name", Act.KEEP_ACCOUNTS, "row", "row"),
    Personal("api_key", "start", Act.KEEP_ACCOUNTS, "row", "row"),
)

LOGINS, CONTACTS, REJECTED_ROWS, RATES = "logins", "contacts of reporters", "rejected rows", "rates"
KINDS = (LOGINS, CONTACTS, REJECTED_ROWS, RATES)
"""What is deleted when its time is over (`gis/actions/delete_expired.py`)."""


ERASED_ACCOUNT, ERASED_OWNER, ERASED_REPORTER = "account", "owner", "reporter"
"""Whom an erasure is about (`gis/actions/erase_subject.py`)."""


def keep_days(settings: Settings) -> dict[str, int]:
    """How many days each kind is kept by the settings; rates go as soon as they say nothing any more."""
    return {LOGINS: settings.keep_logins_days, CONTACTS: settings.keep_contacts_days, REJECTED_ROWS: settings.keep_rejected_days}
