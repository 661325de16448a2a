from pathlib import Path

import pytest

from app.kernel.settings import SettingsError, entries, load_settings, unknown_variables

STRONG = "a-long-random-secret-for-this-test-0001"
README = Path(__file__).parents[3] / "README.md"


def test_the_defaults_need_nothing_from_the_environment(tmp_path: Path) -> None:
    settings = load_settings({"PLUMBLINE_DATA_DIR": str(tmp_path)})
    assert settings.runtime.port == 8000
    assert settings.database_url_resolved == f"sqlite:///{tmp_path / 'plumbline.db'}"
    assert settings.eventstore_is_embedded


def test_all_faults_are_reported_together() -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings({"PLUMBLINE_PORT": "seventy", "PLUMBLINE_ENVIRONMENT": "staging", "PLUMBLINE_LOG_LEVEL": "loud"})
    text = "\n".join(raised.value.faults)
    assert len(raised.value.faults) == 3
    for name in ("PLUMBLINE_PORT", "PLUMBLINE_ENVIRONMENT", "PLUMBLINE_LOG_LEVEL"):
        assert name in text


@pytest.mark.parametrize("value", ["", "changeme", "short"])
def test_production_refuses_missing_placeholder_and_short_secrets(value: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings({"PLUMBLINE_ENVIRONMENT": "production", "PLUMBLINE_SECRET_KEY": value, "PLUMBLINE_ENCRYPTION_KEYS": value})
    assert [fault.split(":")[0] for fault in raised.value.faults] == ["PLUMBLINE_SECRET_KEY", "PLUMBLINE_ENCRYPTION_KEYS"]


def test_production_starts_with_own_secrets_read_from_files(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(STRONG + "\n")
    settings = load_settings(
        {
            "PLUMBLINE_ENVIRONMENT": "production",
            "PLUMBLINE_SECRET_KEY_FILE": str(secret),
            "PLUMBLINE_ENCRYPTION_KEYS": f"{STRONG}x, {STRONG}y",
        }
    )
    assert settings.secret_key() == STRONG
    assert settings.encryption_keys() == [f"{STRONG}x", f"{STRONG}y"]


def test_an_unreadable_secret_file_is_named() -> None:
    with pytest.raises(SettingsError, match="PLUMBLINE_SECRET_KEY_FILE: cannot read /nowhere/secret"):
        load_settings({"PLUMBLINE_SECRET_KEY_FILE": "/nowhere/secret"})


def test_outside_production_a_secret_is_made_once_and_kept(tmp_path: Path) -> None:
    first = load_settings({"PLUMBLINE_DATA_DIR": str(tmp_path)})
    second = load_settings({"PLUMBLINE_DATA_DIR": str(tmp_path)})
    assert first.secret_key() == second.secret_key()
    assert first.secret_key() != first.encryption_keys()[0]
    assert (tmp_path / "secrets" / "secret_key").stat().st_mode & 0o077 == 0


def test_a_mistyped_variable_is_noticed() -> None:
    assert unknown_variables({"PLUMBLINE_PROT": "1", "PLUMBLINE_PORT": "1", "PLUMBLINE_SECRET_KEY_FILE": "x", "PATH": ""}) == [
        "PLUMBLINE_PROT"
    ]


def test_secrets_do_not_show_when_settings_are_printed() -> None:
    settings = load_settings({"PLUMBLINE_SECRET_KEY": STRONG, "PLUMBLINE_DATABASE_URL": "postgresql://u:hidden@h/d"})
    assert STRONG not in repr(settings)
    assert "hidden" not in repr(settings)


def test_the_readme_documents_every_setting_with_its_default() -> None:
    rows = {
        cells[1]: cells[2]
        for line in README.read_text().splitlines()
        if len(cells := [cell.strip() for cell in line.split("|")]) == 5
    }

    documented = {entry.variable: rows.get(f"`{entry.variable}`") for entry in entries()}

    assert documented == {entry.variable: f"`{entry.default}`" if entry.default else "" for entry in entries()}
