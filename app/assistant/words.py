"""Text as search compares it."""

from __future__ import annotations

import re

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WORD = re.compile(r"[^\W_]+")
STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be because but by can did do does for from has have how i in is it its me of off on or our out show so "
        "that the their this to up us was we were what when where which who why will with you",
    )
)
_ENDINGS = ("ations", "ation", "ings", "ing", "ies", "ed", "es", "s", "d", "e")
SHORTEST_STEM = 3


def words(text: str) -> list[str]:
    """The words of a text in lower case; names are taken apart at underscores, other signs and humps (`OrderPaid`)."""
    return [word.lower() for word in _WORD.findall(_HUMP.sub(" ", text))]


def telling_words(text: str) -> list[str]:
    """The words that say something, each once in their order; all of them when none does."""
    found = list(dict.fromkeys(words(text)))
    return [word for word in found if word not in STOP_WORDS] or found


def stem(word: str) -> str:
    """The word without a common English ending, so that `paid orders` finds `order`."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST_STEM:
            return word[: -len(ending)]
    return word
