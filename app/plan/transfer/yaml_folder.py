"""The plan as a folder of YAML, made for a repository: one file per event type, and one each for variables, meta fields and
relations. Names of files are for people; what a file holds says what it is.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from app.plan.snapshot import Snapshot
from app.plan.transfer import archive, yaml_text
from app.plan.transfer.records import Document, Place, Unreadable
from app.plan.transfer.tree import LISTS, TreeReader, tree_of

FIRST_LINE = "# Written by Plumbline.\n"
EVENT_TYPES = "event_types"
SUFFIXES = (".yaml", ".yml")
_SAFE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,79}")
_DIGESTED = re.compile(r".*-[0-9a-f]{12}")
_NOT_IN_NAMES = re.compile(r"[^a-z0-9_]+")
# Windows opens a device for these, whatever their ending.
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)")


def files_of(plan: Snapshot) -> dict[str, str]:
    """The text of each file by path, the same for equal plans."""
    tree = tree_of(plan)
    files = {f"{name}.yaml": {name: tree[name]} for name in LISTS}
    contents: dict[str, object] = dict(files)
    for entry in tree["event_types"]:
        own = {name: value for name, value in entry.items() if name not in ("fields", "events")}
        path = f"{EVENT_TYPES}/{file_name(str(entry['name']))}.yaml"
        contents[path] = {"event_type": own, "fields": entry["fields"], "events": entry["events"]}
    return {path: FIRST_LINE + yaml_text.dump(contents[path]) for path in sorted(contents)}


def zip_of(plan: Snapshot) -> bytes:
    """The folder as a zip archive, byte for byte the same for equal plans."""
    return archive.pack(files_of(plan))


def read_files(files: Mapping[str, str | bytes]) -> Document:
    """What the files say together. Every fault of every file is reported."""
    reader = TreeReader()
    if not files:
        reader.fault(Place(), "There is no YAML file here")
    for path in sorted(files):
        try:
            tree = yaml_text.load(_decoded(files[path], path), path)
            if tree is None:
                continue  # a file that holds nothing, or remarks only
            if isinstance(tree, dict) and tree.keys() & {"event_type", "fields", "events"}:
                reader.read_event_type(tree, path)
            else:
                reader.read(tree, path)
        except Unreadable as error:
            reader.fault(error.place, error.message)
    return reader.document()


def read_zip(data: bytes, file: str) -> Document:
    """What a zipped folder says. Unreadable when the archive is broken or too large."""
    return read_files(archive.unpack(data, file, SUFFIXES))


def file_name(name: str) -> str:
    """A file name for any event type, on any file system; two names never share one."""
    if _SAFE_NAME.fullmatch(name) and not _DEVICES.fullmatch(name) and not _DIGESTED.fullmatch(name):
        return name
    readable = _NOT_IN_NAMES.sub("-", name.lower()).strip("-")[:60] or "event-type"
    return f"{readable}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def _decoded(content: str | bytes, path: str) -> str:
    if isinstance(content, str):
        return content
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"is no UTF-8 text (byte {error.start})", Place(path)) from None
