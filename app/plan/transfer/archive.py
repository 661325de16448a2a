"""A folder as a zip and back. The same files always give the same archive, and a small one cannot unfold into a large one."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from io import BytesIO

from app.plan.transfer.records import MOST_UNPACKED_BYTES, Place, Unreadable

MOST_FILES = 5_000
_MOMENT = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can name: the moment of export would make equal plans unequal
_MODE = 0o100644 << 16
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_NOT_CONTENT = ("__MACOSX/", "._", ".DS_Store")


def pack(files: Mapping[str, str]) -> bytes:
    """The files as a zip, by path."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(files):
            entry = zipfile.ZipInfo(path, _MOMENT)
            entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, _MODE, 3
            archive.writestr(entry, files[path])
    return buffer.getvalue()


def unpack(data: bytes, file: str, suffixes: tuple[str, ...]) -> dict[str, bytes]:
    """The files with one of the suffixes, by path; nothing is written to a disk. Unreadable for what is broken or too large."""
    files: dict[str, bytes] = {}
    left = MOST_UNPACKED_BYTES
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(entries) > MOST_FILES:
                raise Unreadable(f"An archive has at most {MOST_FILES} files", Place(file))
            for entry in entries:
                name = entry.filename
                if not name.lower().endswith(suffixes) or any(part in f"/{name}" for part in map("/".__add__, _NOT_CONTENT)):
                    continue
                if name in files:
                    raise Unreadable("The archive holds this file twice", Place(name))
                if entry.flag_bits & 1 or entry.compress_type not in _METHODS:
                    raise Unreadable("Only plain and deflated files can be read, and no encrypted ones", Place(name))
                with archive.open(entry) as opened:
                    files[name] = opened.read(left + 1)  # the declared size may lie
                left -= len(files[name])
                if left < 0:
                    raise Unreadable(f"The files amount to more than {MOST_UNPACKED_BYTES} bytes", Place(name))
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, ValueError) as error:
        raise Unreadable(f"is no readable zip archive: {error}", Place(file)) from None
    return files
