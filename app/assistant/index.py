"""An inverted index of one branch's documents, and how they are ranked (contract section 15).

Every telling word of a query must be found in a document; only when nothing has them all, documents with some of them count,
for less. A word is worth its best rung: the same word of the title or keywords, the same stem, a word of the description, the
beginning of a word, a part of one, and last a word that is spelled almost so. Where meanings are compared too, what is near in
meaning is worth more the nearer it is, and documents with only some of the words hardly count.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from app.assistant.postings import Document, Postings, Slots, terms
from app.assistant.words import stem, telling_words, words

EXACT_TITLE, EXACT_KEYWORDS, WORD, STEM, BODY_WORD, PREFIX, BODY_PART, PART = 8.0, 7.2, 5.6, 5.44, 5.2, 4.8, 3.2, 2.4
FUZZY_WEIGHT, LEAST_LIKENESS, SHORTEST_FUZZY, MOST_ALIKE = 1.6, 74.0, 4, 12
SHORTEST_PART = 3
MOST_ENDINGS = 400
OF_ITS_TYPE = 0.75
PARTIAL, PARTIAL_BESIDE_MEANING = 0.5, 0.02
IN_TITLE, COVERAGE = 0.06, 0.08
FULL_CONFIDENCE = 7.0
MEANING_WEIGHT = 2.5

Scores = NDArray[np.float64]
NO_MEANING: Mapping[str, float] = {}


@dataclass(frozen=True, slots=True)
class Hit:
    """A document that matches, its score, and the words of it that did."""

    document: Document
    score: float
    matched: tuple[str, ...]

    @property
    def confidence(self) -> float:
        """The score as a share of a sure match, 0 to 1."""
        return min(1.0, self.score / FULL_CONFIDENCE)


@dataclass(frozen=True, slots=True)
class _Columns:
    """What ranking reads of every slot; `place` is its place in the order of title and id."""

    kinds: NDArray[Any]
    is_archived: NDArray[np.bool_]
    title_length: Scores
    place: Slots
    vocabulary: list[str]


@dataclass(frozen=True, slots=True)
class _Found:
    """Where one asked word is found: its best rung by slot, which word stands there, and whether that is one of the title."""

    rung: Scores
    word: Slots
    is_in_title: NDArray[np.bool_]
    known: list[str]


@dataclass(slots=True)
class SearchIndex:
    """The documents of one branch. Not safe for threads by itself."""

    newest_id: int = 0
    id_sum: int = 0
    _documents: list[Document | None] = field(default_factory=list)
    _slot_of: dict[str, int] = field(default_factory=dict)
    _free: list[int] = field(default_factory=list)
    _strong: Postings = field(default_factory=Postings)
    _weak: Postings = field(default_factory=Postings)
    _stems: Postings = field(default_factory=Postings)
    _title_words: Postings = field(default_factory=Postings)
    _whole_titles: Postings = field(default_factory=Postings)
    _whole_keywords: Postings = field(default_factory=Postings)
    _events_of: Postings = field(default_factory=Postings)
    _columns: _Columns | None = None

    def __len__(self) -> int:
        return len(self._slot_of)

    def documents(self) -> Iterable[Document]:
        """All of them."""
        return (document for document in self._documents if document is not None)

    def add(self, documents: Iterable[Document]) -> None:
        """Take documents in, each in place of the earlier one of its entity."""
        for document in documents:
            self._drop(document.entity_id)
            slot = self._free.pop() if self._free else len(self._documents)
            if slot == len(self._documents):
                self._documents.append(document)
            else:
                self._documents[slot] = document
            self._slot_of[document.entity_id] = slot
            for postings, word in terms(document):
                self._named(postings).put(word, slot)
            self.newest_id = max(self.newest_id, document.id)
            self.id_sum += document.id
            self._columns = None

    def _drop(self, entity_id: str) -> None:
        slot = self._slot_of.pop(entity_id, None)
        if slot is None:
            return
        document = self._documents[slot]
        assert document is not None
        self.id_sum -= document.id
        for postings, word in terms(document):
            self._named(postings).drop(word, slot)
        self._documents[slot] = None
        self._free.append(slot)

    def _named(self, name: str) -> Postings:
        postings: Postings = getattr(self, f"_{name}")
        return postings

    def title_of(self, entity_id: str | None) -> str:
        """The title of another entity of the branch; empty when there is none."""
        slot = self._slot_of.get(entity_id or "")
        document = self._documents[slot] if slot is not None else None
        return document.title if document else ""

    def search(self, query: str, types: Collection[str] | None = None, *, include_archived: bool = False) -> list[Hit]:
        """Everything that matches, best first; equal scores by title, then id."""
        return self.best(query, types, include_archived=include_archived)[0]

    def best(
        self,
        query: str,
        types: Collection[str] | None = None,
        *,
        include_archived: bool = False,
        limit: int | None = None,
        nearness: Mapping[str, float] = NO_MEANING,
    ) -> tuple[list[Hit], int]:
        """The first `limit` of everything that matches, and how many there are in all.

        `nearness` tells of entities near in meaning how near they are, 0 to 1; only those that count at all are in it.
        """
        asked = telling_words(query)
        if not asked or not self._slot_of:
            return [], 0
        columns = self._current_columns()
        found = [self._find(word, columns) for word in asked]
        scores = self._scores(query, found, columns, has_meaning=bool(nearness))
        lifted = self._lift_events(scores, columns)
        for entity_id, value in nearness.items():
            if (slot := self._slot_of.get(entity_id)) is not None:
                scores[slot] += MEANING_WEIGHT * value
        scores = np.round(scores, 4)
        is_hit = scores > 0
        if types is not None:
            is_hit &= np.isin(columns.kinds, list(types))
        if not include_archived:
            is_hit &= ~columns.is_archived
        slots = np.flatnonzero(is_hit)
        ordered = slots[np.lexsort((columns.place[slots], -scores[slots]))][:limit]
        return [self._hit(int(slot), float(scores[slot]), found, lifted) for slot in ordered], len(slots)

    def _hit(self, slot: int, score: float, found: list[_Found], lifted: Mapping[int, int]) -> Hit:
        document = self._documents[slot]
        assert document is not None
        source = slot if any(one.rung[slot] > 0 for one in found) else lifted.get(slot, slot)
        matched = dict.fromkeys(one.known[one.word[source]] for one in found if one.rung[source] > 0)
        return Hit(document, score, tuple(matched))

    def _scores(self, query: str, found: list[_Found], columns: _Columns, *, has_meaning: bool) -> Scores:
        rungs = np.stack([one.rung for one in found])
        is_complete = (rungs > 0).all(axis=0)
        scores: Scores = rungs.sum(axis=0) / len(found)
        if is_complete.any():
            scores[~is_complete] = 0.0
        else:
            scores *= PARTIAL_BESIDE_MEANING if has_meaning else PARTIAL
        in_title = np.stack([one.is_in_title for one in found]).sum(axis=0)
        is_counted = (in_title > 0) & (scores > 0)
        share = np.minimum(in_title[is_counted] / columns.title_length[is_counted], 1.0)
        scores[is_counted] += IN_TITLE + COVERAGE * share
        whole = " ".join(words(query))
        for postings, rung in ((self._whole_keywords, EXACT_KEYWORDS), (self._whole_titles, EXACT_TITLE)):
            exact = postings.of(whole)
            scores[exact[scores[exact] > 0]] = rung
        return scores

    def _lift_events(self, scores: Scores, columns: _Columns) -> dict[int, int]:
        """Events of a type whose own name was asked for come with it, and before other events that match as well.

        Returns the slot of its type for each event that is there only because of it.
        """
        lifted: dict[int, int] = {}
        for kind in np.flatnonzero((columns.kinds == "event_type") & (scores >= WORD)):
            document = self._documents[kind]
            assert document is not None
            events = self._events_of.of(document.entity_id)
            lifted.update(dict.fromkeys(events[scores[events] == 0].tolist(), int(kind)))
            scores[events] = np.maximum(scores[events], OF_ITS_TYPE * scores[kind])
        return lifted

    def _find(self, word: str, columns: _Columns) -> _Found:
        count = len(self._documents)
        found = _Found(np.zeros(count), np.zeros(count, dtype=np.intp), np.zeros(count, dtype=np.bool_), [])

        def note(slots: Slots, rung: float, known: str) -> None:
            better = slots[found.rung[slots] < rung]
            if not better.size:
                return
            found.rung[better], found.word[better], found.is_in_title[better] = rung, len(found.known), False
            titled = self._title_words.of(known)
            found.is_in_title[titled[(found.word[titled] == len(found.known)) & (found.rung[titled] == rung)]] = True
            found.known.append(known)

        vocabulary = columns.vocabulary
        note(self._strong.of(word), WORD, word)
        note(self._stems.of(stem(word)), STEM, word)
        note(self._weak.of(word), BODY_WORD, word)
        start = bisect_left(vocabulary, word)
        for longer in islice(vocabulary, start, start + MOST_ENDINGS):
            if not longer.startswith(word):
                break
            note(self._strong.of(longer), PREFIX, longer)
            note(self._weak.of(longer), BODY_PART, longer)
        if len(word) >= SHORTEST_PART:
            for longer in islice((known for known in vocabulary if word in known), MOST_ENDINGS):
                note(self._strong.of(longer), PART, longer)
                note(self._weak.of(longer), BODY_PART, longer)
        if len(word) >= SHORTEST_FUZZY:
            alike = process.extract(word, vocabulary, scorer=fuzz.ratio, score_cutoff=LEAST_LIKENESS, limit=MOST_ALIKE)
            for known, likeness, _ in alike:
                note(self._strong.of(known), FUZZY_WEIGHT * likeness / 100, known)
                note(self._weak.of(known), FUZZY_WEIGHT * likeness / 100 - 0.1, known)
        return found

    def _current_columns(self) -> _Columns:
        if self._columns is None:
            titles = [(document.title, document.entity_id) if document else ("", "") for document in self._documents]
            place = np.empty(len(titles), dtype=np.intp)
            place[sorted(range(len(titles)), key=titles.__getitem__)] = np.arange(len(titles))
            self._columns = _Columns(
                kinds=np.array([document.entity_type if document else "" for document in self._documents]),
                is_archived=np.array([document is None or document.is_archived for document in self._documents]),
                title_length=np.array([len(set(words(title))) or 1 for title, _ in titles], dtype=np.float64),
                place=place,
                vocabulary=sorted(
                    {word for postings in (self._strong, self._weak) for word, slots in postings.slots.items() if slots}
                ),
            )
        return self._columns
