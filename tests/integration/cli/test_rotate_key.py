"""`plumbline rotate-key` on stored secrets of several kinds."""

from __future__ import annotations

import json

import pytest
from sqlmodel import select
from typer.testing import CliRunner

from app.cli.main import app
from app.kernel.crypto import SecretBox
from app.kernel.database import session_scope
from app.kernel.settings import get_settings
from app.runtime_file import DataFolderLock
from models.preferences import SettingOverride
from models.scans import DataSource

OLD, NEW = "old-key-" + "x" * 40, "new-key-" + "y" * 40


def store_secrets(engine, keys) -> None:
    box = SecretBox(keys)
    with session_scope(engine) as session:
        session.add(DataSource(name="warehouse", db_type="postgresql", sealed_password=box.seal("swordfish")))
        session.add(DataSource(name="without", db_type="postgresql"))
        session.add(SettingOverride(name="ai.api_key", value=box.seal('"sk"')))
        session.add(SettingOverride(name="ai.model", value='"plain"'))


def opened(engine, keys) -> dict[str, str]:
    box = SecretBox(keys)
    with session_scope(engine, write=False) as session:
        source = session.exec(select(DataSource).where(DataSource.name == "warehouse")).one()
        settings = {row.name: row.value for row in session.exec(select(SettingOverride)).all()}
        assert settings["ai.model"] == '"plain"'
        return {"password": box.open(source.sealed_password or ""), "key": box.open(settings["ai.api_key"])}


def test_configured_keys_are_rotated_while_the_instance_may_run(engine, monkeypatch):
    store_secrets(engine, [OLD])
    monkeypatch.setenv("PLUMBLINE_ENCRYPTION_KEYS", f"{NEW},{OLD}")
    result = CliRunner().invoke(app, ["rotate-key", "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {"resealed": {"data_sources": 1, "setting_overrides": 1}}
    assert opened(engine, [NEW]) == {"password": "swordfish", "key": '"sk"'}


def test_one_configured_key_asks_for_a_second(engine, monkeypatch):
    monkeypatch.setenv("PLUMBLINE_ENCRYPTION_KEYS", OLD)
    result = CliRunner().invoke(app, ["rotate-key"])
    assert (result.exit_code, "PLUMBLINE_ENCRYPTION_KEYS" in result.output) == (2, True)


def test_the_instances_own_key_is_replaced(engine):
    (before,) = get_settings().encryption_keys()
    store_secrets(engine, [before])
    result = CliRunner().invoke(app, ["rotate-key"])
    assert result.exit_code == 0, result.output
    (after,) = get_settings().encryption_keys()
    assert after != before
    assert opened(engine, [after])["password"] == "swordfish"
    with pytest.raises(ValueError, match="another encryption key"):
        opened(engine, [before])


def test_a_secret_that_no_key_opens_changes_nothing(engine):
    (own,) = get_settings().encryption_keys()
    store_secrets(engine, [own])
    with session_scope(engine) as session:
        session.add(DataSource(name="lost", db_type="postgresql", sealed_password=SecretBox([OLD]).seal("x")))
    result = CliRunner().invoke(app, ["rotate-key"])
    assert (result.exit_code, "data_sources.sealed_password" in result.output) == (1, True)
    assert get_settings().encryption_keys() == [own]
    assert opened(engine, [own])["password"] == "swordfish"


def test_a_running_instance_keeps_its_own_key(engine):
    settings = get_settings()
    (before,) = settings.encryption_keys()
    with DataFolderLock(settings.data_dir):
        result = CliRunner().invoke(app, ["rotate-key"])
    assert (result.exit_code, "stop it first" in result.output) == (1, True)
    assert settings.encryption_keys() == [before]


def test_after_a_failure_nobody_can_judge_both_keys_stay(engine, monkeypatch):
    (own,) = get_settings().encryption_keys()
    store_secrets(engine, [own])

    def broken(*_arguments):
        raise ConnectionError("the answer to the commit was lost")

    monkeypatch.setattr("app.cli.rotate_key.reseal", broken)
    result = CliRunner().invoke(app, ["rotate-key"])
    assert isinstance(result.exception, ConnectionError)
    fresh, earlier = get_settings().encryption_keys()
    assert (earlier, fresh != own) == (own, True)
    assert opened(engine, [fresh, earlier])["password"] == "swordfish"
