"""`plumbline doctor` on real databases: what it says and how it ends."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from app.cli.main import app
from app.migrations import upgrade
from app.runtime_file import DataFolderLock, RuntimeRecord, write_runtime_record


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PLUMBLINE_DATA_DIR", str(tmp_path))
    for name in ("PLUMBLINE_DATABASE_URL", "PLUMBLINE_EVENTSTORE_URL", "PLUMBLINE_STORE_PORT", "PLUMBLINE_STORE_SECRET"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def url(folder) -> str:
    return f"sqlite:///{folder / 'plumbline.db'}"


def examined(code: int) -> dict[str, str]:
    result = CliRunner().invoke(app, ["doctor", "--json"])
    assert result.exit_code == code, result.output
    report = json.loads(result.stdout)
    assert report["healthy"] is (code == 0)
    return {check["check"]: check["state"] for check in report["checks"]}


def test_without_a_database_it_fails_and_makes_none(folder):
    assert examined(1)["database"] == "failed"
    assert list(folder.iterdir()) == []


def test_a_migrated_instance_that_does_not_run_is_healthy_with_notices(folder):
    upgrade(url(folder))
    assert examined(0) == {
        "database": "ok",
        "migrations": "ok",
        "scheduler": "notice",
        "event_store": "notice",
        "disk": "ok",
        "geo_data": "notice",
    }


def test_a_database_of_an_unfinished_migration_fails(folder):
    upgrade(url(folder), "+1")
    assert examined(1)["migrations"] == "failed"


def test_too_little_disk_fails(folder, monkeypatch):
    upgrade(url(folder))
    monkeypatch.setenv("PLUMBLINE_MIN_FREE_DISK_BYTES", str(2**62))
    assert examined(1)["disk"] == "failed"


def test_a_running_instance_without_store_and_worker_fails(folder):
    upgrade(url(folder))
    with DataFolderLock(folder):
        # Port 1 is never served here: the store of this instance has died.
        write_runtime_record(folder, RuntimeRecord(1, "http://127.0.0.1:1", "http://127.0.0.1:1", 1, "s" * 40))
        states = examined(1)
    assert (states["scheduler"], states["event_store"]) == ("failed", "failed")


def test_wrong_settings_end_with_code_two(folder, monkeypatch):
    monkeypatch.setenv("PLUMBLINE_PORT", "none")
    assert CliRunner().invoke(app, ["doctor"]).exit_code == 2
