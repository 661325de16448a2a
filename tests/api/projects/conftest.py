from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.eventstore.service import set_event_store
from app.kernel.errors import Unavailable


class RecordingStore:
    """Stands for the event store and remembers what was deleted from it."""

    def __init__(self) -> None:
        self.deleted: list[tuple[str, str]] = []
        self.is_down = False

    def delete_project(self, tenant_id: str, project_id: str) -> None:
        if self.is_down:
            raise Unavailable("down")
        self.deleted.append((tenant_id, project_id))


@pytest.fixture(autouse=True)
def stored() -> Iterator[RecordingStore]:
    store = RecordingStore()
    set_event_store(store)
    yield store
    set_event_store(None)
