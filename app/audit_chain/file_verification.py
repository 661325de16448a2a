"""Verifying an export without the instance: the first row that was edited, deleted, reordered or cut. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from app.audit_chain.contracts import Absence, Checkpoint, Count, Entry, Fault, FaultKind, Link, RecordKind, Report
from app.audit_chain.export_file import (
    Anchor,
    Scope,
    checkpoint_of,
    entry_of,
    header_message,
    key_of,
    scope_of,
    value_of,
)
from app.audit_chain.signing import is_signed_by
from app.audit_chain.verification import ChainVerifier

KEYS_FROM_FILE: Final = "The public keys come from the file itself: it is consistent; name a key of your own to prove its origin."


def verify(lines: Iterable[bytes], anchor: Anchor | None = None) -> Report:
    """Read the file and stop at the first row that was edited, deleted, reordered or cut. NotAnExport."""
    return _Reading(iter(lines), anchor).report()


class _Reading:
    def __init__(self, lines: Iterator[bytes], anchor: Anchor | None) -> None:
        self._lines = lines
        self._anchor = anchor
        self._whole = hashlib.sha256()
        self._keys: dict[str, str] = dict(anchor.keys) if anchor else {}
        self._checkpoints: list[Checkpoint] = list(anchor.checkpoints) if anchor else []
        self._verifiers: dict[str, ChainVerifier] | None = None
        self._header: dict[str, Any] = {}
        self._scope = Scope("", {})
        self._has_end = False

    def report(self) -> Report:
        first = next(self._lines, b"")
        self._whole.update(first)
        self._header = value_of(first) or {}
        self._scope = scope_of(self._header)
        fault = self._first_fault()
        verifiers = self._begun()
        count = sum((verifier.count for verifier in verifiers.values()), Count())
        notes = [] if self._anchor else [KEYS_FROM_FILE]
        return Report(len(self._scope.heads), count, fault, notes=tuple(notes))

    def _first_fault(self) -> Fault | None:
        for number, text in enumerate(self._lines, 2):
            fault = self._taken(text, number)
            if fault is not None:
                return self._settled(fault)
        return self._ending()

    def _taken(self, text: bytes, number: int) -> Fault | None:
        value = value_of(text)
        if value is None or self._has_end:
            return _file_fault(FaultKind.EDITED, f"line {number} cannot be read" if value is None else f"line {number} was added")
        if value.get("type") == "end":
            return self._end(value)
        self._whole.update(text)
        if value.get("type") == "entry":
            return self._entry(value, number)
        if self._verifiers is not None or value.get("type") not in ("key", "checkpoint"):
            return _file_fault(FaultKind.EDITED, f"line {number} does not belong there")
        return self._preamble(value, number)

    def _preamble(self, value: Mapping[str, Any], number: int) -> Fault | None:
        if value.get("type") == "key":
            # Keys from outside are the only ones that count where there are any.
            self._keys |= {} if self._anchor else key_of(value)
            return None
        checkpoint = checkpoint_of(value)
        if checkpoint is None or checkpoint.tenant not in self._scope.heads:
            return self._header_fault() or _file_fault(FaultKind.EDITED, f"line {number} is no checkpoint of a chain in this file")
        self._checkpoints.append(checkpoint)
        return None

    def _end(self, value: Mapping[str, Any]) -> Fault | None:
        self._has_end = True
        fault = self._ending()
        if fault is None and value.get("sha256") != self._whole.hexdigest():
            return _file_fault(FaultKind.EDITED, "the file is not as it was exported")
        return fault

    def _entry(self, value: Mapping[str, Any], number: int) -> Fault | None:
        verifiers = self._begun()
        header = self._header_fault()
        if header is not None:
            return header
        entry = entry_of(value)
        if entry is None or entry.tenant not in verifiers:
            return _file_fault(FaultKind.EDITED, f"line {number} is no entry of a chain in this file")
        return verifiers[entry.tenant].feed(Link(entry, self._record(value, entry)))

    def _record(self, value: Mapping[str, Any], entry: Entry) -> Mapping[str, Any] | Absence | None:
        if isinstance(value.get("record"), dict):
            record: dict[str, Any] = value["record"]
            return record
        scope, absent = self._scope, value.get("absent")
        if absent == Absence.WITHHELD and scope.project_id and entry.project_id != scope.project_id:
            return Absence.WITHHELD
        if entry.kind != RecordKind.INGESTED:
            return None
        if absent == Absence.REMOVED and (entry.project_id in scope.removed or entry.tenant in scope.removed):
            return Absence.REMOVED
        if absent == Absence.EXPIRED and _is_expired(entry.record_time, scope):
            return Absence.EXPIRED
        return None

    def _begun(self) -> dict[str, ChainVerifier]:
        if self._verifiers is None:
            self._verifiers = {
                tenant: ChainVerifier(tenant, {one for one in self._checkpoints if one.tenant == tenant}, self._keys)
                for tenant in self._scope.heads
            }
        return self._verifiers

    def _header_fault(self) -> Fault | None:
        header = self._header
        public = self._keys.get(str(header.get("key_id")))
        if public is None:
            return _file_fault(FaultKind.FORGED, f"the key {header.get('key_id')} of the header is not trusted")
        if not is_signed_by(public, str(header.get("signature")), header_message(header)):
            return _file_fault(FaultKind.FORGED, "the header was changed: its signature does not fit")
        return None

    def _ending(self) -> Fault | None:
        fault = self._header_fault()
        if fault is not None:
            return fault
        for tenant, verifier in self._begun().items():
            head = self._scope.heads[tenant]
            if verifier.seq < head.seq:
                message = f"the header names {head.seq} entries, the file ends at {verifier.seq}"
                return Fault(FaultKind.CUT, tenant, verifier.seq + 1, "", message)
            if (verifier.seq, verifier.hash) != (head.seq, head.hash):
                first = verifier.attested + 1
                return Fault(FaultKind.REWRITTEN, tenant, first, "", "the chain contradicts the header of the file")
            fault = verifier.finish()
            if fault is not None:
                return fault
        strange = {checkpoint.tenant for checkpoint in self._anchor.checkpoints} - set(self._scope.heads) if self._anchor else set()
        if strange and not self._scope.project_id:
            tenant = min(strange)
            return Fault(FaultKind.CUT, tenant, 1, "", "the anchor knows a chain that the file does not have")
        return None if self._has_end else _file_fault(FaultKind.CUT, "the last line of the file is missing")

    def _settled(self, fault: Fault) -> Fault:
        """A missing entry that stands further down was moved, not deleted."""
        if fault.kind is not FaultKind.DELETED or fault.record_id:
            return fault
        for text in self._lines:
            value = value_of(text) or {}
            if value.get("type") == "entry" and (value.get("tenant"), value.get("seq")) == (fault.tenant, fault.seq):
                message = f"entry {fault.seq} stands behind later ones"
                return Fault(FaultKind.REORDERED, fault.tenant, fault.seq, str(value.get("record_id")), message)
        return fault


def _is_expired(record_time: str, scope: Scope) -> bool:
    try:
        limit = datetime.fromisoformat(scope.exported_at) - timedelta(days=scope.retention_days)
        return datetime.fromisoformat(record_time) < limit
    except (ValueError, TypeError, OverflowError):
        return False


def _file_fault(kind: FaultKind, message: str) -> Fault:
    return Fault(kind, "", 0, "", message)
