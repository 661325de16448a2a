"""Each kind of tampering is found at the first row it touched."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.audit_chain import signing
from app.audit_chain.contracts import Absence, Fault, FaultKind, Link
from app.audit_chain.verification import ChainVerifier
from tests.unit.audit_chain.chains import TENANT, chain_of, checkpoint_at, rewritten

KEY = signing.make_key()
KEYS = {KEY.key_id: KEY.public_text}


def walk(links, checkpoints=(), keys=KEYS, **start) -> Fault | None:
    verifier = ChainVerifier(TENANT, checkpoints, keys, **start)
    for link in links:
        fault = verifier.feed(link)
        if fault is not None:
            return fault
    return verifier.finish()


@pytest.fixture
def links():
    return chain_of(10)


@pytest.fixture
def checkpoints(links):
    return [checkpoint_at(links[3], KEY), checkpoint_at(links[9], KEY)]


def test_an_untouched_chain_holds_and_everything_is_counted(links, checkpoints):
    verifier = ChainVerifier(TENANT, checkpoints, KEYS)
    assert all(verifier.feed(link) is None for link in links)
    assert verifier.finish() is None
    assert (verifier.count.entries, verifier.count.checkpoints, verifier.count.absent) == (10, 2, 0)


def test_an_edited_record_is_found_at_its_entry(links, checkpoints):
    links[4] = Link(links[4].entry, {**links[4].record, "value": 9})
    fault = walk(links, checkpoints)
    assert (fault.kind, fault.seq, fault.record_id) == (FaultKind.EDITED, 5, "r5")


@pytest.mark.parametrize(
    "field", ["kind", "record_id", "project_id", "record_time", "sealed_at", "digest", "previous", "hash", "tenant"]
)
def test_every_edited_field_of_an_entry_is_found(links, checkpoints, field):
    links[4] = replace(links[4], entry=replace(links[4].entry, **{field: "x"}))
    fault = walk(links, checkpoints)
    assert (fault.kind, fault.seq) == (FaultKind.EDITED, 5)


def test_a_deleted_entry_is_found_as_the_number_that_is_missing(links, checkpoints):
    del links[4]
    fault = walk(links, checkpoints)
    assert (fault.kind, fault.seq) == (FaultKind.DELETED, 5)


def test_a_deleted_record_is_found_although_its_entry_stands(links, checkpoints):
    links[4] = Link(links[4].entry, None)
    fault = walk(links, checkpoints)
    assert (fault.kind, fault.seq) == (FaultKind.DELETED, 5)


def test_a_repeated_entry_is_out_of_order(links, checkpoints):
    fault = walk([*links[:5], links[2], *links[5:]], checkpoints)
    assert (fault.kind, fault.seq) == (FaultKind.REORDERED, 3)


def test_records_that_changed_places_are_found_at_the_first_of_them(links, checkpoints):
    links[3], links[6] = Link(links[3].entry, links[6].record), Link(links[6].entry, links[3].record)
    fault = walk(links, checkpoints)
    assert (fault.kind, fault.seq) == (FaultKind.EDITED, 4)


def test_a_cut_tail_is_found_by_the_checkpoint_beyond_it(links, checkpoints):
    fault = walk(links[:6], checkpoints)
    assert (fault.kind, fault.seq) == (FaultKind.CUT, 7)


def test_a_chain_that_is_gone_altogether_is_cut_from_the_start(checkpoints):
    fault = walk([], checkpoints)
    assert (fault.kind, fault.seq) == (FaultKind.CUT, 1)


def test_a_cut_that_takes_its_checkpoints_along_cannot_be_found_without_an_outside_copy(links, checkpoints):
    assert walk(links[:6], checkpoints[:1]) is None
    assert walk(links[:6], checkpoints).kind is FaultKind.CUT


def test_a_chain_that_was_made_anew_contradicts_the_first_checkpoint_behind_the_change(links, checkpoints):
    links[4] = Link(links[4].entry, {**links[4].record, "value": 9})
    fault = walk(rewritten(links), checkpoints)
    assert (fault.kind, fault.seq) == (FaultKind.REWRITTEN, 5)


def test_a_checkpoint_signed_by_a_strange_key_does_not_count(links, checkpoints):
    strange = signing.make_key()
    fault = walk(links, [checkpoint_at(links[3], strange)])
    assert (fault.kind, fault.seq) == (FaultKind.FORGED, 4)


def test_a_checkpoint_under_a_known_name_with_another_keys_signature_does_not_count(links):
    forged = replace(checkpoint_at(links[3], signing.make_key()), key_id=KEY.key_id)
    assert walk(links, [forged]).kind is FaultKind.FORGED
    assert walk(links, [replace(forged, signature="not base64")]).kind is FaultKind.FORGED


def test_a_record_that_may_be_missing_is_counted_and_no_fault(links, checkpoints):
    links[4] = Link(links[4].entry, Absence.EXPIRED)
    verifier = ChainVerifier(TENANT, checkpoints, KEYS)
    assert all(verifier.feed(link) is None for link in links)
    assert verifier.count.absent == 1


def test_a_walk_in_two_parts_finds_what_one_walk_finds(links, checkpoints):
    first = ChainVerifier(TENANT, checkpoints, KEYS)
    assert all(first.feed(link) is None for link in links[:6])
    start = {"seq": first.seq, "hash": first.hash, "attested": first.attested}
    assert walk(links[6:], checkpoints, **start) is None
    fault = walk(links[6:8], checkpoints, **start)
    assert (fault.kind, fault.seq) == (FaultKind.CUT, 9)


def test_equal_records_give_one_digest_whatever_the_order_of_their_keys():
    from app.audit_chain.hashing import digest_of

    assert digest_of({"a": 1, "b": {"c": 2, "d": 3}}) == digest_of({"b": {"d": 3, "c": 2}, "a": 1})
    assert digest_of({"a": 1}) != digest_of({"a": "1"})


def test_a_key_survives_being_sealed_and_its_public_half_is_read_as_base64_and_pem():
    from cryptography.hazmat.primitives import serialization

    again = signing.open_key(KEY.private_text)
    assert again.key_id == KEY.key_id == signing.key_id_of(KEY.public_text)
    pem = KEY.private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert signing.public_texts(pem.decode()) == signing.public_texts(f"# ours\n{KEY.public_text}\n") == [KEY.public_text]
    for wrong in ("", "abc", "AAAA"):
        with pytest.raises(ValueError):
            signing.public_texts(wrong)
