"""The export as a file: one JSON object a line, written in one go. Pure; `file_verification` reads it back.

header, keys, checkpoints, entries with their records, end. The header is signed; it says which entries the file must hold.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from app.audit_chain.contracts import Absence, Checkpoint, Entry, Link
from app.audit_chain.hashing import FORMAT, canonical
from app.audit_chain.signing import SigningKey, key_id_of, public_texts

_HEADER: Final = "plumbline-audit-export-1"


class NotAnExport(Exception):
    """The file is no audit export of a format this version reads; the text says why."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where a tenant's chain stood."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Scope:
    """What the file holds. With a project only its records have a body. `removed` are deleted projects and tenants."""

    exported_at: str
    heads: Mapping[str, Head]
    project: str = ""
    project_id: str = ""
    retention_days: int = 0
    removed: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Anchor:
    """What somebody kept outside of the instance: public keys and checkpoints."""

    keys: Mapping[str, str]
    checkpoints: Sequence[Checkpoint] = ()


def written(
    scope: Scope, key: SigningKey, keys: Mapping[str, str], checkpoints: Iterable[Checkpoint], links: Iterable[Link]
) -> Iterator[bytes]:
    """The lines of the file, each with its line break."""
    whole = hashlib.sha256()
    count = 0

    def line(value: Mapping[str, Any]) -> bytes:
        text = canonical(value) + b"\n"
        whole.update(text)
        return text

    yield line(_signed_header(scope, key))
    for key_id, public in keys.items():
        yield line(key_line(key_id, public))
    for checkpoint in checkpoints:
        yield line(checkpoint_line(checkpoint))
    for link in links:
        count += 1
        body: dict[str, Any] = {"absent": link.record.value} if isinstance(link.record, Absence) else {"record": link.record}
        yield line({"type": "entry", **asdict(link.entry), **body})
    yield line({"type": "end", "entries": count, "sha256": whole.hexdigest()})


def key_line(key_id: str, public: str) -> dict[str, Any]:
    """A public key as a line."""
    return {"type": "key", "key_id": key_id, "algorithm": "Ed25519", "public_key": public}


def checkpoint_line(checkpoint: Checkpoint) -> dict[str, Any]:
    """A checkpoint as a line."""
    return {"type": "checkpoint", **asdict(checkpoint)}


def anchor_of(lines: Iterable[bytes]) -> Anchor:
    """Keys and checkpoints among the lines. NotAnExport when there is no key or a line cannot be read."""
    keys: dict[str, str] = {}
    checkpoints: list[Checkpoint] = []
    for text in lines:
        value = value_of(text)
        if value is None:
            raise NotAnExport("the anchor has a line that is no JSON object")
        if value.get("type") == "key":
            keys |= key_of(value)
        elif value.get("type") == "checkpoint":
            found = checkpoint_of(value)
            if found is None:
                raise NotAnExport("the anchor has a checkpoint that cannot be read")
            checkpoints.append(found)
    if not keys:
        raise NotAnExport("the anchor has no public key")
    return Anchor(keys, checkpoints)


def trusted_keys(text: str) -> list[str]:
    """The public keys in what somebody kept: an anchor's file, PEM, or Base64 one a line.

    ValueError when there is none or one is wrong.
    """
    if not text.lstrip().startswith("{"):
        return public_texts(text)
    try:
        return list(anchor_of(line for line in text.encode().splitlines() if line.strip()).keys.values())
    except NotAnExport as fault:
        raise ValueError(str(fault)) from fault


def _signed_header(scope: Scope, key: SigningKey) -> dict[str, Any]:
    header = {"type": "header", "format": FORMAT, "key_id": key.key_id, **asdict(scope)}
    return {**header, "signature": base64.b64encode(key.private.sign(header_message(header))).decode()}


def header_message(header: Mapping[str, Any]) -> bytes:
    """What the signature of the header covers."""
    return canonical([_HEADER, {name: value for name, value in header.items() if name != "signature"}])


def scope_of(header: Mapping[str, Any]) -> Scope:
    """What the header says. NotAnExport."""
    if header.get("type") != "header":
        raise NotAnExport("the first line is no header of an audit export")
    if header.get("format") != FORMAT:
        raise NotAnExport(f"the format {header.get('format')} is not one this version reads")
    try:
        heads = {str(tenant): Head(int(head["seq"]), str(head["hash"])) for tenant, head in header["heads"].items()}
        return Scope(
            str(header["exported_at"]), heads, str(header["project"]), str(header["project_id"]),
            int(header["retention_days"]), [str(one) for one in header["removed"]],
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        raise NotAnExport("the header cannot be read") from fault


def value_of(text: bytes) -> dict[str, Any] | None:
    """The line as an object; None when it is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def key_of(value: Mapping[str, Any]) -> dict[str, str]:
    """The key under the name that follows from it, whatever the line calls it."""
    try:
        public = str(value.get("public_key"))
        return {key_id_of(public): public}
    except ValueError:
        return {}


def checkpoint_of(value: Mapping[str, Any]) -> Checkpoint | None:
    """The checkpoint of a line; None when it is not whole."""
    found = {field.name: value.get(field.name) for field in fields(Checkpoint)}
    is_whole = all(isinstance(item, int if name == "seq" else str) for name, item in found.items())
    return Checkpoint(**found) if is_whole else None  # type: ignore[arg-type]  # the types were just looked at


def entry_of(value: Mapping[str, Any]) -> Entry | None:
    """The entry of a line; None when it is not whole."""
    found = {field.name: value.get(field.name) for field in fields(Entry)}
    is_whole = all(isinstance(item, int if name == "seq" else str) for name, item in found.items())
    return Entry(**found) if is_whole else None  # type: ignore[arg-type]  # the types were just looked at
