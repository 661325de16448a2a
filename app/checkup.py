"""What `plumbline doctor` and the page on health look at.

Nothing is written: a look at a missing database does not make one.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from app.kernel.database import engine_for, session_scope
from app.kernel.errors import Unavailable
from app.kernel.settings import Settings
from app.migrations import ROOT
from app.runtime_file import read_runtime_record

_MEBIBYTE = 1024 * 1024
_MOST_NAMES = 5


class State(StrEnum):
    """How a check ended; only `failed` makes the command fail."""

    OK = "ok"
    NOTICE = "notice"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check with a sentence for the operator, free of credentials."""

    check: str
    state: State
    message: str


CHECKS: Final = (
    "database", "migrations", "settings", "scheduler", "alerts", "event_store", "mail", "single_sign_on", "disk", "geo_data",
)  # fmt: skip
"""Every check in its order."""
_PRODUCTS: Final = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
_WANT_DATABASE: Final = frozenset({"migrations", "settings", "scheduler", "alerts"})


def examine(settings: Settings, now: datetime) -> list[Finding]:
    """Every check in a fixed order. A check that cannot be made is a finding, never an exception."""
    return list(examine_one_by_one(settings, now))


def examine_one_by_one(settings: Settings, now: datetime) -> Iterator[Finding]:
    """The same, as each check ends. `settings` are those of the environment; what owners changed is laid over them.

    Checks that want a database are left out when there is none, or none of the newest schema.
    """
    database = _database(settings)
    yield database
    is_there = database.state is State.OK
    if is_there:
        migrations = _guarded("migrations", lambda: _migrations(settings))
        yield migrations
        is_there = migrations.state is State.OK
    if is_there:
        finding, settings = _settings(settings)
        yield finding
    looks: dict[str, Callable[[Settings], Finding]] = {
        "scheduler": lambda found: _scheduler(found, now),
        "alerts": lambda found: _alerts(found, now),
        "event_store": _event_store,
        "mail": _mail,
        "single_sign_on": lambda found: _single_sign_on(found, now),
        "disk": _disk,
        "geo_data": _geo_data,
    }
    for check, look in looks.items():
        if is_there or check not in _WANT_DATABASE:
            yield _guarded(check, lambda look=look, found=settings: look(found))  # type: ignore[misc]


def _guarded(check: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except (OSError, sa.exc.SQLAlchemyError) as error:
        # The text of a driver's error may hold the address with its password; its kind is enough to go on.
        return Finding(check, State.FAILED, f"could not be checked ({type(error).__name__})")


def _database(settings: Settings) -> Finding:
    url = make_url(settings.database_url_resolved)
    if url.get_backend_name() == "sqlite" and url.database and not Path(url.database).exists():
        return Finding("database", State.FAILED, "there is no database yet: `plumbline migrate` makes it")

    def look() -> Finding:
        with session_scope(engine_for(settings.database_url_resolved), write=False) as session:
            session.execute(sa.text("SELECT 1"))
        return Finding("database", State.OK, f"{_PRODUCTS.get(url.get_backend_name(), url.get_backend_name())} answers")

    return _guarded("database", look)


def _migrations(settings: Settings) -> Finding:
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(ROOT / "alembic").replace("%", "%%"))
    newest = ScriptDirectory.from_config(config).get_current_head()
    with engine_for(settings.database_url_resolved).connect() as connection:
        reached = MigrationContext.configure(connection).get_current_revision()
    if reached == newest:
        return Finding("migrations", State.OK, f"the schema is the newest, {newest}")
    return Finding(
        "migrations", State.FAILED, f"the schema is at {reached or 'nothing'}, the newest is {newest}: run `plumbline migrate`"
    )


def _settings(settings: Settings) -> tuple[Finding, Settings]:
    from app.preferences.overrides import fault_of, settings_in, stored_count, stored_values

    try:
        with session_scope(engine_for(settings.database_url_resolved), write=False) as session:
            stored, count = stored_values(session), stored_count(session)
            effective = settings_in(session)
    except (OSError, sa.exc.SQLAlchemyError) as error:
        return Finding("settings", State.FAILED, f"could not be checked ({type(error).__name__})"), settings
    if broken := sorted(name for name, value in stored.items() if fault_of({name: value})):
        return Finding("settings", State.NOTICE, f"changed in the product, but no longer fitting: {', '.join(broken)}"), effective
    if count > len(stored):
        sealed = "settings changed in the product cannot be opened: their encryption key is gone"
        return Finding("settings", State.FAILED, sealed), effective
    words = f"changed in the product: {', '.join(sorted(stored))}" if stored else "all from the environment"
    return Finding("settings", State.OK, words), effective


def _scheduler(settings: Settings, now: datetime) -> Finding:
    from app.scans.leases import live_workers

    with session_scope(engine_for(settings.database_url_resolved), write=False) as session:
        count = len(live_workers(session, now))
    if count:
        return Finding("scheduler", State.OK, f"{count} live worker{'' if count == 1 else 's'}")
    if not settings.jobs.jobs_enabled:
        return Finding("scheduler", State.NOTICE, "no worker is alive and PLUMBLINE_JOBS_ENABLED is off here")
    if read_runtime_record(settings.data_dir) is None:
        return Finding("scheduler", State.NOTICE, "no worker is alive: no instance runs on this data folder")
    return Finding("scheduler", State.FAILED, "an instance runs, but no worker is alive: scans and alerts stand still")


def _alerts(settings: Settings, now: datetime) -> Finding:
    from app.alerting.service import delivery_health

    with session_scope(engine_for(settings.database_url_resolved), write=False) as session:
        health = delivery_health(session, now)
    count, names = len(health.failing_destinations), ", ".join(health.failing_destinations[:_MOST_NAMES])
    rest = ", …" if count > _MOST_NAMES else ""
    told = [f"the newest delivery failed at {count} destination{'' if count == 1 else 's'}: {names}{rest}"] if count else []
    if health.given_up_count:
        told.append(f"{health.given_up_count} given up in the last 7 days; retry them on the page Deliveries of their project")
    return Finding("alerts", State.NOTICE if told else State.OK, "; ".join(told) or "no destination's newest delivery failed")


def _event_store(settings: Settings) -> Finding:
    if settings.eventstore_is_embedded and read_runtime_record(settings.data_dir) is None:
        return Finding("event_store", State.NOTICE, "embedded, and no instance runs on this data folder")
    from app.eventstore.service import connect

    try:
        store = connect(settings)
        try:
            is_alive = store.ping()
        finally:
            store.close()
    except Unavailable as error:
        return Finding("event_store", State.FAILED, error.message)
    return Finding("event_store", State.OK, "answers") if is_alive else Finding("event_store", State.FAILED, "does not answer")


def _mail(settings: Settings) -> Finding:
    if not settings.email.smtp_host:
        return Finding("mail", State.OK, "not used: PLUMBLINE_SMTP_HOST is not set")
    if not settings.runtime.public_url:
        links = f"links in mails begin with {settings.base_url}, which only this machine may know: set PLUMBLINE_PUBLIC_URL"
        return Finding("mail", State.NOTICE, links)
    return Finding("mail", State.OK, f"through {settings.email.smtp_host}; links begin with {settings.base_url}")


def _single_sign_on(settings: Settings, now: datetime) -> Finding:
    if not settings.oidc.is_configured:
        return Finding("single_sign_on", State.OK, "not used")
    from app.identity.oidc.contracts import OidcRefused
    from app.identity.oidc.flow import redirect_uri
    from app.identity.oidc.provider import Directory

    directory = Directory()
    try:
        directory.keys(directory.provider(settings, now), settings, now)
    except OidcRefused as refused:
        return Finding("single_sign_on", State.FAILED, f"the provider cannot be used: {refused.reason}")
    words = f"the provider answers; the redirect address to register there is {redirect_uri(settings)}"
    return Finding("single_sign_on", State.OK, words)


def _disk(settings: Settings) -> Finding:
    free, least = shutil.disk_usage(settings.data_dir).free, settings.ingest.min_free_disk_bytes
    if free < least:
        return Finding("disk", State.FAILED, f"{_size(free)} free, events are refused below {_size(least)}")
    return Finding("disk", State.OK, f"{_size(free)} free")


def _size(count: int) -> str:
    """Bytes in the unit that a person would choose: 512 MiB, 62 GiB."""
    return f"{count / (1024 * _MEBIBYTE):.1f} GiB" if count >= 1024 * _MEBIBYTE else f"{count // _MEBIBYTE} MiB"


def _geo_data(settings: Settings) -> Finding:
    from app.security.intelligence.databases import FOLDER

    names = sorted(path.name for path in (settings.data_dir / FOLDER).glob("*.mmdb"))
    if names:
        return Finding("geo_data", State.OK, ", ".join(names))
    return Finding("geo_data", State.NOTICE, "no location database: `plumbline geoip install` fetches one")
