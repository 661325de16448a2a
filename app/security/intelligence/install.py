"""Puts a location database into place: from a file, or this month's free one of DB-IP. Whole and readable, or not at all."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import httpx
import maxminddb

LARGEST_DOWNLOAD: Final = 300 * 1024 * 1024
LARGEST_DATABASE: Final = 1024 * 1024 * 1024
ATTRIBUTION: Final = "IP Geolocation by DB-IP (https://db-ip.com), licensed under CC BY 4.0"
ATTRIBUTION_FILE: Final = "ATTRIBUTION"
_GZIP: Final = b"\x1f\x8b"
_CHUNK: Final = 1 << 20


class InstallFailed(Exception):
    """No database was installed; the text says why."""


@dataclass(frozen=True, slots=True)
class Installed:
    """The database now in place."""

    path: Path
    kind: str
    built_on: date


def download_addresses(database: str, today: date) -> tuple[str, str]:
    """Where DB-IP publishes the database of this month, and of the one before, for the first days of a month."""
    before = today.replace(day=1) - timedelta(days=1)
    first, second = (f"https://download.db-ip.com/free/dbip-{database}-lite-{day:%Y-%m}.mmdb.gz" for day in (today, before))
    return first, second


def install_file(source: Path, folder: Path, *, name: str | None = None) -> Installed:
    """Install a database file, packed with gzip or not. InstallFailed."""
    try:
        with source.open("rb") as opened:
            is_packed = opened.read(2) == _GZIP
        with gzip.open(source, "rb") if is_packed else source.open("rb") as stream:
            wanted = name or source.name.removesuffix(".gz")
            return _install(iter(lambda: stream.read(_CHUNK), b""), folder, wanted)
    except (OSError, EOFError, zlib.error) as error:
        raise InstallFailed(f"{source} cannot be read: {error}") from None


def install_download(client: httpx.Client, database: str, folder: Path, today: date) -> Installed:
    """Install DB-IP's free database `city`, `country` or `asn`, with the attribution its licence asks for. InstallFailed."""
    for url in download_addresses(database, today):
        try:
            with client.stream("GET", url) as response:
                if response.status_code == 404:
                    continue
                if response.status_code != 200:
                    raise InstallFailed(f"{url} answered {response.status_code}")
                installed = _install(_unpacked(response.iter_raw(_CHUNK)), folder, f"dbip-{database}-lite.mmdb")
        except (httpx.HTTPError, zlib.error) as error:
            raise InstallFailed(f"{url} cannot be downloaded: {error or type(error).__name__}") from None
        (folder / ATTRIBUTION_FILE).write_text(f"{ATTRIBUTION}\n", "utf-8")
        return installed
    raise InstallFailed(f"DB-IP publishes no database {database} for this month or the last")


def _unpacked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(wbits=31)
    received = 0
    for chunk in chunks:
        received += len(chunk)
        if received > LARGEST_DOWNLOAD:
            raise InstallFailed(f"The download is longer than {LARGEST_DOWNLOAD} bytes")
        rest = chunk
        while rest:
            yield unpacker.decompress(rest, _CHUNK)
            rest = unpacker.unconsumed_tail
    yield unpacker.flush()
    if not unpacker.eof:
        raise InstallFailed("The download broke off")


def _install(chunks: Iterator[bytes], folder: Path, name: str) -> Installed:
    if not name.endswith(".mmdb"):
        raise InstallFailed("A database file ends in .mmdb or .mmdb.gz")
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{name}.part"
    try:
        size = 0
        with part.open("wb") as written:
            for chunk in chunks:
                size += len(chunk)
                if size > LARGEST_DATABASE:
                    raise InstallFailed(f"The database is larger than {LARGEST_DATABASE} bytes")
                written.write(chunk)
        try:
            with maxminddb.open_database(part) as reader:
                metadata = reader.metadata()
        except (maxminddb.InvalidDatabaseError, OSError, ValueError):
            raise InstallFailed("The file is no MaxMind DB") from None
        # Renaming keeps the old file alive for readers that have it mapped.
        part.replace(folder / name)
    finally:
        part.unlink(missing_ok=True)
    return Installed(folder / name, metadata.database_type, datetime.fromtimestamp(metadata.build_epoch, UTC).date())
