"""Which act each route is: who may ask it at all is then said by the one table of `grids/permissions.py`.

A route that does an act on a city enters its person with exactly that act (``api.deps.Caller.enter``), and its statements run under the
policies of the database, which leave out the rows of other places. A test fails when a route has no rule here, or enters with another.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from grids.permissions import Act

RULES: Mapping[str, Act | None] = MappingProxyType(
    {
        "home": None,
        "mapPage": None,
        "docsPage": None,
        "loginPage": None,
        "healthz": None,
        "readyz": None,
        "version": None,
        # A file of public ground, read in ranges: who asks is not looked up.
        "basemap": None,
        "style": Act.READ_PLAN,
        "tileJson": Act.READ_PLAN,
        # Of the incidents a tile holds only those that the one who asks may read, so the tiles of nobody are empty.
        "tile": Act.READ_PLAN,
        "listCities": Act.READ_COUNTS,
        "listChanges": Act.READ_COUNTS,
        "locate": Act.READ_PLAN,
        "locate_many": Act.READ_PLAN,
        # How one becomes known, and that one leaves.
        "waysToLogIn": None,
        "logIn": None,
        "logInByProvider": None,
        "providerCallback": None,
        "logOut": None,
        "me": Act.KEEP_OWN_ACCOUNT,
        "listLogins": Act.KEEP_OWN_ACCOUNT,
        "endLogin": Act.KEEP_OWN_ACCOUNT,
        "endOtherLogins": Act.KEEP_OWN_ACCOUNT,
        "changePassword": Act.KEEP_OWN_ACCOUNT,
        "listOwnKeys": Act.KEEP_OWN_ACCOUNT,
        "addOwnKey": Act.KEEP_OWN_ACCOUNT,
        "revokeOwnKey": Act.KEEP_OWN_ACCOUNT,
        "tileToken": Act.KEEP_OWN_ACCOUNT,
        "listAccounts": Act.KEEP_ACCOUNTS,
        "addAccount": Act.KEEP_ACCOUNTS,
        "endAccount": Act.KEEP_ACCOUNTS,
        "setPassword": Act.KEEP_ACCOUNTS,
        "giveGrant": Act.KEEP_ACCOUNTS,
        "endGrant": Act.KEEP_ACCOUNTS,
        "listKeys": Act.KEEP_ACCOUNTS,
        "addKey": Act.KEEP_ACCOUNTS,
        "revokeKey": Act.KEEP_ACCOUNTS,
        "listIncidents": Act.READ_INCIDENTS,
        "incident": Act.READ_INCIDENTS,
        "incidentReporters": Act.READ_CONTACTS,
    }
)
"""The act of each route by its operation id; None where nothing of a city or a person is read or changed, and nobody is asked who they are."""

BY_LOGIN = frozenset(
    {"addOwnKey", "endOtherLogins", "changePassword"} | {route for route, act in RULES.items() if act is Act.KEEP_ACCOUNTS}
)
"""The routes that take a device's log-in: to an API key, which may have been stolen, they are closed whatever its account may do."""
