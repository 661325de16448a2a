"""Fixtures of all tests: settings in a temporary folder, a real database on both engines, a clock, an HTTP client."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import os
import shutil
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import bcrypt
import certifi
import hypothesis
import pytest
from fastapi import APIRouter
from fastapi.testclient import TestClient
from sqlalchemy.engine import Engine
from sqlmodel import Session

from app.areas import AREAS
from app.http import SESSION_COOKIE
from app.identity import passwords
from app.identity.contracts import UserRole
from app.kernel.clock import FixedClock
from app.kernel.database import engine_for, session_scope
from app.kernel.settings import Settings, get_settings, use_overrides
from app.migrations import upgrade
from models.identity import User
from tests.compiling import share_machine_code
from tests.factories import make_session_cookie, make_user
from tests.postgres_server import PostgresServer
from tests.shared_dialects import share_dialects

pytest_plugins = ["tests.eventstore_fixtures", "tests.mailbox"]

SQLITE = "sqlite"
POSTGRES = "postgres"
BOTH_ENGINES = [SQLITE, pytest.param(POSTGRES, marks=pytest.mark.postgres)]
# The same examples on every machine, however slow it is: a run that fails can be repeated.
hypothesis.settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("steady")
HOUR, MARGIN, LONG_MARGIN = 3600, 8, 45
LONG_TESTS = ("slow", "e2e")
share_machine_code()


def _says_slow(path: Path) -> bool:
    return "slow" in path.read_text()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A run of the slow tests alone does not load the thousands of others first."""
    is_slow_run = config.option.markexpr == "slow" and collection_path.name.startswith("test_")
    return True if is_slow_run and collection_path.is_file() and not _says_slow(collection_path) else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The word must stand in the file itself, or the run of the slow tests would miss it."""
    paths = {item.path for item in items if item.get_closest_marker("slow")}
    unseen = sorted(str(path) for path in paths if not _says_slow(path))
    if unseen:
        raise pytest.UsageError(f"these hold slow tests without saying so: {', '.join(unseen)}")


def pytest_collection_finish() -> None:
    """Spare the collector what stays for the whole run: looked through again and again, it took a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let the hour pass first when it is about to: what a test counts "today" or "in the last hour" must not move under it."""
    is_long = any(item.get_closest_marker(name) for name in LONG_TESTS)
    left = HOUR - time.time() % HOUR
    if left < (LONG_MARGIN if is_long else MARGIN):
        time.sleep(left + 0.1)


@pytest.fixture(scope="session", autouse=True)
def _shared_dialects() -> None:
    share_dialects()


@pytest.fixture(scope="session", autouse=True)
def _fast_passwords() -> None:
    """The cheapest bcrypt: tests check the rules around it, not its cost."""
    passwords.ROUNDS = 4
    passwords.NOBODY = bcrypt.hashpw(b"nobody", bcrypt.gensalt(4))


@pytest.fixture(scope="session", autouse=True)
def _certificates_read_once() -> Iterator[None]:
    """Every HTTP client reads the certificates that machines trust, which takes longer than most requests of tests."""
    read = ssl.create_default_context
    known: dict[tuple[object, ...], ssl.SSLContext] = {}

    def create(purpose: ssl.Purpose = ssl.Purpose.SERVER_AUTH, **places: Any) -> ssl.SSLContext:
        if purpose is not ssl.Purpose.SERVER_AUTH or places not in ({}, {"cafile": certifi.where()}):
            return read(purpose, **places)
        chosen = (places.get("cafile"), os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
        if chosen not in known:
            known[chosen] = read(**places)
        return known[chosen]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", create)
        yield


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Settings]:
    """Default settings in a temporary data folder. After changing the environment call `get_settings.cache_clear()`."""
    for name in [name for name in os.environ if name.startswith("PLUMBLINE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PLUMBLINE_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    get_settings.cache_clear()
    use_overrides({})
    yield get_settings()
    use_overrides({})
    get_settings.cache_clear()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for the whole run (one per process under xdist)."""
    server = PostgresServer()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty database file to copy."""
    path = tmp_path_factory.mktemp("template") / "plumbline.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(params=BOTH_ENGINES)
def database_url(request: pytest.FixtureRequest, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A fresh, migrated database, and the settings that point to it."""
    if request.param == POSTGRES:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        name = server.lend_database()
        url = server.url(name)
    else:
        # Not the file of the folder's default settings: a thread that a test before left behind may have made that already.
        path = settings.data_dir / "copied.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        url = f"sqlite:///{path}"
    monkeypatch.setenv("PLUMBLINE_DATABASE_URL", url)
    get_settings.cache_clear()
    yield url
    if request.param == POSTGRES:
        server.take_back(name)
    else:
        engine_for(url).dispose()
    engine_for.cache_clear()


@pytest.fixture
def engine(database_url: str) -> Engine:
    """The process-wide engine of the fresh database; `session_scope()` without arguments uses it too."""
    return engine_for(database_url)


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """One writing transaction, committed at the end. From its first statement on nobody else can write to SQLite, so tests
    that also call the API or use threads open `session_scope()` blocks of their own instead."""
    with session_scope(engine) as opened:
        yield opened


@pytest.fixture
def clock() -> FixedClock:
    """A Wednesday morning that passes only when told to."""
    return FixedClock(datetime(2026, 11, 25, 9, 30, tzinfo=UTC))


def area_modules() -> list[ModuleType]:
    """The module with the routes of every area."""
    modules = [f"app.{area}.api" for area in AREAS]
    return [importlib.import_module(name) for name in modules if importlib.util.find_spec(name)]


def area_routers() -> list[APIRouter]:
    """The routes of every area."""
    return [module.router for module in area_modules()]


@pytest.fixture(scope="session")
def http_application():
    """The edge with every area's routes and nothing else behind it."""
    from app.edge import Edge
    from app.http import area_app

    async def absent(scope, receive, send):
        if scope["type"] == "lifespan":
            for event in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{event}.complete"})
            return
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def application(module: ModuleType):
        return getattr(module, "application", partial(area_app, "tests"))(module.router)

    areas = [(application(module), [module.router]) for module in area_modules()]
    return Edge(ingest=absent, areas=areas, operations=absent, pages=absent)


@pytest.fixture
def client(engine: Engine, http_application) -> Iterator[TestClient]:
    """An HTTP client of all areas on the fresh database; it keeps cookies and follows no redirect."""
    with TestClient(http_application, follow_redirects=False, raise_server_exceptions=False) as opened:
        yield opened


@dataclass(frozen=True)
class Member:
    """Somebody with an account and the headers that prove it."""

    user: User
    headers: dict[str, str]


@pytest.fixture
def member(engine: Engine) -> Callable[..., Member]:
    """Makes an account of the role, signed in by cookie: `client.get(path, headers=member(UserRole.VIEWER).headers)`."""

    def make(role: UserRole = UserRole.OWNER, **details: str) -> Member:
        with session_scope(engine) as session:
            user = make_user(session, role=role, **details)
            return Member(user, {"Cookie": f"{SESSION_COOKIE}={make_session_cookie(session, user)}"})

    return make
