"""An export, tampered with line by line, without an instance."""

from __future__ import annotations

import json

import pytest

from app.audit_chain import signing
from app.audit_chain.contracts import Absence, FaultKind, Link
from app.audit_chain.export_file import Anchor, Head, NotAnExport, Scope, anchor_of, checkpoint_line, key_line, written
from app.audit_chain.file_verification import KEYS_FROM_FILE, verify
from app.audit_chain.hashing import canonical
from tests.unit.audit_chain.chains import TENANT, TIME, chain_of, checkpoint_at, rewritten

KEY = signing.make_key()
KEYS = {KEY.key_id: KEY.public_text}
OTHER = "tenant_b"
FIRST_ENTRY = 5  # header, key, two checkpoints of the first tenant, one of the second


def scope_of(*chains, **more) -> Scope:
    heads = {chain[0].entry.tenant: Head(len(chain), chain[-1].entry.hash) for chain in chains}
    return Scope(TIME, heads, retention_days=30, **more)


@pytest.fixture
def chains():
    return chain_of(8), chain_of(3, OTHER)


def lines_of(chains, scope=None, key=KEY):
    checkpoints = [checkpoint_at(chains[0][3], key), checkpoint_at(chains[0][7], key), checkpoint_at(chains[1][2], key)]
    scope = scope or scope_of(*chains)
    return list(written(scope, key, {key.key_id: key.public_text}, checkpoints, [link for chain in chains for link in chain]))


@pytest.fixture
def lines(chains):
    return lines_of(chains)


def changed(line: bytes, **values) -> bytes:
    return canonical({**json.loads(line), **values}) + b"\n"


def fault_of(lines, anchor=None):
    return verify(lines, anchor).fault


def test_an_untouched_export_is_intact_and_says_whose_keys_it_trusts(lines):
    report = verify(lines)
    assert report.is_intact
    assert (report.tenants, report.count.entries, report.count.checkpoints) == (2, 11, 3)
    assert report.notes == (KEYS_FROM_FILE,)
    assert verify(lines, Anchor(KEYS)).notes == ()


def test_an_edited_record_is_found_at_its_line(lines):
    lines[FIRST_ENTRY + 4] = changed(lines[FIRST_ENTRY + 4], record={"id": "r5", "value": 0})
    fault = fault_of(lines)
    assert (fault.kind, fault.tenant, fault.seq) == (FaultKind.EDITED, TENANT, 5)


def test_a_deleted_line_is_found_as_the_entry_that_is_missing(lines):
    del lines[FIRST_ENTRY + 4]
    fault = fault_of(lines)
    assert (fault.kind, fault.seq) == (FaultKind.DELETED, 5)


def test_the_first_of_several_changes_is_the_one_that_is_told(lines):
    del lines[FIRST_ENTRY + 6]
    lines[FIRST_ENTRY + 2] = changed(lines[FIRST_ENTRY + 2], record={})
    assert (fault_of(lines).kind, fault_of(lines).seq) == (FaultKind.EDITED, 3)


def test_two_lines_that_changed_places_are_reordered_not_deleted(lines):
    at = FIRST_ENTRY + 3
    lines[at], lines[at + 2] = lines[at + 2], lines[at]
    fault = fault_of(lines)
    assert (fault.kind, fault.seq, fault.record_id) == (FaultKind.REORDERED, 4, "r4")


@pytest.mark.parametrize("kept", range(FIRST_ENTRY, FIRST_ENTRY + 11))
def test_a_file_cut_anywhere_is_found_with_the_first_row_it_lacks(lines, kept):
    fault = fault_of(lines[:kept])
    assert fault.kind is FaultKind.CUT
    seen = kept - FIRST_ENTRY
    assert (fault.tenant, fault.seq) == ((TENANT, seen + 1) if seen < 8 else (OTHER, seen - 7))


def test_a_cut_tail_is_found_also_when_its_checkpoints_and_the_last_line_are_mended(chains, lines):
    del lines[FIRST_ENTRY + 10]  # the last entry
    del lines[4]  # its checkpoint
    fault = fault_of(lines)
    assert (fault.kind, fault.tenant, fault.seq) == (FaultKind.CUT, OTHER, 3)


def test_a_file_without_its_last_line_is_cut(lines):
    assert fault_of(lines[:-1]).kind is FaultKind.CUT


def test_a_changed_header_is_found(lines):
    lines[0] = changed(lines[0], heads={TENANT: {"seq": 3, "hash": "0" * 64}})
    assert fault_of(lines).kind is FaultKind.FORGED


def test_a_chain_made_anew_contradicts_the_signatures(chains):
    links = [*chains[0]]
    links[4] = Link(links[4].entry, {"id": "r5", "value": 0})
    honest = lines_of(chains)
    forged = list(written(scope_of(*chains), KEY, KEYS, [], [*rewritten(links), *chains[1]]))
    fault = fault_of([*honest[:FIRST_ENTRY], *forged[2:]])
    assert (fault.kind, fault.seq) == (FaultKind.REWRITTEN, 5)


def test_a_whole_export_made_with_another_key_passes_alone_and_fails_against_the_key_kept_outside(chains):
    forged = lines_of(chains, key=signing.make_key())
    assert verify(forged).is_intact
    assert fault_of(forged, Anchor(KEYS)).kind is FaultKind.FORGED


def test_an_older_export_is_found_by_a_checkpoint_kept_outside(chains):
    older = (chains[0][:4], chains[1])
    lines = list(written(scope_of(*older), KEY, KEYS, [], [link for chain in older for link in chain]))
    assert verify(lines).is_intact
    kept = b"".join(
        canonical(line) + b"\n"
        for line in (key_line(KEY.key_id, KEY.public_text), checkpoint_line(checkpoint_at(chains[0][7], KEY)))
    )
    fault = fault_of(lines, anchor_of(kept.splitlines()))
    assert (fault.kind, fault.tenant, fault.seq) == (FaultKind.CUT, TENANT, 5)


def test_records_of_other_projects_may_be_withheld_and_those_of_the_project_may_not(chains):
    links = [Link(link.entry, Absence.WITHHELD) for link in chains[0]]
    scope = scope_of(links, project="shop", project_id="project-1")
    report = verify(list(written(scope, KEY, KEYS, [], links)))
    assert report.is_intact
    assert report.count.absent == 8
    everything = list(written(scope_of(links), KEY, KEYS, [], links))
    assert fault_of(everything).kind is FaultKind.DELETED


def test_a_record_does_not_pass_as_expired_or_removed_unless_the_signed_header_allows_it(lines):
    for reason in ("expired", "removed", "withheld", "other"):
        value = {**json.loads(lines[FIRST_ENTRY]), "absent": reason}
        del value["record"]
        fault = fault_of([*lines[:FIRST_ENTRY], canonical(value) + b"\n", *lines[FIRST_ENTRY + 1 :]])
        assert (fault.kind, fault.seq) == (FaultKind.DELETED, 1)


@pytest.mark.parametrize(
    "line", [b"{not json\n", b"[]\n", b'{"type":"entry"}\n', b'{"type":"strange"}\n', b"\xff\xfe\n", b'{"type":"key"}\n']
)
def test_a_line_that_does_not_belong_there_is_an_edit(lines, line):
    assert fault_of([*lines[:7], line, *lines[7:]]).kind is FaultKind.EDITED
    assert fault_of([*lines, line]).kind is FaultKind.EDITED


@pytest.mark.parametrize(
    "start", [[], [b"\n"], [b'{"type":"entry"}\n'], [b'{"type":"header","format":2}\n'], [b'{"type":"header","format":1}\n']]
)
def test_what_is_no_export_is_refused(start):
    with pytest.raises(NotAnExport):
        verify(start)


def test_an_anchor_without_a_key_or_with_a_broken_line_is_refused():
    for text in (b"", b"x", b'{"type":"checkpoint"}'):
        with pytest.raises(NotAnExport):
            anchor_of(text.splitlines())


def test_white_space_and_the_order_of_keys_do_not_matter_to_records_but_to_the_file(lines):
    value = json.loads(lines[FIRST_ENTRY])
    lines[FIRST_ENTRY] = json.dumps(dict(reversed(value.items()))).encode() + b"\n"
    fault = fault_of(lines)
    assert fault.kind is FaultKind.EDITED
    assert "not as it was exported" in fault.message


def test_an_added_entry_is_found(chains, lines):
    last = chains[0][7].entry
    lines.insert(FIRST_ENTRY + 8, changed(lines[FIRST_ENTRY], seq=9, previous=last.hash, hash=last.hash))
    fault = fault_of(lines)
    assert (fault.kind, fault.seq) == (FaultKind.EDITED, 9)
