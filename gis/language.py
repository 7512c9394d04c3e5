"""Chinese and English: the one place where a message finds its translation.

Messages are English in the code and gettext catalogues (`gis/locale`) hold the Chinese; the build hook compiles
them. A missing translation falls back to English, and `tests/docs` fails when one is missing.
"""

from __future__ import annotations

import gettext
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Literal, get_args

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
_CATALOGUES = {"zh": "zh_CN", "en": "en"}


@cache
def translator(language: Language) -> Callable[[str], str]:
    """A function from an English message to the same message in ``language``."""
    folder = Path(__file__).parent / "locale"
    return gettext.translation("wangge", folder, [_CATALOGUES[language]], fallback=True).gettext


def language_of(environ: Mapping[str, str]) -> Language:
    """The language that a terminal's environment asks for; English unless it asks for Chinese."""
    asked = environ.get("WANGGE_LANGUAGE") or environ.get("LC_ALL") or environ.get("LC_MESSAGES") or environ.get("LANG") or ""
    return "zh" if asked.lower().startswith("zh") else "en"


def name_in(names: Mapping[str, str], language: str) -> str:
    """The name in ``language``, else in English, else the first there is, else an empty text."""
    return names.get(language) or names.get("en") or next(iter(names.values()), "")
