"""Reporters: who reported an incident and how to reach them, sealed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from gis.db import Tx
from gis.sealing import Contact, Seal
from gis.subject_tables import reporter
from gis.tables import incident

_RESEALED_AT_ONCE = 1_000


@dataclass(frozen=True)
class Reported:
    """An incident that somebody reported, and when that was recorded."""

    incident_id: UUID
    city: str
    category: str
    recorded_at: datetime


def add(tx: Tx, incident_id: UUID, contact: Contact, *, seal: Seal, now: datetime) -> int:
    """Keep who reported an incident, and return the number of the row. The contact itself is nowhere in it."""
    row = {
        "incident_id": incident_id,
        "sealed": seal.sealed(contact),
        "contact_digest": seal.digest(contact.contact),
        "recorded_at": now,
    }
    return int(tx.execute(sa.insert(reporter).values(row).returning(reporter.c.id)).scalar_one())


def contacts(tx: Tx, incident_id: UUID, *, seal: Seal) -> list[Contact]:
    """Who reported an incident, in the order of recording; without those that are erased, and those that the person of the
    transaction may not see. Raises ``SealUnknown``."""
    chosen = sa.select(reporter.c.sealed).where(reporter.c.incident_id == incident_id, reporter.c.sealed.is_not(None))
    return [seal.opened(bytes(sealed)) for sealed in tx.execute(chosen.order_by(reporter.c.id)).scalars()]


def reported_by(tx: Tx, contact: str, *, seal: Seal) -> list[Reported]:
    """What somebody with this telephone number or mail address has reported, the newest first."""
    of = sa.select(incident.c.id, incident.c.city, incident.c.category_kind + ":" + incident.c.category_code, reporter.c.recorded_at)
    chosen = of.join_from(reporter, incident, incident.c.id == reporter.c.incident_id).where(_is(contact, seal))
    return [Reported(*row) for row in tx.execute(chosen.order_by(reporter.c.recorded_at.desc(), reporter.c.id))]


def erase(tx: Tx, contact: str, *, seal: Seal, now: datetime) -> int:
    """Erase who this is in all that they reported, and the addresses there; the incidents and that somebody reported them stay.
    Returns how many."""
    theirs = sa.select(reporter.c.incident_id).where(_is(contact, seal))
    tx.execute(sa.update(incident).where(incident.c.id.in_(theirs)).values(address=None))
    return tx.execute(_erased(now).where(_is(contact, seal))).rowcount


def erase_before(tx: Tx, before: datetime, *, now: datetime) -> int:
    """Erase the contacts that were recorded before an instant; how many."""
    return tx.execute(_erased(now).where(reporter.c.recorded_at < before, reporter.c.sealed.is_not(None))).rowcount


def count_before(tx: Tx, before: datetime) -> int:
    """How many contacts were recorded before an instant and are not erased."""
    chosen = sa.select(sa.func.count()).where(reporter.c.recorded_at < before, reporter.c.sealed.is_not(None))
    return int(tx.execute(chosen).scalar_one())


def reseal(tx: Tx, *, seal: Seal) -> Iterable[int]:
    """Seal every contact anew under the first key, a thousand at a time; tells how many are done. Raises ``SealUnknown`` before
    anything of its thousand is changed."""
    done, last = 0, 0
    while True:
        chosen = sa.select(reporter.c.id, reporter.c.sealed).where(reporter.c.id > last, reporter.c.sealed.is_not(None))
        rows = tx.execute(chosen.order_by(reporter.c.id).limit(_RESEALED_AT_ONCE)).all()
        if not rows:
            return
        new = [
            {
                "row": row.id,
                "new_sealed": seal.resealed(bytes(row.sealed)),
                "new_digest": seal.digest(seal.opened(bytes(row.sealed)).contact),
            }
            for row in rows
        ]
        change = sa.update(reporter).where(reporter.c.id == sa.bindparam("row"))
        tx.execute(change.values(sealed=sa.bindparam("new_sealed"), contact_digest=sa.bindparam("new_digest")), new)
        done, last = done + len(rows), rows[-1].id
        yield done


def _is(contact: str, seal: Seal) -> sa.ColumnElement[bool]:
    return reporter.c.contact_digest.in_(seal.digests(contact))


def _erased(now: datetime) -> sa.Update:
    return sa.update(reporter).values(sealed=None, contact_digest=None, erased_at=now)
