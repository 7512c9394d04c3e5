"""Several arrays in one array of bytes, and back without a copy: what is in a mapped file is shared by all who map it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_MAGIC = b"wangge arrays 1\n"
_ALIGNED = 64
_KINDS = ("|u1", "|b1", "<i4", "<i8", "<f8")


def packed(arrays: list[NDArray[Any]]) -> NDArray[np.uint8]:
    """One array of bytes (n,) of arrays of one dimension: unsigned bytes, truth values, int32, int64 or float64."""
    head = np.array([[_KINDS.index(array.dtype.str), len(array)] for array in arrays], dtype="<i8")
    starts, total = _places(head)
    made = np.zeros(total, dtype=np.uint8)
    opening = _MAGIC + np.int64(len(arrays)).tobytes() + head.tobytes()
    made[: len(opening)] = np.frombuffer(opening, dtype=np.uint8)
    for start, array in zip(starts, arrays, strict=True):
        made[start : start + array.nbytes] = np.ascontiguousarray(array).view(np.uint8)
    return made


def unpacked(kept: NDArray[np.uint8]) -> list[NDArray[Any]]:
    """The arrays of what ``packed`` gave, as read-only views of the same memory; raises ``ValueError`` when it gave no such thing."""
    memory = np.asarray(kept).view()
    memory.flags.writeable = False
    before = len(_MAGIC) + 8
    if memory.dtype != np.uint8 or memory.ndim != 1 or len(memory) < before or memory[: len(_MAGIC)].tobytes() != _MAGIC:
        raise ValueError("these bytes are no packed arrays")
    count = int(np.frombuffer(memory[len(_MAGIC) : before].tobytes(), dtype="<i8")[0])
    if not 0 <= count <= (len(memory) - before) // 16:
        raise ValueError("the packed arrays are cut off")
    head = np.frombuffer(memory[before : before + 16 * count].tobytes(), dtype="<i8").reshape(-1, 2)
    starts, total = _places(head)
    if len(memory) != total:
        raise ValueError("the packed arrays are cut off")
    kinds = [np.dtype(_KINDS[kind]) for kind in head[:, 0].tolist()]
    lengths = head[:, 1].tolist()
    return [memory[start : start + length * kind.itemsize].view(kind) for start, length, kind in zip(starts, lengths, kinds, strict=True)]


def _places(head: NDArray[np.int64]) -> tuple[list[int], int]:
    """Where each array begins, and the length of the whole."""
    at = len(_MAGIC) + 8 + head.nbytes
    starts = []
    for kind, length in head.tolist():
        at = -(-at // _ALIGNED) * _ALIGNED
        starts.append(at)
        at += length * np.dtype(_KINDS[kind]).itemsize
    return starts, at
