"""What is hashed and signed, byte for byte. Pure; the format is described in docs/audit.md and must not change silently."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from app.audit_chain.contracts import Checkpoint, Entry

FORMAT: Final = 1
GENESIS: Final = "0" * 64
_ENTRY: Final = "plumbline-audit-entry-1"
_CHECKPOINT: Final = "plumbline-audit-checkpoint-1"


def canonical(document: object) -> bytes:
    """JSON with sorted keys and no white space, in UTF-8: equal documents give equal bytes. TypeError for no JSON."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    # Half a surrogate pair is legal in JSON text and has no UTF-8 form.
    return text.encode("utf-8", "surrogatepass")


def digest_of(record: Mapping[str, Any]) -> str:
    """The SHA-256 of a record."""
    return hashlib.sha256(canonical(record)).hexdigest()


def hash_of(entry: Entry) -> str:
    """The hash that belongs into the entry: of everything else in it, the hash before it included."""
    parts = [
        _ENTRY, entry.tenant, entry.seq, entry.kind, entry.record_id, entry.project_id,
        entry.record_time, entry.sealed_at, entry.digest, entry.previous,
    ]  # fmt: skip
    return hashlib.sha256(canonical(parts)).hexdigest()


def checkpoint_message(checkpoint: Checkpoint) -> bytes:
    """What the signature of a checkpoint covers."""
    parts = [_CHECKPOINT, checkpoint.tenant, checkpoint.seq, checkpoint.hash, checkpoint.signed_at, checkpoint.key_id]
    return canonical(parts)
