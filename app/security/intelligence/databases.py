"""The local files behind enrichment. They are read again when they change; the last readable ones stay in use."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import maxminddb

from app.security.intelligence.addresses import IPAddress
from app.security.intelligence.networks import CATEGORIES, NetworkLists, build_lists, parse_networks

FOLDER: Final = "geo"
LOOK_SECONDS: Final = 2.0
_LISTS: Final = frozenset({".txt", ".json", ".csv", ".list", ".netset"})
_Stamp = tuple[tuple[str, int, int], ...]

log = logging.getLogger("plumbline.security")


class Databases:
    """Readers and lists of one folder, for any number of threads.

    A file counts by its name and kind: `*.mmdb` by the database type in it, lists by a name that begins with vpn, tor, proxy,
    datacenter or blocklist. Replace files by renaming: an open database is mapped into memory.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lists = NetworkLists()
        self._readers: dict[Path, tuple[tuple[int, int], maxminddb.Reader]] = {}
        self._places: tuple[maxminddb.Reader, ...] = ()
        self._networks: tuple[maxminddb.Reader, ...] = ()
        self._stamp: _Stamp | None = None
        self._looked = 0.0
        self._lock = threading.Lock()
        self.remembered: dict[Any, Any] = {}
        """What these very files told of addresses; another dictionary whenever a file changed."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all can be told of any address."""
        return not (self._places or self._networks or self.lists.known)

    @property
    def kinds(self) -> tuple[tuple[str, date], ...]:
        """Type of each open database and the day it was built."""
        found = [reader.metadata() for reader in (*self._places, *self._networks)]
        return tuple((one.database_type, datetime.fromtimestamp(one.build_epoch, UTC).date()) for one in found)

    @property
    def has_places(self) -> bool:
        """Whether any database tells where an address is."""
        return bool(self._places)

    def place(self, address: IPAddress) -> Mapping[str, Any] | None:
        """The record of the first place database that knows the address."""
        return _first(self._places, address)

    def network(self, address: IPAddress) -> Mapping[str, Any] | None:
        """The record of the first network database that knows the address."""
        return _first(self._networks, address)

    def look(self) -> None:
        """Notice changed files, at most every two seconds; they are read beside the caller, except for the first time."""
        now = time.monotonic()
        if self._stamp is not None and now - self._looked < LOOK_SECONDS:
            return
        if self._stamp is None:
            self.refresh()
        elif _stamp(self.folder) != self._stamp:
            threading.Thread(target=self.refresh, name="geo-refresh", daemon=True).start()
        self._looked = now

    def refresh(self) -> bool:
        """Read what changed, now. Whether anything had changed."""
        with self._lock:
            stamp = _stamp(self.folder)
            if stamp == self._stamp:
                return False
            self._read_databases(Path(name) for name, _, _ in stamp if name.endswith(".mmdb"))
            self._read_lists(Path(name) for name, _, _ in stamp if not name.endswith(".mmdb"))
            self._stamp = stamp
            self.remembered = {}
            return True

    def _read_databases(self, paths: Iterable[Path]) -> None:
        readers: dict[Path, tuple[tuple[int, int], maxminddb.Reader]] = {}
        for path in paths:
            present = self._readers.get(path)
            try:
                status = path.stat()
                version = (status.st_mtime_ns, status.st_size)
                if present is None or present[0] != version:
                    present = (version, maxminddb.open_database(path))
            except (OSError, maxminddb.InvalidDatabaseError, ValueError):
                log.warning("the database %s cannot be read; what was read before stays in use", path.name)
            if present is not None:
                readers[path] = present
        # Readers that were replaced are not closed: another thread may be in the middle of a lookup.
        self._readers = readers
        networks = {path for path, (_, reader) in readers.items() if _is_about_networks(path, reader)}
        self._networks = tuple(readers[path][1] for path in sorted(networks))
        self._places = tuple(readers[path][1] for path in sorted(readers.keys() - networks))

    def _read_lists(self, paths: Iterable[Path]) -> None:
        entries = []
        for path in paths:
            try:
                entries.append((_category(path) or "", list(parse_networks(path.read_text("utf-8", "replace")))))
            except OSError:
                log.warning("the network list %s cannot be read; the lists read before stay in use", path.name)
                return
        self.lists = build_lists((category, networks) for category, networks in entries if networks)


def _first(readers: tuple[maxminddb.Reader, ...], address: IPAddress) -> Mapping[str, Any] | None:
    for reader in readers:
        if address.version == 6 and reader.metadata().ip_version == 4:
            continue
        found = reader.get(address)
        if isinstance(found, dict):
            return found
    return None


def _is_about_networks(path: Path, reader: maxminddb.Reader) -> bool:
    kind = f"{reader.metadata().database_type} {path.name}".lower()
    return any(word in kind for word in ("asn", "isp", "connection"))


def _category(path: Path) -> str | None:
    name = path.name.lower()
    return next((category for category in CATEGORIES if name.startswith(category)), None)


def _stamp(folder: Path) -> _Stamp:
    found = []
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        return ()
    for path in paths:
        if path.suffix == ".mmdb" or (path.suffix in _LISTS and _category(path)):
            try:
                status = path.stat()
            except OSError:
                continue
            found.append((str(path), status.st_mtime_ns, status.st_size))
    return tuple(found)
