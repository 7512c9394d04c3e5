"""Sealing: only the settings' keys open what is kept, keys may change, and what is damaged is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from gis.account_errors import SealUnknown
from gis.sealing import Contact, Seal, seal_of
from gis.settings import Settings

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


def seal_with(keys: str) -> Seal:
    return seal_of(Settings(sealing_keys=SecretStr(keys)))


@given(texts, texts)
def test_what_is_sealed_is_opened_again_and_never_looks_the_same(name: str, contact: str) -> None:
    seal, said = seal_with("one key"), Contact(name, contact)
    first, second = seal.sealed(said), seal.sealed(said)
    assert seal.opened(first) == seal.opened(second) == said
    assert first != second
    assert len(contact) < 6 or contact.encode() not in first


@given(st.binary(max_size=200))
def test_what_was_never_sealed_is_refused(anything: bytes) -> None:
    with pytest.raises(SealUnknown):
        seal_with("one key").opened(anything)


def test_a_changed_byte_is_refused() -> None:
    seal = seal_with("one key")
    kept = bytearray(seal.sealed(Contact("王", "021-1")))
    kept[40] ^= 1
    with pytest.raises(SealUnknown):
        seal.opened(bytes(kept))


def test_keys_change_one_after_the_other() -> None:
    said = Contact("王", "021-1")
    kept = seal_with("old").sealed(said)
    both = seal_with("new, old")
    assert both.opened(kept) == said
    with pytest.raises(SealUnknown):
        seal_with("new").opened(kept)
    anew = both.resealed(kept)
    assert seal_with("new").opened(anew) == said
    with pytest.raises(SealUnknown):
        seal_with("old").opened(anew)


def test_a_contact_is_found_however_it_is_written_and_under_every_key() -> None:
    assert seal_with("k").digest("Li@Example.org ") == seal_with("k").digest("li@example.org")
    telephone = seal_with("k").digest("13800000000")
    for written in ("138 0000 0000", "138-0000-0000", "+8613800000000", "0086 138 0000 0000", "１３８００００００００"):
        assert seal_with("k").digest(written) == telephone, written
    for other in ("13800000001", "8613800000", "a13800000000"):
        assert seal_with("k").digest(other) != telephone, other
    assert seal_with("k").digest("021 5555") != seal_with("k").digest("021 5556")
    assert seal_with("old").digest("021 5555") in seal_with("new,old").digests("021 5555")
    assert seal_with("other").digest("021 5555") not in seal_with("new,old").digests("021 5555")


def test_without_keys_of_its_own_the_secret_key_seals() -> None:
    kept = seal_of(Settings(secret_key=SecretStr("a"))).sealed(Contact("x", "y"))
    assert seal_of(Settings(secret_key=SecretStr("a"))).opened(kept) == Contact("x", "y")
    with pytest.raises(SealUnknown):
        seal_of(Settings(secret_key=SecretStr("b"))).opened(kept)
