"""The file of a backup: a tar with a manifest and members compressed by zstd, each with its SHA-256 digest.

The manifest is the last member, so that a file without one is a backup that was cut off.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import zstandard

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
_LEVEL: Final = 3


class BadArchive(Exception):
    """The file is no whole backup; the text says what is wrong with it."""


class ArchiveWriter:
    """Writes a backup beside its place and puts it there at the end; readable by its owner only. FileExistsError, OSError."""

    def __init__(self, path: Path) -> None:
        if path.exists():
            raise FileExistsError(f"{path} exists already")
        self._path = path
        self._draft = path.with_name(f".{path.name}.{os.getpid()}")
        descriptor = os.open(self._draft, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
        self._file = os.fdopen(descriptor, "wb")
        self._tar = tarfile.open(fileobj=self._file, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        self._digests: dict[str, str] = {}

    def add(self, name: str, content: bytes) -> None:
        """One more member."""
        self._digests[name] = hashlib.sha256(content).hexdigest()
        self._write(name, zstandard.ZstdCompressor(level=_LEVEL).compress(content))

    def finish(self, facts: dict[str, Any]) -> None:
        """Write the manifest with these facts and put the file in its place."""
        manifest = {"format": FORMAT, **facts, "members": self._digests}
        self._write(MANIFEST, json.dumps(manifest, indent=1, sort_keys=True).encode())
        self._tar.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._draft.replace(self._path)

    def _write(self, name: str, content: bytes) -> None:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(content), 0o600
        self._tar.addfile(entry, io.BytesIO(content))

    def __enter__(self) -> ArchiveWriter:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        if not self._file.closed:
            self._file.close()
        self._draft.unlink(missing_ok=True)


class Archive:
    """A backup that has been read through once: it is whole, and every member is what its digest says. BadArchive, OSError."""

    def __init__(self, path: Path) -> None:
        try:
            self._tar = tarfile.open(path)  # noqa: SIM115 - closed by `close`
            names = self._tar.getnames()
        except tarfile.TarError as error:
            raise BadArchive(f"{path} is no backup: {error}") from None
        if MANIFEST not in names:
            raise BadArchive(f"{path} has no manifest: it was cut off or is no backup")
        self.facts: dict[str, Any] = json.loads(self._raw(MANIFEST))
        if self.facts.get("format") != FORMAT:
            raise BadArchive(f"{path} has the format {self.facts.get('format')}; this version reads {FORMAT}")
        digests: dict[str, str] = self.facts["members"]
        missing = sorted(digests.keys() - set(names))
        if missing:
            raise BadArchive(f"{path} lacks {missing[0]}")
        for name, digest in digests.items():
            if hashlib.sha256(self.read(name)).hexdigest() != digest:
                raise BadArchive(f"{name} in {path} is damaged")

    def read(self, name: str) -> bytes:
        """The content of a member."""
        try:
            return zstandard.ZstdDecompressor().decompress(self._raw(name))
        except zstandard.ZstdError:
            raise BadArchive(f"{name} is damaged") from None

    def names(self, folder: str) -> Iterator[str]:
        """Members under the folder, in the order they were written."""
        return (name for name in self.facts["members"] if name.startswith(f"{folder}/"))

    def close(self) -> None:
        """Let go of the file."""
        self._tar.close()

    def _raw(self, name: str) -> bytes:
        file = self._tar.extractfile(name)
        if file is None:
            raise BadArchive(f"{name} is no file")
        return file.read()
