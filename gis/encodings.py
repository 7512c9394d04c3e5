"""What a text looks like that is not in its declared encoding: a hint for the person who declares it, never assumed."""

from __future__ import annotations

import codecs
from pathlib import Path

# What a text is tried as, by the name that a person would write; gb18030 contains gbk and gb2312.
_TRIED = (("utf-8", "utf-8-sig"), ("gbk", "gb18030"), ("big5", "big5hkscs"))
_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# Two bytes a character: the second byte of Big5 is below 0xA1 in half of all characters, that of everyday GBK in none.
_BIG5_SHARE = 0.2


def first_bad_line(path: Path, encoding: str) -> int | None:
    """The first line (from 1) of a file that is not text in ``encoding``; None when all are, or when lines cannot be told apart."""
    if "\n".encode(encoding) != b"\n":
        return None
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode(encoding)
            except UnicodeDecodeError:
                return number
    return None


def likely_encoding(path: Path, declared: str) -> str | None:
    """The encoding, other than the declared one, that a text file (or the .dbf of a Shapefile) looks like; None when it looks like none."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        if file.read(2) in _MARKS:
            return "utf-16"
    fitting = [name for name, codec in _TRIED if name != declared.lower() and _decodes(path, codec)]
    if "big5" in fitting and (fitting == ["big5"] or ("utf-8" not in fitting and _share_of_low_second_bytes(path) > _BIG5_SHARE)):
        return "big5"
    return next(iter(fitting), None)


def _decodes(path: Path, codec: str) -> bool:
    decoder = codecs.getincrementaldecoder(codec)()
    try:
        with path.open("rb") as file:
            if path.suffix.lower() == ".dbf":
                # A dBASE file begins with binary numbers, the ninth and tenth byte say how many bytes of them.
                file.seek(int.from_bytes(file.read(10)[8:], "little"))
            while block := file.read(1 << 20):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _share_of_low_second_bytes(path: Path) -> float:
    """Of the characters of two bytes in the first megabyte, the share whose second byte is below 0xA1."""
    with path.open("rb") as file:
        text = file.read(1 << 20)
    low, pairs, at = 0, 0, 0
    while at < len(text) - 1:
        if text[at] < 0x81:
            at += 1
            continue
        pairs, low, at = pairs + 1, low + (text[at + 1] < 0xA1), at + 2
    return low / max(pairs, 1)
