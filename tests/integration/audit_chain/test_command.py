"""`plumbline audit`: export, verification of the file and of the instance, the anchor, and the exit codes."""

from __future__ import annotations

import json
import stat

import pytest
from sqlmodel import select
from typer.testing import CliRunner

from app.cli.main import app
from app.eventstore.service import set_event_store
from app.kernel.database import session_scope
from models.audit_chain import AuditChainEntry, AuditCheckpoint
from models.identity import AuditEntry
from tests.integration.audit_chain.conftest import note, seal, send


def run(*arguments):
    return CliRunner().invoke(app, ["audit", *map(str, arguments)])


@pytest.fixture
def sealed(watched):
    send(watched.bucket, 3)
    note(slug=watched.slug)
    note("user.update_role", password="never shown", name="ana")
    seal()
    return watched


@pytest.fixture
def file(sealed, tmp_path):
    path = tmp_path / "audit.jsonl"
    assert run("export", "--all", path).exit_code == 0
    return path


def test_an_export_verifies_without_the_instance(file, sealed):
    set_event_store(None)
    result = run("verify", file, "--json")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert (report["intact"], report["entries"], report["checkpoints"], report["fault"]) == (True, 5, 2, None)
    assert "Intact." in run("verify", file).stdout
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_an_export_holds_records_keys_and_checkpoints_and_no_secret(file):
    lines = [json.loads(line) for line in file.read_bytes().splitlines()]
    assert [line["type"] for line in lines] == ["header", "key", "checkpoint", "checkpoint", *["entry"] * 5, "end"]
    assert "never shown" not in file.read_text()
    assert {line["record"]["properties"]["metrics"]["price"] for line in lines if line.get("kind") == "ingested"} == {3.3}


def test_tampering_with_the_file_is_told_with_its_place_and_exit_code_three(file):
    file.write_text(file.read_text().replace("10.0.0.1", "10.0.0.9", 1))
    result = run("verify", file, "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["fault"]["kind"] == "edited"
    assert "TAMPERED: edited at entry" in run("verify", file).stdout


def test_an_export_of_one_project_withholds_what_belongs_to_others(sealed, tmp_path):
    path = tmp_path / "one.jsonl"
    assert run("export", "--project", sealed.slug, path).exit_code == 0
    entries = [json.loads(line) for line in path.read_bytes().splitlines() if b'"type":"entry"' in line]
    assert all(entry["project_id"] == sealed.bucket.project_id and "record" in entry for entry in entries)
    assert run("verify", path).exit_code == 0


def test_the_instance_itself_is_verified(sealed):
    assert run("verify").exit_code == 0
    with session_scope() as session:
        session.execute(AuditEntry.__table__.update().values(actor_email="x"))
    result = run("verify", "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["fault"]["kind"] == "edited"


def test_the_anchor_finds_what_was_cut_together_with_its_checkpoints(sealed, tmp_path):
    anchor = tmp_path / "anchor.jsonl"
    anchor.write_bytes(run("anchor").stdout_bytes)
    assert run("verify", "--anchor", anchor).exit_code == 0
    with session_scope() as session:
        session.execute(AuditChainEntry.__table__.delete())
        session.execute(AuditCheckpoint.__table__.delete())
    assert run("verify").exit_code == 0
    assert run("verify", "--anchor", anchor).exit_code == 3


def test_only_a_trusted_key_counts(file, tmp_path):
    key = json.loads(file.read_bytes().splitlines()[1])["public_key"]
    (tmp_path / "key").write_text(key)
    assert run("verify", file, "--public-key", key).exit_code == 0
    assert run("verify", file, "--public-key", tmp_path / "key").exit_code == 0
    assert run("verify", file, "--public-key", "A" * 43 + "=").exit_code == 3
    assert run("verify", file, "--public-key", "nonsense").exit_code == 2


def test_wrong_usage_and_files_that_are_no_export_have_their_own_codes(sealed, tmp_path):
    (tmp_path / "other").write_text("hello\n")
    assert run("export", tmp_path / "x").exit_code == 2
    assert run("export", "--all", "--project", sealed.slug, tmp_path / "x").exit_code == 2
    assert run("verify", tmp_path / "other").exit_code == 1
    assert run("verify", tmp_path / "absent").exit_code == 1
    assert run("verify", "--anchor", tmp_path / "absent").exit_code == 2
    assert run("export", "--all", tmp_path / "no" / "folder").exit_code == 1
    assert not list(tmp_path.glob(".x*"))


def test_an_export_is_noted_in_the_own_trail(file, sealed, tmp_path):
    run("export", "--project", sealed.slug, tmp_path / "one")
    with session_scope(write=False) as session:
        noted = [row for row in session.exec(select(AuditEntry)).all() if row.action == "audit.export"]
    assert sorted(row.project_slug or "" for row in noted) == ["", sealed.slug]
