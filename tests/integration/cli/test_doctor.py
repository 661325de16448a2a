"""`plumbline doctor` on real databases: what it says and how it ends."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from app.cli.main import app
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import engine_for, session_scope
from app.kernel.settings import get_settings
from app.migrations import upgrade
from app.preferences import repository
from app.runtime_file import DataFolderLock, RuntimeRecord, write_runtime_record
from tests.api.alerting.workbench import make_alert_world
from tests.oidc_provider import stand_in


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PLUMBLINE_DATA_DIR", str(tmp_path))
    for name in ("PLUMBLINE_DATABASE_URL", "PLUMBLINE_EVENTSTORE_URL", "PLUMBLINE_STORE_PORT", "PLUMBLINE_STORE_SECRET"):
        monkeypatch.delenv(name, raising=False)
    get_settings.cache_clear()
    yield tmp_path
    get_settings.cache_clear()


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
        "settings": "ok",
        "scheduler": "notice",
        "alerts": "ok",
        "event_store": "notice",
        "mail": "ok",
        "single_sign_on": "ok",
        "disk": "ok",
        "geo_data": "notice",
    }


def test_destinations_that_could_not_be_reached_are_a_notice_by_name(folder):
    upgrade(url(folder))
    with session_scope(engine_for(url(folder))) as session:
        make_alert_world(session)
        make_alert_world(session)
    assert examined(0)["alerts"] == "notice"
    told = CliRunner().invoke(app, ["doctor"]).stdout
    assert "the newest delivery failed at 2 destinations: Team, Team; 2 given up in the last 7 days" in told
    assert "hooks.slack.com" not in told


def test_it_sees_what_owners_changed_in_the_product(folder):
    upgrade(url(folder))
    with session_scope(engine_for(url(folder))) as session:
        repository.store(session, "ai_model", '"small"', None, SYSTEM_CLOCK.now())
    assert "changed in the product: ai_model" in CliRunner().invoke(app, ["doctor"]).stdout

    with session_scope(engine_for(url(folder))) as session:
        repository.store(session, "session_ttl_hours", "0", None, SYSTEM_CLOCK.now())
    assert examined(0)["settings"] == "notice"

    with session_scope(engine_for(url(folder))) as session:
        repository.store(session, "smtp_password", "sealed with a key that is gone", None, SYSTEM_CLOCK.now())
        repository.remove(session, ["session_ttl_hours"])
    assert examined(1)["settings"] == "failed"


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


def test_it_asks_the_sign_in_provider(folder, monkeypatch):
    upgrade(url(folder))
    with stand_in("http://127.0.0.1:8000/session/oidc/callback") as provider:
        for name, value in {"OUTBOUND_ALLOW": "127.0.0.1", "OIDC_ISSUER": provider.url, "OIDC_CLIENT_ID": "plumbline"}.items():
            monkeypatch.setenv(f"PLUMBLINE_{name}", value)
        get_settings.cache_clear()
        assert examined(0)["single_sign_on"] == "ok"
        assert "register there is http://127.0.0.1:8000/session/oidc/callback" in CliRunner().invoke(app, ["doctor"]).stdout

        provider.breaks.add("/jwks")
        assert examined(1)["single_sign_on"] == "failed"
        assert "the provider cannot be used: keys: status 500" in CliRunner().invoke(app, ["doctor"]).stdout


def test_mail_whose_links_lead_nowhere_is_noticed(folder, monkeypatch):
    upgrade(url(folder))
    monkeypatch.setenv("PLUMBLINE_SMTP_HOST", "mail.example.com")
    get_settings.cache_clear()
    assert examined(0)["mail"] == "notice"
    assert "set PLUMBLINE_PUBLIC_URL" in CliRunner().invoke(app, ["doctor"]).stdout

    monkeypatch.setenv("PLUMBLINE_PUBLIC_URL", "https://plumbline.example.com")
    get_settings.cache_clear()
    assert examined(0)["mail"] == "ok"
