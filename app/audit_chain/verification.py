"""Following a tenant's chain from its first entry and stopping at the first that does not hold. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from app.audit_chain.contracts import Absence, Checkpoint, Count, Entry, Fault, FaultKind, Link
from app.audit_chain.hashing import GENESIS, digest_of, hash_of
from app.audit_chain.signing import is_signed


class ChainVerifier:
    """One tenant's chain, fed entry by entry in the order they are found.

    `checkpoints` are the tenant's, signed by `keys` (public text by key id) or else a fault; `seq` and `hash` say after which
    entry the walk begins and `attested` which one a checkpoint last confirmed, so that it can be done in parts.
    """

    def __init__(
        self,
        tenant: str,
        checkpoints: Iterable[Checkpoint],
        keys: Mapping[str, str],
        *,
        seq: int = 0,
        hash: str = GENESIS,  # noqa: A002 - the field's name everywhere
        attested: int = 0,
    ) -> None:
        self.tenant = tenant
        self.seq = seq
        self.hash = hash
        self.count = Count()
        self._keys = keys
        self._ahead: dict[int, list[Checkpoint]] = {}
        for checkpoint in checkpoints:
            if checkpoint.seq > seq:
                self._ahead.setdefault(checkpoint.seq, []).append(checkpoint)
        self.attested = attested

    def feed(self, link: Link) -> Fault | None:
        """Take the next entry; what is wrong with it, or None. After a fault the walk is over."""
        entry, expected = link.entry, self.seq + 1
        if entry.seq != expected:
            return self._out_of_order(entry, expected)
        fault = self._entry_fault(entry) or self._record_fault(link)
        if fault is not None:
            return fault
        self.seq, self.hash = entry.seq, entry.hash
        absent = self.count.absent + isinstance(link.record, Absence)
        self.count = replace(self.count, entries=self.count.entries + 1, absent=absent)
        return self._attest(entry)

    def finish(self) -> Fault | None:
        """Say that there are no more entries."""
        for seq in sorted(self._ahead):
            for checkpoint in self._ahead[seq]:
                if not is_signed(checkpoint, self._keys):
                    return self._forged(checkpoint)
            message = f"a checkpoint attests {seq} entries, the chain ends at {self.seq}"
            return Fault(FaultKind.CUT, self.tenant, self.seq + 1, "", message)
        return None

    def _entry_fault(self, entry: Entry) -> Fault | None:
        if entry.tenant != self.tenant:
            return self._fault(FaultKind.EDITED, entry, "the entry names another tenant")
        if entry.previous != self.hash:
            return self._fault(FaultKind.EDITED, entry, "the entry does not follow the one before it")
        if entry.hash != hash_of(entry):
            return self._fault(FaultKind.EDITED, entry, "the entry was changed: its hash does not fit")
        return None

    def _record_fault(self, link: Link) -> Fault | None:
        entry, record = link.entry, link.record
        if record is None:
            return self._fault(FaultKind.DELETED, entry, f"the record {entry.record_id} is gone, its entry stands")
        if not isinstance(record, Absence) and digest_of(record) != entry.digest:
            return self._fault(FaultKind.EDITED, entry, f"the record {entry.record_id} was changed: its digest does not fit")
        return None

    def _attest(self, entry: Entry) -> Fault | None:
        for checkpoint in self._ahead.pop(entry.seq, ()):
            if not is_signed(checkpoint, self._keys):
                return self._forged(checkpoint)
            if checkpoint.hash != entry.hash:
                first = self.attested + 1
                changed = f"something among entries {first} to {entry.seq} was rewritten"
                message = f"the chain contradicts the checkpoint of {checkpoint.signed_at}: {changed}"
                return Fault(FaultKind.REWRITTEN, self.tenant, first, "", message)
            self.attested = entry.seq
            self.count = replace(self.count, checkpoints=self.count.checkpoints + 1)
        return None

    def _out_of_order(self, entry: Entry, expected: int) -> Fault:
        if entry.seq > expected:
            missing = f"entry {expected} is" if entry.seq == expected + 1 else f"entries {expected} to {entry.seq - 1} are"
            return Fault(FaultKind.DELETED, self.tenant, expected, "", f"{missing} missing")
        return self._fault(FaultKind.REORDERED, entry, f"entry {entry.seq} stands where {expected} belongs")

    def _forged(self, checkpoint: Checkpoint) -> Fault:
        known = checkpoint.key_id in self._keys
        reason = "its signature does not fit" if known else f"its key {checkpoint.key_id} is not trusted"
        message = f"the checkpoint at {checkpoint.seq} does not count: {reason}"
        return Fault(FaultKind.FORGED, self.tenant, checkpoint.seq, "", message)

    def _fault(self, kind: FaultKind, entry: Entry, message: str) -> Fault:
        return Fault(kind, self.tenant, entry.seq, entry.record_id, message)
