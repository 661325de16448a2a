"""Published lists of networks, fetched now and then. A list that looks wrong is refused and the last good one stays."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from app.kernel.outbound import Outbound, OutboundFailed
from app.security.intelligence.networks import parse_networks

LARGEST_LIST: Final = 10 * 1024 * 1024
FEWEST_ROWS: Final = 100
CALL_SECONDS: Final = 20.0
CHECK_EVERY: Final = timedelta(hours=24)
RETRY_AFTER: Final = timedelta(hours=1)
MOST_FAILURES: Final = 2
"""After so many sources without an answer the pass ends: the instance is probably offline."""

_X4B = "https://raw.githubusercontent.com/X4BNet/lists_vpn/main/output"

log = logging.getLogger("plumbline.security")


@dataclass(frozen=True, slots=True)
class Source:
    """A list: the file it is kept in, which also says its category, and where it is published."""

    file_name: str
    url: str


SOURCES: Final = (
    Source("tor-exits.txt", "https://check.torproject.org/torbulkexitlist"),
    Source("vpn-ipv4.txt", f"{_X4B}/vpn/ipv4.txt"),
    Source("datacenter-ipv4.txt", f"{_X4B}/datacenter/ipv4.txt"),
    Source("datacenter-ipv6.txt", f"{_X4B}/datacenter/ipv6.txt"),
    Source("datacenter-aws.json", "https://ip-ranges.amazonaws.com/ip-ranges.json"),
    Source("datacenter-google.json", "https://www.gstatic.com/ipranges/cloud.json"),
)


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What became of one list: `result` is updated, unchanged, refused or failed."""

    source: Source
    result: str
    reason: str = ""
    rows: int = 0


def refresh_lists(
    folder: Path, outbound: Outbound, now: Callable[[], datetime], *, sources: Sequence[Source] = SOURCES, is_forced: bool = False
) -> list[Refreshed]:
    """Fetch the lists that were not looked at for a day, or all of them. Never raises for what a source does wrong."""
    caller = replace(outbound, largest_answer=LARGEST_LIST, timeout_seconds=CALL_SECONDS)
    done: list[Refreshed] = []
    for source in sources:
        if not is_forced and now() - _checked_at(folder, source, now()) < CHECK_EVERY:
            continue
        outcome = _refresh(folder, caller, source)
        retry = CHECK_EVERY - RETRY_AFTER if outcome.result in ("failed", "refused") else timedelta(0)
        _note_check(folder, source, now() - retry)
        if outcome.reason:
            log.warning("the network list %s was not updated: %s", source.file_name, outcome.reason)
        done.append(outcome)
        if sum(one.result == "failed" for one in done) >= MOST_FAILURES:
            break
    return done


def _refresh(folder: Path, outbound: Outbound, source: Source) -> Refreshed:
    path, tag_path = folder / source.file_name, _tag_path(folder, source)
    tag = tag_path.read_text("utf-8").strip() if path.exists() and tag_path.exists() else ""
    try:
        answer = outbound.call("GET", source.url, headers={"if-none-match": tag} if tag else {})
    except OutboundFailed as error:
        return Refreshed(source, "failed", error.message)
    if answer.status == 304:
        return Refreshed(source, "unchanged")
    if answer.status != 200:
        return Refreshed(source, "failed", f"the source answered {answer.status}")
    rows = sum(1 for _ in parse_networks(answer.text))
    before = sum(1 for _ in parse_networks(path.read_text("utf-8", "replace"))) if path.exists() else 0
    if rows < FEWEST_ROWS:
        return Refreshed(source, "refused", f"it names only {rows} networks", rows)
    if rows * 2 < before:
        return Refreshed(source, "refused", f"it shrank from {before} to {rows} networks", rows)
    part = path.with_suffix(".part")
    part.write_bytes(answer.body)
    part.replace(path)
    tag_path.write_text(answer.headers.get("etag", ""), "utf-8")
    return Refreshed(source, "updated", rows=rows)


def _tag_path(folder: Path, source: Source) -> Path:
    return folder / f"{source.file_name}.etag"


def _checked_at(folder: Path, source: Source, now: datetime) -> datetime:
    try:
        return datetime.fromtimestamp(_tag_path(folder, source).stat().st_mtime, now.tzinfo)
    except OSError:
        return now - CHECK_EVERY


def _note_check(folder: Path, source: Source, moment: datetime) -> None:
    path = _tag_path(folder, source)
    path.touch()
    os.utime(path, (moment.timestamp(), moment.timestamp()))
