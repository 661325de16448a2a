"""The languages of tracking code as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from app.plan.codegen.model import Language

LANGUAGES: Final[Sequence[tuple[Language, str, str]]] = (
    (Language.TYPESCRIPT, "TypeScript", "For browsers and Node."),
    (Language.PYTHON, "Python", "For servers and jobs; checked by mypy."),
    (Language.SWIFT, "Swift", "For iOS and macOS."),
    (Language.KOTLIN, "Kotlin", "For Android and the JVM."),
)
PROMISE: Final = "One typed function per event, so that a misspelt property does not compile. The same plan gives the same file."


def code_files(href: object, query: object) -> list[tuple[str, str, str]]:
    """The name of each language, what its code is for, and its address: the language between two texts or Reflex variables."""
    return [(text, about, f"{href}{language}{query}") for language, text, about in LANGUAGES]
