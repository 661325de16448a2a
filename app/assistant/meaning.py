"""What texts mean, as vectors: which are there, how near they are to a query, and which are still to be made.

A vector has length one, so that the product of two is their cosine. Vectors are made by a background job; a query's own is made
while no transaction is open.
"""

from __future__ import annotations

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sqlmodel import Session

from app.assistant import repository
from app.assistant.index import NO_MEANING
from app.assistant.model_client import Embedder, ModelFailed, configured_embedder
from app.assistant.postings import Document
from app.assistant.words import words

SHORTEST_QUERY: Final = 3
LEAST_NEARNESS: Final = 0.35
LONGEST_TEXT: Final = 2000
BATCH: Final = 32
MOST_PROJECTS: Final = 4
MOST_QUERIES: Final = 512

Vector = NDArray[np.float32]
log = logging.getLogger("plumbline.assistant")


@dataclass(frozen=True, slots=True)
class QueryMeaning:
    """What a query means to a model."""

    model: str
    vector: Vector


@dataclass(slots=True)
class VectorTable:
    """The vectors of one project by one model, and the lock to hold while using them."""

    lock: Lock = field(default_factory=Lock)
    newest_id: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    matrix: Vector = field(default_factory=lambda: np.empty((0, 0), dtype=np.float32))

    def add(self, found: Iterable[tuple[int, str, bytes]]) -> None:
        """Take vectors in. One whose length differs from the first is left out: another model answers under the same name."""
        kept: list[Vector] = []
        for number, text_hash, packed in found:
            self.newest_id = max(self.newest_id, number)
            vector = np.frombuffer(packed, dtype=np.float32)
            width = self.matrix.shape[1] or (kept[0].size if kept else vector.size)
            if vector.size == width and text_hash not in self.rows:
                self.rows[text_hash] = self.matrix.shape[0] + len(kept)
                kept.append(vector)
        if kept:
            fresh = np.stack(kept)
            self.matrix = fresh if not self.matrix.size else np.concatenate([self.matrix, fresh])


_tables: OrderedDict[tuple[str, str], VectorTable] = OrderedDict()
_queries: OrderedDict[tuple[str, str, str], Vector] = OrderedDict()
_lock = Lock()


def text_of(document: Document) -> str:
    """What is embedded of a document: its names, taken apart into words, and its description; never the values in it."""
    parts = (" ".join(words(document.title)), " ".join(words(document.keywords)), document.description)
    return ". ".join(part for part in parts if part)[:LONGEST_TEXT] or document.title


def hash_of(text: str) -> str:
    """What a text is known by."""
    return hashlib.sha256(text.encode()).hexdigest()


def unit(vector: Sequence[float]) -> Vector:
    """The vector at length one. ModelFailed for one that has no direction."""
    found = np.asarray(vector, dtype=np.float32)
    length = float(np.linalg.norm(found))
    if not np.isfinite(length) or length == 0.0:
        raise ModelFailed("The model's server answered with a vector of no direction")
    return np.asarray(found / length, dtype=np.float32)


def meaning_of(query: str, embedder: Embedder | None = None) -> QueryMeaning | None:
    """What the query means; None where meanings are not compared, for a short query, and when the model does not answer.

    May take seconds. Call it with no transaction open.
    """
    embedder = embedder or configured_embedder()
    text = query.strip()[:LONGEST_TEXT]
    if embedder is None or len(text) < SHORTEST_QUERY:
        return None
    key = (embedder.address, embedder.name, text)
    with _lock:
        known = _queries.get(key)
    if known is None:
        try:
            known = unit(embedder.embed([text])[0])
        except ModelFailed as failure:
            log.warning("a query could not be embedded", extra={"reason": failure.message})
            return None
        with _lock:
            _queries[key] = known
            while len(_queries) > MOST_QUERIES:
                _queries.popitem(last=False)
    return QueryMeaning(embedder.name, known)


def nearness(session: Session, project_id: str, hashes: Mapping[str, str], query: QueryMeaning) -> Mapping[str, float]:
    """How near entities are to the query, those that count at all; `hashes` tells what the text of each entity is known by."""
    table = _table(project_id, query.model)
    with table.lock:
        _refresh(session, project_id, query.model, table)
        if table.matrix.shape[1] != query.vector.size:
            return NO_MEANING
        cosines = table.matrix @ query.vector
        near = {row: float(cosines[row]) for row in np.flatnonzero(cosines >= LEAST_NEARNESS).tolist()}
        found = ((entity_id, table.rows.get(text_hash, -1)) for entity_id, text_hash in hashes.items())
        return {entity_id: min(1.0, near[row]) for entity_id, row in found if row in near}


def _table(project_id: str, model: str) -> VectorTable:
    with _lock:
        table = _tables.setdefault((project_id, model), VectorTable())
        _tables.move_to_end((project_id, model))
        while len(_tables) > MOST_PROJECTS:
            _tables.popitem(last=False)
        return table


def _refresh(session: Session, project_id: str, model: str, table: VectorTable) -> None:
    count, newest = repository.vector_fingerprint(session, project_id, model)
    if newest != table.newest_id or count < len(table.rows):
        if count < len(table.rows) or newest < table.newest_id:
            table.rows, table.newest_id, table.matrix = {}, 0, np.empty((0, 0), dtype=np.float32)
        table.add(repository.vectors(session, project_id, model, after_id=table.newest_id))
