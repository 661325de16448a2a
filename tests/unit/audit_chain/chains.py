"""Chains made for tests, without a database."""

from __future__ import annotations

from dataclasses import replace

from app.audit_chain import signing
from app.audit_chain.contracts import Checkpoint, Entry, Link
from app.audit_chain.hashing import GENESIS, digest_of, hash_of

TENANT = "tenant_a"
TIME = "2026-11-25T14:00:00.000000Z"


def linked(entry: Entry, previous: str) -> Entry:
    """The entry behind that hash, with its own hash."""
    bare = replace(entry, previous=previous, hash="")
    return replace(bare, hash=hash_of(bare))


def chain_of(count: int, tenant: str = TENANT) -> list[Link]:
    """That many entries with their records."""
    previous, found = GENESIS, []
    for seq in range(1, count + 1):
        record = {"id": f"r{seq}", "value": seq / 7, "text": "größer \u2028 \ud83d"}
        entry = linked(Entry(tenant, seq, "own", f"r{seq}", "", TIME, TIME, digest_of(record), "", ""), previous)
        previous = entry.hash
        found.append(Link(entry, record))
    return found


def checkpoint_at(link: Link, key: signing.SigningKey) -> Checkpoint:
    """A signed checkpoint at the entry."""
    return key.signed(Checkpoint(link.entry.tenant, link.entry.seq, link.entry.hash, TIME, "", ""))


def rewritten(links: list[Link]) -> list[Link]:
    """The same records with every hash made anew, as somebody would who can write the table and has no key."""
    previous, found = GENESIS, []
    for seq, link in enumerate(links, 1):
        assert isinstance(link.record, dict)
        entry = linked(replace(link.entry, seq=seq, digest=digest_of(link.record)), previous)
        previous = entry.hash
        found.append(Link(entry, link.record))
    return found
