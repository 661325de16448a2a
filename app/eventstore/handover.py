"""Large blocks for a store on this machine lie in a folder beside it: half the copies that its socket makes of every byte."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from uuid import uuid4

from app.eventstore.contracts import Block

FEWEST_BYTES: Final = 65_536
_BUFFER_BYTES: Final = 1_048_576
log = logging.getLogger("plumbline.eventstore")


class Handover:
    """The folder, or none where the store is elsewhere."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    @contextlib.contextmanager
    def laid_down(self, rows: Block) -> Iterator[str | None]:
        """The name under which the rows lie within the block; None when they are few, or cannot be laid there, and go by socket."""
        if self._folder is None or sum(map(len, rows)) < FEWEST_BYTES:
            yield None
            return
        path = self._folder / uuid4().hex
        try:
            yield path.name if _is_written(path, rows) else None
        finally:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


def _is_written(path: Path, rows: Block) -> bool:
    try:
        with path.open("wb", buffering=_BUFFER_BYTES) as file:
            file.writelines(rows)
    except OSError as error:
        log.warning("rows go by socket: they cannot be laid in %s", path.parent, extra={"reason": error.strerror or ""})
        return False
    return True
