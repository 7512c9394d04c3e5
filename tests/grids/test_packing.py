"""Arrays as one array of bytes: whole, or refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grids import packing

ARRAYS = [
    np.frombuffer(b"EPSG:32651", dtype=np.uint8),
    np.array([1.5, -2.5, np.nan]),
    np.arange(5, dtype=np.int32),
    np.array([], dtype=np.int64),
    np.array([True, False]),
]
WHOLE = packing.packed(ARRAYS)


def test_what_was_packed_comes_out_to_the_bit_and_cannot_be_written() -> None:
    for before, after in zip(ARRAYS, packing.unpacked(WHOLE), strict=True):
        assert (before.dtype, before.tobytes()) == (after.dtype, after.tobytes())
        assert not after.flags.writeable


@given(at=st.integers(0, len(WHOLE) - 1), bit=st.integers(0, 7))
def test_a_damaged_bit_is_found_or_means_nothing(at: int, bit: int) -> None:
    harmed = WHOLE.copy()
    harmed[at] ^= 1 << bit
    try:
        found = packing.unpacked(harmed)
    except ValueError:
        return
    # Between the arrays lies nothing but room.
    assert [array.tobytes() for array in found] == [array.tobytes() for array in ARRAYS]


@pytest.mark.parametrize("kind", [-1, 5, 99, -(2**63)])
def test_a_kind_that_there_is_not_is_refused(kind: int) -> None:
    harmed = WHOLE.copy()
    harmed[packing._BEFORE : packing._BEFORE + 8] = np.frombuffer(np.int64(kind).tobytes(), dtype=np.uint8)
    with pytest.raises(ValueError, match="packed arrays are damaged"):
        packing.unpacked(harmed)


def test_of_large_arrays_only_the_length_is_looked_at() -> None:
    large = packing.packed([np.zeros(packing._SMALL + 1, dtype=np.uint8), *ARRAYS])
    with pytest.raises(ValueError, match="cut off"):
        packing.unpacked(large[:-1])
    assert len(packing.unpacked(large)[0]) == packing._SMALL + 1
