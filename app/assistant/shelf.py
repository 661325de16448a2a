"""The indexes of the branches searched last, kept in memory and brought up to date before each search."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock

from sqlmodel import Session

from app.assistant import repository
from app.assistant.index import SearchIndex
from app.assistant.meaning import hash_of, text_of

MOST_BRANCHES = 24


@dataclass(slots=True)
class Shelved:
    """One branch's index and the lock to hold while using it."""

    lock: Lock = field(default_factory=Lock)
    index: SearchIndex = field(default_factory=SearchIndex)
    _hashes: dict[str, str] = field(default_factory=dict)
    _hashed: tuple[int, int, int] = (0, 0, 0)

    def text_hashes(self) -> dict[str, str]:
        """What the text of each entity is known by. Call with the lock held."""
        state = (len(self.index), self.index.newest_id, self.index.id_sum)
        if self._hashed != state:
            self._hashes = {document.entity_id: hash_of(text_of(document)) for document in self.index.documents()}
            self._hashed = state
        return self._hashes


_shelf: OrderedDict[str, Shelved] = OrderedDict()
_shelf_lock = Lock()


def shelved(branch_id: str) -> Shelved:
    """The branch's place on the shelf; the branch unused for longest makes room."""
    with _shelf_lock:
        found = _shelf.setdefault(branch_id, Shelved())
        _shelf.move_to_end(branch_id)
        while len(_shelf) > MOST_BRANCHES:
            _shelf.popitem(last=False)
        return found


def refresh(session: Session, branch_id: str, place: Shelved) -> None:
    """Bring the index to what this transaction sees. Call with the lock held."""
    wanted = repository.fingerprint(session, branch_id)
    index = place.index
    if (len(index), index.newest_id, index.id_sum) == wanted:
        return
    index.add(repository.documents(session, branch_id, after_id=index.newest_id))
    if (len(index), index.newest_id, index.id_sum) != wanted:
        # Something was deleted, or a slower transaction committed below the newest id.
        place.index = SearchIndex()
        place.index.add(repository.documents(session, branch_id))
