"""Documents of search, the words each is kept under, and where the documents of a word stand.

Every document has a slot, a place in the arrays that scores are kept in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from app.assistant.words import stem, words

Slots = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Document:
    """One entity as search sees it; `parent_id` is the event type of an event or a field."""

    id: int
    entity_type: str
    entity_id: str
    parent_id: str | None
    title: str
    keywords: str
    description: str
    body: str
    is_archived: bool


@dataclass(slots=True)
class Postings:
    """Slots by word; arrays of them are made when they are asked for."""

    slots: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    arrays: dict[str, Slots] = field(default_factory=dict)

    def put(self, word: str, slot: int) -> None:
        """The document of the slot has the word."""
        self.slots[word].add(slot)
        self.arrays.pop(word, None)

    def drop(self, word: str, slot: int) -> None:
        """The document of the slot has it no more."""
        self.slots[word].discard(slot)
        self.arrays.pop(word, None)

    def of(self, word: str) -> Slots:
        """Where the documents with the word stand, in no order."""
        found = self.arrays.get(word)
        if found is None:
            found = np.fromiter(self.slots.get(word, ()), dtype=np.intp)
            self.arrays[word] = found
        return found


def terms(document: Document) -> Iterable[tuple[str, str]]:
    """Under which words a document is kept, and in which postings."""
    title_words, keyword_words = words(document.title), words(document.keywords)
    for word in set(title_words):
        yield "title_words", word
    for word in {*title_words, *keyword_words}:
        yield "strong", word
        yield "stems", stem(word)
    for word in {*words(document.description), *words(document.body)}:
        yield "weak", word
    yield "whole_titles", " ".join(title_words)
    for form in {" ".join(keyword_words), *(" ".join(words(part)) for part in document.keywords.split())} - {""}:
        yield "whole_keywords", form
    if document.parent_id and document.entity_type == "event":
        yield "events_of", document.parent_id
