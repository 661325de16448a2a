"""What the settings page shows and stores."""

from __future__ import annotations

import pytest

from app.identity.contracts import Actor, UserRole
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.kernel.errors import Forbidden, InvalidInput, NotFound
from app.kernel.settings import entries, get_settings
from app.preferences.pages.settings_view import reset_setting, save_setting, settings_view, take_effect
from app.preferences.tree import Origin, list_settings

OWNER = Actor(None, "owner@example.com", "Olive", UserRole.OWNER)
EDITOR = Actor(None, "editor@example.com", "Edda", UserRole.EDITOR)


def save(engine, name, text):
    with session_scope(engine) as session:
        save_setting(session, OWNER, name, text, SYSTEM_CLOCK.now())
    with session_scope(engine, write=False) as session:
        take_effect(session, OWNER)


def line(engine, name):
    with session_scope(engine, write=False) as session:
        return next(line for line in list_settings(session, OWNER) if line.name == name)


def test_every_variable_of_the_environment_is_there_once(engine):
    with session_scope(engine, write=False) as session:
        variables = [line.variable for line in list_settings(session, OWNER) if line.variable]
    assert sorted(variables) == sorted(entry.variable for entry in entries())


def test_a_value_says_whether_it_is_a_default_from_the_environment_or_changed_here(engine, monkeypatch):
    assert line(engine, "session_ttl_hours").origin is Origin.DEFAULT
    monkeypatch.setenv("PLUMBLINE_SESSION_HOURS", "24")
    assert (line(engine, "session_ttl_hours").origin, line(engine, "session_ttl_hours").value) == (Origin.ENVIRONMENT, 24)

    save(engine, "session_ttl_hours", "12")

    assert (line(engine, "session_ttl_hours").origin, line(engine, "session_ttl_hours").value) == (Origin.OVERRIDE, 12)
    assert get_settings().security.session_hours == 12
    with session_scope(engine) as session:
        reset_setting(session, OWNER, "session_ttl_hours")
    assert line(engine, "session_ttl_hours").origin is Origin.ENVIRONMENT


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("session_ttl_hours", "soon", "valid integer"),
        ("session_ttl_hours", "0", "greater than or equal to 1"),
        ("session_ttl_hours", "9000", "less than or equal to 8760"),
        ("smtp_port", "70000", "less than or equal to 65535"),
        ("ai_base_url", "ftp://model", "http"),
        ("ai_api_key", "", "reset"),
        ("photo_storage_backend", "gcs", "other settings"),
        ("describe_system_prompt", "", "at least 1"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_at_its_setting(engine, name, text, words):
    with pytest.raises(InvalidInput, match=words) as refused:
        save(engine, name, text)
    assert refused.value.field == name


def test_what_cannot_be_set_is_not_there(engine):
    with pytest.raises(NotFound):
        save(engine, "data_dir", "/elsewhere")


def test_a_secret_is_never_shown(engine):
    save(engine, "smtp_password", "hunter-2-hunter-2")
    with session_scope(engine, write=False) as session:
        view = settings_view(session, OWNER, "smtp_password", "")
    [row] = [row for part in view.sections for row in part.rows]
    assert (row.shown, row.entered, row.control, row.origin) == ("set, not shown", "", "sealed", "changed here")
    assert "hunter" not in repr(view)


def test_search_and_scope_narrow_the_tree(engine):
    save(engine, "ai_model", "small")

    def names(query, scope=""):
        with session_scope(engine, write=False) as session:
            view = settings_view(session, OWNER, query, scope)
        return [row.name for part in view.sections for row in part.rows]

    assert names("", "changed") == ["ai_model"]
    assert names("mail account") == ["smtp_username", "smtp_password"]
    assert names("PLUMBLINE_JOBS") == ["jobs_enabled"]
    assert "hsts_enabled" in names("") and "hsts_enabled" not in names("", "changeable")
    assert names("no such thing") == []


def test_keys_that_change_nothing_here_say_so(engine):
    assert line(engine, "hsts_enabled").is_kept_only and "does not act" in line(engine, "hsts_enabled").note
    assert not line(engine, "data_dir").is_changeable
    assert not line(engine, "ask_system_prompt").is_kept_only


def test_a_stored_value_that_no_longer_fits_is_told_and_does_not_hold(engine, monkeypatch):
    save(engine, "session_ttl_hours", "12")
    from app.preferences import catalogue
    from app.preferences.catalogue import SettingKey

    broken = SettingKey("security", "session_ttl_hours", ("security", "session_hours"), written=lambda _: "0")
    monkeypatch.setitem(catalogue.KEYS, "session_ttl_hours", broken)
    assert "greater than or equal to 1" in line(engine, "session_ttl_hours").note
    assert line(engine, "session_ttl_hours").value == 168


def test_only_owners_look_and_change(engine):
    with session_scope(engine) as session:
        with pytest.raises(Forbidden):
            settings_view(session, EDITOR, "", "")
        with pytest.raises(Forbidden):
            save_setting(session, EDITOR, "ai_model", "small", SYSTEM_CLOCK.now())
        with pytest.raises(Forbidden):
            take_effect(session, EDITOR)
