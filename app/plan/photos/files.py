"""The files behind photo rows: where this instance keeps them, and how those that no row names any more go away.

A row may vanish with its event, its branch or its project. Whoever deletes photos hands over their files right after the
commit; `sweep` finds what else was left behind.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice

from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.kernel.errors import Unavailable
from app.kernel.settings import get_settings
from app.plan.photos import repository
from app.plan.photos.google_storage import GoogleStorage, application_token
from app.plan.photos.storage import GCS, LOCAL, LocalStorage, PhotoStorage, StoredFile

# An upload writes its file before its row; younger files may be such.
SWEPT_AFTER = timedelta(hours=1)
_AT_ONCE = 500

log = logging.getLogger("plumbline.plan")


def chosen_backend() -> str:
    """Where uploads go."""
    return GCS if get_settings().photos.photo_bucket else LOCAL


def storage(backend: str) -> PhotoStorage:
    """The place of that name. Errors: Unavailable for a bucket that is not configured."""
    if backend == LOCAL:
        return local_storage()
    bucket = get_settings().photos.photo_bucket
    if not bucket:
        raise Unavailable("The photo lies in a bucket and PLUMBLINE_PHOTO_BUCKET is not set")
    return _google_storage(bucket)


def local_storage() -> LocalStorage:
    """The folder of photos in the data folder."""
    return LocalStorage(get_settings().data_dir / "photos")


@lru_cache(maxsize=1)
def _google_storage(bucket: str) -> PhotoStorage:
    return GoogleStorage(bucket, application_token())


def remove_unreferenced(files: Collection[StoredFile]) -> int:
    """Delete those of the files that no photo names any more; how many went. Opens its own transaction.

    Call it after the commit that removed photos. A place that does not respond keeps its file, which is logged.
    """
    if not files:
        return 0
    with session_scope(write=False) as session:
        unused = set(files) - repository.referenced(session, files)
    removed = 0
    for file in sorted(unused):
        try:
            storage(file.backend).delete(file.key)
            removed += 1
        except (Unavailable, OSError) as error:
            log.warning("the file of a deleted photo stays: %s: %s", file.key, error)
    return removed


def sweep(now: datetime | None = None) -> int:
    """Delete files in the data folder that no photo names and that are older than an hour; how many went."""
    before = (now or SYSTEM_CLOCK.now()) - SWEPT_AFTER
    folder = local_storage()
    removed = sum(remove_unreferenced(batch) for batch in _batches(StoredFile(LOCAL, key) for key in folder.older_than(before)))
    folder.remove_empty_folders(before)
    return removed


def _batches(files: Iterable[StoredFile]) -> Iterable[list[StoredFile]]:
    waiting = iter(files)
    while batch := list(islice(waiting, _AT_ONCE)):
        yield batch
