"""The process-wide event store and where to find it."""

from __future__ import annotations

import os
import threading

from app.eventstore.address import HANDOVER_FOLDER, PORT_VARIABLE, SECRET_VARIABLE, StoreAddress, embedded_address, parse_address
from app.eventstore.client import ClickHouseEventStore
from app.eventstore.contracts import EventStore
from app.kernel.errors import Unavailable
from app.kernel.settings import Settings, get_settings
from app.runtime_file import read_runtime_record

_lock = threading.Lock()
_current: EventStore | None = None


def connect(settings: Settings) -> ClickHouseEventStore:
    """The store of these settings: the configured server, the supervisor's store, or that of the running instance.

    Nothing is sent yet. Unavailable when there is no store to speak to.
    """
    is_embedded = not settings.storage.eventstore_url.get_secret_value()
    return ClickHouseEventStore(_address(settings), handover=settings.data_dir / HANDOVER_FOLDER if is_embedded else None)


def get_event_store() -> EventStore:
    """The event store of this process, made on first use. Errors: Unavailable as for `connect`."""
    global _current  # noqa: PLW0603
    with _lock:
        if _current is None:
            _current = connect(get_settings())
        return _current


def set_event_store(store: EventStore | None) -> None:
    """Put another store in place, or None to look for the configured one again."""
    global _current  # noqa: PLW0603
    with _lock:
        _current = store


def _address(settings: Settings) -> StoreAddress:
    url = settings.storage.eventstore_url.get_secret_value()
    if url:
        try:
            return parse_address(url)
        except ValueError as error:
            raise Unavailable(f"PLUMBLINE_EVENTSTORE_URL: {error}") from None
    port, secret = os.environ.get(PORT_VARIABLE, ""), os.environ.get(SECRET_VARIABLE, "")
    if port.isdigit() and secret:
        return embedded_address(int(port), secret)
    record = read_runtime_record(settings.data_dir)
    if record is None or record.store_port is None:
        raise Unavailable(f"No running instance uses {settings.data_dir}; start one with `plumbline serve`.")
    return embedded_address(record.store_port, record.store_secret)
