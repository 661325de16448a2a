"""Which folder of the write-ahead log this process owns.

Processes on one data folder take numbered folders under `wal/`, each behind an exclusive lock that ends with the process. A folder
nobody holds may carry segments of a process that is gone; whoever starts next takes them over.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from app.ingest.wal import SUFFIX, flush_folder
from app.kernel.errors import Unavailable

_LOCK: Final = "lock"
_MOST_FOLDERS: Final = 64


@dataclass(slots=True)
class LogFolder:
    """A locked folder of the log; the lock lasts until `release` or the end of the process."""

    path: Path
    descriptor: int

    def segments(self) -> list[Path]:
        """The segments in the order they were begun."""
        return sorted(self.path.glob(f"*{SUFFIX}"))

    def release(self) -> None:
        """Let another process have the folder."""
        os.close(self.descriptor)


def claim_folders(root: Path) -> tuple[LogFolder, list[LogFolder]]:
    """The folder to write in, and every other unlocked one that still holds segments, locked as well.

    Unavailable when all folders are taken.
    """
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    flush_folder(root.parent)
    home: LogFolder | None = None
    orphans: list[LogFolder] = []
    for number in range(_MOST_FOLDERS):
        path = root / f"{number:02d}"
        if home is not None and not path.exists():
            continue
        folder = _lock(path)
        if folder is None:
            continue
        if home is None:
            home = folder
        elif folder.segments():
            orphans.append(folder)
        else:
            folder.release()
    if home is None:
        raise Unavailable(f"all {_MOST_FOLDERS} folders of the write-ahead log are in use")
    return home, orphans


def unstored_segments(root: Path) -> frozenset[Path]:
    """Segments of every process on the data folder that the event store does not have yet, those still open among them."""
    return frozenset(root.glob(f"*/*{SUFFIX}"))


def is_unstored_before(root: Path, moment: datetime) -> bool:
    """Whether records that were acknowledged before the instant may still wait in the log of any process."""
    for segment in unstored_segments(root):
        with contextlib.suppress(FileNotFoundError):  # stored and deleted meanwhile
            # A segment takes records for a second or two; the last one tells for all of them.
            if segment.stat().st_mtime < moment.timestamp():
                return True
    return False


def _lock(path: Path) -> LogFolder | None:
    if not path.exists():
        path.mkdir(exist_ok=True, mode=0o700)
        flush_folder(path.parent)  # a power cut must not take the folder away with what was acknowledged in it
    descriptor = os.open(path / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return LogFolder(path, descriptor)
