"""What a running instance leaves in its data folder for the command line: who holds the folder and how to reach the store."""

from __future__ import annotations

import fcntl
import json
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO

RUNTIME_FILE = "runtime.json"
LOCK_FILE = "plumbline.lock"
_LOCK_ATTEMPTS = 4
_LOCK_PAUSE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class RuntimeRecord:
    """One running instance; the store's port and secret are empty when it uses a ClickHouse server."""

    pid: int
    url: str
    store_url: str
    store_port: int | None = None
    store_secret: str = field(default="", repr=False)


class DataFolderInUse(Exception):
    """Another instance holds the folder; `pid` is 0 when it did not say."""

    def __init__(self, data_dir: Path, pid: int) -> None:
        who = f"process {pid}" if pid else "another process"
        super().__init__(f"the data folder {data_dir} is in use by {who}")
        self.pid = pid


class DataFolderLock:
    """The right to run on a data folder, held until closed or until the process ends in whatever way."""

    def __init__(self, data_dir: Path) -> None:
        self._file: IO[str] = (data_dir / LOCK_FILE).open("a+")
        if not self._acquire():
            self._file.seek(0)
            holder = self._file.read().strip()
            self._file.close()
            raise DataFolderInUse(data_dir, int(holder) if holder.isdigit() else 0)
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def _acquire(self) -> bool:
        for _attempt in range(_LOCK_ATTEMPTS):
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(_LOCK_PAUSE_SECONDS)  # a command may be looking whether anybody holds it
            else:
                return True
        return False

    def __enter__(self) -> DataFolderLock:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self._file.close()


def write_runtime_record(data_dir: Path, record: RuntimeRecord) -> None:
    """Put the record in place in one step, readable by its owner only."""
    draft = data_dir / f".{RUNTIME_FILE}.{os.getpid()}"
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(record), file)
    draft.replace(data_dir / RUNTIME_FILE)


def read_runtime_record(data_dir: Path) -> RuntimeRecord | None:
    """The record of the instance that runs on the folder; None when none runs, whatever a killed one left behind."""
    try:
        record = RuntimeRecord(**json.loads((data_dir / RUNTIME_FILE).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return record if _is_locked(data_dir) else None


def remove_runtime_record(data_dir: Path) -> None:
    """Take the record away; nothing happens when there is none."""
    (data_dir / RUNTIME_FILE).unlink(missing_ok=True)


def _is_locked(data_dir: Path) -> bool:
    try:
        with (data_dir / LOCK_FILE).open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
