"""Where the files of photos lie: a folder by default, a Google Cloud Storage bucket by choice."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Protocol

LOCAL = "local"
GCS = "gcs"

_ID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_KEY = re.compile(rf"events/{_ID}/{_ID}(?:_thumbnail)?\.(?:jpg|png|gif|webp)")


class StoredFile(NamedTuple):
    """A file by the place that holds it and its key there."""

    backend: str
    key: str


class PhotoStorage(Protocol):
    """A place for files. Keys come from `photo_key` and `thumbnail_key` alone. Errors: Unavailable when it does not respond."""

    def put(self, key: str, data: bytes, content_type: str) -> None:
        """Keep the bytes under the key, whole or not at all."""
        ...

    def get(self, key: str) -> bytes | None:
        """The bytes, None when there is no such file."""
        ...

    def delete(self, key: str) -> None:
        """Forget the file; nothing happens when there is none."""
        ...


def photo_key(event_id: str, photo_id: str, extension: str) -> str:
    """Where the picture lies."""
    return _checked(f"events/{event_id}/{photo_id}.{extension}")


def thumbnail_key(event_id: str, photo_id: str) -> str:
    """Where the small picture lies."""
    return _checked(f"events/{event_id}/{photo_id}_thumbnail.webp")


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise ValueError(f"not a key of a photo: {key}")
    return key


class LocalStorage:
    """A folder. Nobody reads it but this process; it is never served as it lies."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, key: str, data: bytes, content_type: str) -> None:  # noqa: ARG002 - the row keeps the type
        """Keep the bytes; after the return they survive a loss of power."""
        path = self._root / _checked(key)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)

    def get(self, key: str) -> bytes | None:
        """The bytes, None when there is no such file."""
        try:
            return (self._root / _checked(key)).read_bytes()
        except FileNotFoundError:
            return None

    def delete(self, key: str) -> None:
        """Forget the file."""
        (self._root / _checked(key)).unlink(missing_ok=True)

    def older_than(self, moment: datetime) -> Iterator[str]:
        """Keys of files last written before the moment; half-written leftovers of that age are removed on the way."""
        for path in sorted(self._root.glob("events/*/*")):
            with contextlib.suppress(FileNotFoundError):
                if datetime.fromtimestamp(path.stat().st_mtime, UTC) >= moment:
                    continue
                key = path.relative_to(self._root).as_posix()
                if path.suffix == ".part":
                    path.unlink(missing_ok=True)
                elif _KEY.fullmatch(key):
                    yield key

    def remove_empty_folders(self, moment: datetime) -> None:
        """Take away folders that hold nothing since before the moment."""
        for folder in sorted(self._root.glob("events/*")):
            with contextlib.suppress(OSError):  # not empty, or gone already
                if datetime.fromtimestamp(folder.stat().st_mtime, UTC) < moment:
                    folder.rmdir()
