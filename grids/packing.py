"""Several arrays in one array of bytes, and back without a copy: what is in a mapped file is shared by all who map it.

First comes an opening: what this is, how many arrays, a digest, and kind and length of each. The digest is of the rest of the opening
and of the arrays that are small; of large ones only the length is looked at, because reading hundreds of megabytes takes longer than
mapping them saves.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MAGIC = b"wangge arrays 2\n"
_DIGEST = 32
_BEFORE = len(_MAGIC) + _DIGEST + 8
"""Where kinds and lengths begin: after the magic, the digest and the number of arrays."""

_SMALL = 4 << 20
"""Arrays of at most so many bytes are small: a digest of them all takes some milliseconds."""

_ALIGNED = 64
_KINDS = ("|u1", "|b1", "<i4", "<i8", "<f8")


def packed(arrays: list[NDArray[Any]]) -> NDArray[np.uint8]:
    """One array of bytes (n,) of arrays of one dimension: unsigned bytes, truth values, int32, int64 or float64."""
    head = np.array([[_KINDS.index(array.dtype.str), len(array)] for array in arrays], dtype="<i8")
    starts, total = _places(head)
    made = np.zeros(total, dtype=np.uint8)
    for start, array in zip(starts, arrays, strict=True):
        made[start : start + array.nbytes] = np.ascontiguousarray(array).view(np.uint8)
    opening = _MAGIC + _digest(head, arrays) + np.array(len(arrays), dtype="<i8").tobytes() + head.tobytes()
    made[: len(opening)] = np.frombuffer(opening, dtype=np.uint8)
    return made


def unpacked(kept: NDArray[np.uint8]) -> list[NDArray[Any]]:
    """The arrays of what ``packed`` gave, as read-only views of the same memory.

    Raises ``ValueError`` when it gave no such thing, or opening or small arrays are not as they were written.
    """
    memory = np.asarray(kept).view()
    memory.flags.writeable = False
    if memory.dtype != np.uint8 or memory.ndim != 1 or len(memory) < _BEFORE or memory[: len(_MAGIC)].tobytes() != _MAGIC:
        raise ValueError("these bytes are no packed arrays")
    count = int(np.frombuffer(memory[_BEFORE - 8 : _BEFORE].tobytes(), dtype="<i8")[0])
    if not 0 <= count <= (len(memory) - _BEFORE) // 16:
        raise ValueError("the packed arrays are cut off")
    head = np.frombuffer(memory[_BEFORE : _BEFORE + 16 * count].tobytes(), dtype="<i8").reshape(-1, 2)
    starts, total = _places(head)
    if len(memory) != total:
        raise ValueError("the packed arrays are cut off")
    kinds = [np.dtype(_KINDS[kind]) for kind in head[:, 0].tolist()]
    lengths = head[:, 1].tolist()
    arrays = [memory[at : at + length * kind.itemsize].view(kind) for at, length, kind in zip(starts, lengths, kinds, strict=True)]
    if memory[len(_MAGIC) : len(_MAGIC) + _DIGEST].tobytes() != _digest(head, arrays):
        raise ValueError("the packed arrays are damaged")
    return arrays


def _digest(head: NDArray[np.int64], arrays: list[NDArray[Any]]) -> bytes:
    """The digest of kinds and lengths, and of the arrays that are small."""
    found = hashlib.sha256(head.tobytes())
    for array in arrays:
        if array.nbytes <= _SMALL:
            found.update(array.tobytes())
    return found.digest()


def _places(head: NDArray[np.int64]) -> tuple[list[int], int]:
    """Where each array begins, and the length of the whole; raises ``ValueError`` for kinds and lengths that there are not."""
    at = _BEFORE + head.nbytes
    starts = []
    for kind, length in head.tolist():
        if not (0 <= kind < len(_KINDS) and length >= 0):
            raise ValueError("the packed arrays are damaged")
        at = -(-at // _ALIGNED) * _ALIGNED
        starts.append(at)
        at += length * np.dtype(_KINDS[kind]).itemsize
    return starts, at
