"""An inverted index of one branch's documents, and how they are ranked (contract section 15).

Every telling word of a query must be found in a document; only when nothing has them all, documents with some of them count,
for less. A word is worth its best rung: the same word of the title or keywords, the same stem, a word of the description, the
beginning of a word, a part of one, and last a word that is spelled almost so.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from itertools import islice

from rapidfuzz import fuzz, process

from app.assistant.words import stem, telling_words, words

EXACT_TITLE, EXACT_KEYWORDS, WORD, STEM, BODY_WORD, PREFIX, BODY_PART, PART = 8.0, 7.2, 5.6, 5.44, 5.2, 4.8, 3.2, 2.4
FUZZY_WEIGHT, LEAST_LIKENESS, SHORTEST_FUZZY, MOST_ALIKE = 1.6, 74.0, 4, 12
SHORTEST_PART = 3
MOST_ENDINGS = 400
OF_ITS_TYPE = 0.75
PARTIAL = 0.5
IN_TITLE, COVERAGE = 0.06, 0.08
FULL_CONFIDENCE = 7.0


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


@dataclass(slots=True)
class _Entry:
    document: Document
    title: str
    title_words: frozenset[str]
    keyword_forms: frozenset[str]


@dataclass(slots=True)
class SearchIndex:
    """The documents of one branch. Not safe for threads by itself."""

    newest_id: int = 0
    id_sum: int = 0
    _entries: dict[str, _Entry] = field(default_factory=dict)
    _strong: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _weak: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _stems: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _of_type: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _vocabulary: list[str] = field(default_factory=list)
    _is_vocabulary_stale: bool = False

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, documents: Iterable[Document]) -> None:
        """Take documents in, each in place of the earlier one of its entity."""
        for document in documents:
            self._drop(document.entity_id)
            title_words, keyword_words = words(document.title), words(document.keywords)
            self._entries[document.entity_id] = _Entry(
                document,
                " ".join(title_words),
                frozenset(title_words),
                frozenset({" ".join(keyword_words), *(" ".join(words(part)) for part in document.keywords.split())} - {""}),
            )
            for word in {*title_words, *keyword_words}:
                self._strong[word].add(document.entity_id)
                self._stems[stem(word)].add(document.entity_id)
            for word in {*words(document.description), *words(document.body)}:
                self._weak[word].add(document.entity_id)
            if document.parent_id and document.entity_type == "event":
                self._of_type[document.parent_id].add(document.entity_id)
            self.newest_id = max(self.newest_id, document.id)
            self.id_sum += document.id
            self._is_vocabulary_stale = True

    def _drop(self, entity_id: str) -> None:
        entry = self._entries.pop(entity_id, None)
        if entry is None:
            return
        document = entry.document
        self.id_sum -= document.id
        for word in {*words(document.title), *words(document.keywords)}:
            self._strong[word].discard(entity_id)
            self._stems[stem(word)].discard(entity_id)
        for word in {*words(document.description), *words(document.body)}:
            self._weak[word].discard(entity_id)
        if document.parent_id:
            self._of_type[document.parent_id].discard(entity_id)

    def title_of(self, entity_id: str | None) -> str:
        """The title of another entity of the branch; empty when there is none."""
        entry = self._entries.get(entity_id or "")
        return entry.document.title if entry else ""

    def search(self, query: str, types: Collection[str] | None = None, *, include_archived: bool = False) -> list[Hit]:
        """Everything that matches, best first; equal scores by title, then id."""
        asked = telling_words(query)
        if not asked:
            return []
        by_word = [self._places_of(word) for word in asked]
        complete = set.intersection(*(set(places) for places in by_word))
        scores: dict[str, tuple[float, tuple[str, ...]]] = {}
        for entity_id in complete or set().union(*by_word):
            found = [places[entity_id] for places in by_word if entity_id in places]
            value = sum(rung for rung, _ in found) / len(asked) * (1.0 if complete else PARTIAL)
            scores[entity_id] = (value, tuple(dict.fromkeys(word for _, word in found)))
        whole = " ".join(words(query))
        for entity_id, (value, matched) in scores.items():
            scores[entity_id] = (self._weighed(self._entries[entity_id], whole, value, matched), matched)
        self._lift_events(scores)
        hits = [
            Hit(entry.document, round(value, 4), matched)
            for entity_id, (value, matched) in scores.items()
            if (entry := self._entries[entity_id])
            and (types is None or entry.document.entity_type in types)
            and (include_archived or not entry.document.is_archived)
        ]
        hits.sort(key=lambda hit: (-hit.score, hit.document.title, hit.document.entity_id))
        return hits

    def _weighed(self, entry: _Entry, whole: str, value: float, matched: tuple[str, ...]) -> float:
        if entry.title == whole:
            return EXACT_TITLE
        if whole in entry.keyword_forms:
            return EXACT_KEYWORDS
        in_title = len(entry.title_words.intersection(matched))
        return value + (IN_TITLE + COVERAGE * in_title / len(entry.title_words) if in_title else 0.0)

    def _lift_events(self, scores: dict[str, tuple[float, tuple[str, ...]]]) -> None:
        """Events of a type whose own name was asked for come with it, and before other events that match as well."""
        named = {
            entity_id: found
            for entity_id, found in scores.items()
            if self._entries[entity_id].document.entity_type == "event_type" and found[0] >= WORD
        }
        for type_id, (type_value, matched) in named.items():
            for entity_id in self._of_type.get(type_id, ()):
                value, own = scores.get(entity_id, (0.0, matched))
                scores[entity_id] = (max(value, OF_ITS_TYPE * type_value), own)

    def _places_of(self, word: str) -> dict[str, tuple[float, str]]:
        """Where the word is found: entity -> best rung and the word as it stands there."""
        places: dict[str, tuple[float, str]] = {}

        def note(entity_ids: Iterable[str], rung: float, found: str) -> None:
            for entity_id in entity_ids:
                if rung > places.get(entity_id, (0.0, ""))[0]:
                    places[entity_id] = (rung, found)

        vocabulary = self._current_vocabulary()
        note(self._strong.get(word, ()), WORD, word)
        note(self._stems.get(stem(word), ()), STEM, word)
        note(self._weak.get(word, ()), BODY_WORD, word)
        start = bisect_left(vocabulary, word)
        for longer in islice(vocabulary, start, start + MOST_ENDINGS):
            if not longer.startswith(word):
                break
            note(self._strong.get(longer, ()), PREFIX, longer)
            note(self._weak.get(longer, ()), BODY_PART, longer)
        if len(word) >= SHORTEST_PART:
            for longer in islice((known for known in vocabulary if word in known), MOST_ENDINGS):
                note(self._strong.get(longer, ()), PART, longer)
                note(self._weak.get(longer, ()), BODY_PART, longer)
        if len(word) >= SHORTEST_FUZZY:
            alike = process.extract(word, vocabulary, scorer=fuzz.ratio, score_cutoff=LEAST_LIKENESS, limit=MOST_ALIKE)
            for known, likeness, _ in alike:
                note(self._strong.get(known, ()), FUZZY_WEIGHT * likeness / 100, known)
                note(self._weak.get(known, ()), FUZZY_WEIGHT * likeness / 100 - 0.1, known)
        return places

    def _current_vocabulary(self) -> list[str]:
        if self._is_vocabulary_stale:
            self._vocabulary = sorted({word for posted in (self._strong, self._weak) for word, ids in posted.items() if ids})
            self._is_vocabulary_stale = False
        return self._vocabulary
