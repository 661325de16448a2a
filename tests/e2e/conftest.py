"""One server and one browser for all tests here; every page is watched for faults and for requests to other hosts."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.e2e.plan_api import Api, make_project
from tests.e2e.server import ROOT, RunningServer, running_server

AXE_VERSION = "4.14.1"
# Of what holds it need not say where.
AXE_RUN = "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'], resultTypes: ['violations']})"
PASSWORD = "correct horse battery"
PATIENCE = 60_000  # what takes a moment here may take many on a busy machine
# The shell makes no window for a page, which takes whole browsers longer than most tests.
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
BROWSER_ARGUMENTS = [
    "--no-sandbox",
    "--headless",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
]
expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/e2e" in str(item.path):
            item.add_marker(pytest.mark.e2e)


@dataclass(frozen=True)
class Person:
    """Somebody with an account."""

    email: str
    name: str
    password: str = PASSWORD


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    # Receivers of test messages listen on this machine.
    with running_server(tmp_path_factory.mktemp("instance"), PLUMBLINE_OUTBOUND_ALLOW="127.0.0.1") as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    assert executable, "Chromium is needed: `make chromium` installs it"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=executable, args=BROWSER_ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def owner(server: RunningServer) -> Person:
    """The first account, which owns the instance."""
    return sign_up_over_http(server, Person("owner@example.com", "Olive Owner"))


@pytest.fixture(scope="session")
def editor(server: RunningServer, owner: Person) -> Person:
    """A second account."""
    return sign_up_over_http(server, Person("editor@example.com", "Edda Editor"))


@pytest.fixture(scope="session")
def viewer(server: RunningServer, owner: Person, sessions: Sessions) -> Person:
    """Somebody who may do no more than read."""
    person = sign_up_over_http(server, Person("reader@example.com", "Rita Reader"))
    Api(server, sessions.cookie(owner), "none").make_viewer(person.email)
    return person


def sign_up_over_http(server: RunningServer, person: Person) -> Person:
    body = {"email": person.email, "password": person.password, "name": person.name}
    answer = httpx.post(f"{server.url}/api/v1/auth/register", json=body, timeout=30)
    assert answer.status_code == 201, answer.text
    return person


def session_cookie(server: RunningServer, person: Person) -> str:
    """The token of a fresh sign-in."""
    account = {"email": person.email, "password": person.password}
    answer = httpx.post(f"{server.url}/api/v1/auth/login", json=account, timeout=30)
    assert answer.status_code == 200, answer.text
    return str(answer.cookies["plumbline_session"])


class Sessions:
    """One sign-in of each person, for as long as it holds: the server takes a part of a second to check a password."""

    def __init__(self, server: RunningServer) -> None:
        self._server = server
        self._client = httpx.Client(base_url=server.url, timeout=30)
        self._tokens: dict[str, str] = {}

    def cookie(self, person: Person) -> str:
        """The token of a sign-in that holds; tests that end sessions want `session_cookie` for those that they end."""
        token = self._tokens.get(person.email)
        if token is None or not self._holds(token):
            token = self._tokens[person.email] = session_cookie(self._server, person)
        return token

    def _holds(self, token: str) -> bool:
        return self._client.get("/api/v1/auth/me", headers={"Cookie": f"plumbline_session={token}"}).is_success


@pytest.fixture(scope="session")
def sessions(server: RunningServer) -> Sessions:
    """Sign-ins that tests share."""
    return Sessions(server)


class Watched:
    """What went wrong in a browser context: uncaught errors, console errors, requests to other hosts."""

    def __init__(self, server: RunningServer) -> None:
        self._host = urlsplit(server.url).netloc
        self.faults: list[str] = []
        self.expected: list[str] = []

    def attach(self, context: BrowserContext) -> None:
        context.on("weberror", lambda error: self.faults.append(f"page error: {error.error}"))
        context.on("console", self._console)
        context.on("request", lambda request: self._request(request.url))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.faults.append(f"console: {message.text}")

    def _request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != self._host:
            self.faults.append(f"foreign request: {url}")

    def check(self) -> None:
        unexpected = [fault for fault in self.faults if not any(known in fault for known in self.expected)]
        assert not unexpected, "\n".join(unexpected)


OpenPage = Callable[..., Page]


@pytest.fixture
def watched(server: RunningServer) -> Watched:
    return Watched(server)


@pytest.fixture
def open_page(browser: Browser, server: RunningServer, sessions: Sessions, watched: Watched) -> Iterator[OpenPage]:
    """`open_page(path, person=..., width=..., scheme=...)`: a page in a fresh context, signed in when a person is given."""
    contexts: list[BrowserContext] = []

    def open_(path: str, person: Person | None = None, *, width: int = 1440, height: int = 900, scheme: str = "light") -> Page:
        context = browser.new_context(
            base_url=server.url, viewport={"width": width, "height": height}, color_scheme=scheme, timezone_id="Europe/Berlin"
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        watched.attach(context)
        if person is not None:
            cookie = {"name": "plumbline_session", "value": sessions.cookie(person), "url": server.url}
            context.add_cookies([{**cookie, "httpOnly": True, "sameSite": "Lax"}])
        page = context.new_page()
        page.goto(path)
        return page

    yield open_
    for context in contexts:
        context.close()
    watched.check()


@pytest.fixture(scope="session")
def axe_source() -> str:
    """The accessibility checker, installed beside the other tools on first use."""
    script = ROOT / ".tools" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
    script.parents[2].mkdir(parents=True, exist_ok=True)
    with (script.parents[2] / ".lock").open("w") as lock:
        # Several processes of one run look for it at the same time.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not script.exists():
            npm = shutil.which("npm")
            assert npm, "npm is needed to install axe-core"
            command = [npm, "install", "--no-save", "--prefix", str(ROOT / ".tools" / "axe"), f"axe-core@{AXE_VERSION}"]
            subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    return script.read_text()


@pytest.fixture
def check_accessibility(axe_source: str) -> Callable[[Page], None]:
    """Fails with every violation of WCAG 2 A and AA that axe finds on the page as it is."""

    def check(page: Page) -> None:
        # A fading dialog is measured at half its contrast: what moves comes to rest first, what turns for ever is left alone.
        page.wait_for_function(
            "document.getAnimations().every(a => a.playState !== 'running' || a.effect.getComputedTiming().iterations === Infinity)"
        )
        if not page.evaluate("'axe' in window"):
            page.evaluate(axe_source)
        found = page.evaluate(AXE_RUN)
        violations = [
            f"{violation['id']}: {violation['help']}: {[node['target'] for node in violation['nodes']][:5]}"
            for violation in found["violations"]
        ]
        assert not violations, "\n".join(violations)

    return check


@pytest.fixture
def slug(server: RunningServer, owner: Person, sessions: Sessions) -> str:
    """A project of its own for each test."""
    return make_project(server, sessions.cookie(owner))


@pytest.fixture
def api(server: RunningServer, owner: Person, sessions: Sessions, slug: str) -> Api:
    """The API of the test's project in the owner's name."""
    return Api(server, sessions.cookie(owner), slug)
