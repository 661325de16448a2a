"""`plumbline serve`: starts the `store` and `web` processes, keeps both running, and ends them in the right order."""

from __future__ import annotations

import errno
import http.client
import logging
import os
import secrets
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from app.child_process import ChildProcess, GaveUp
from app.eventstore.address import LOOPBACK, PORT_VARIABLE, SECRET_VARIABLE, answers, embedded_address, free_port, parse_address
from app.eventstore.client import ClickHouseEventStore
from app.kernel.errors import Unavailable
from app.kernel.settings import Settings
from app.parent import PARENT_VARIABLE
from app.runtime_file import (
    RUNTIME_FILE,
    DataFolderInUse,
    DataFolderLock,
    RuntimeRecord,
    remove_runtime_record,
    write_runtime_record,
)

log = logging.getLogger("plumbline.supervisor")

STORE_COMMAND = (sys.executable, "-m", "app.eventstore.server")
WEB_COMMAND = (sys.executable, "-m", "app.web")

GRACE_SECONDS = 10.0
_PROBE_SECONDS = 1.0
_BUSY_TICK_SECONDS = 0.1
_IDLE_TICK_SECONDS = 5.0
_SCHEMA_RETRY_SECONDS = 5.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def serve(settings: Settings, *, web_command: Sequence[str] = WEB_COMMAND) -> int:
    """Run an instance until a signal ends it. 0 after a clean end, 1 with one line on standard error otherwise.

    Call it on the main thread: it takes over the signals, and its children end with the thread that started them.
    """
    data_dir = settings.data_dir
    try:
        supervisor = _Supervisor(settings, web_command)
    except ValueError as error:
        return _fail(f"PLUMBLINE_EVENTSTORE_URL: {error}")
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = DataFolderLock(data_dir)
    except DataFolderInUse as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"cannot use the data folder {data_dir}: {error.strerror or error}")
    with lock:
        try:
            _require_free_port(settings.runtime.host, settings.runtime.port, was_killed=(data_dir / RUNTIME_FILE).exists())
            return supervisor.run()
        except (PortInUse, GaveUp) as error:
            return _fail(str(error))


def why_not(settings: Settings) -> str:
    """What keeps an instance from starting here, told before anything slow is done; empty when nothing does."""
    was_killed = (settings.data_dir / RUNTIME_FILE).exists()
    try:
        with DataFolderLock(settings.data_dir):
            _require_free_port(settings.runtime.host, settings.runtime.port, was_killed=was_killed)
    except (DataFolderInUse, PortInUse) as error:
        return str(error)
    except OSError as error:
        return f"cannot use the data folder {settings.data_dir}: {error.strerror or error}"
    return ""


class PortInUse(Exception):
    """The public address cannot be listened on."""


class _Supervisor:
    def __init__(self, settings: Settings, web_command: Sequence[str]) -> None:
        self._settings = settings
        self._data_dir: Path = settings.data_dir
        self._signal_count = 0
        self._is_announced = False
        self._schema_due_at: float | None = 0.0
        environment = {
            **os.environ,
            # Absolute: a child may make the folder current, and then a relative name would lead elsewhere.
            "PLUMBLINE_DATA_DIR": str(self._data_dir),
            "PLUMBLINE_HOST": settings.runtime.host,
            "PLUMBLINE_PORT": str(settings.runtime.port),
            PARENT_VARIABLE: str(os.getpid()),
            # Machine code of the detection engine is kept with the data, so that only the first start of a version compiles.
            "NUMBA_CACHE_DIR": os.environ.get("NUMBA_CACHE_DIR") or str(self._data_dir / "numba"),
        }
        self._store: ChildProcess | None = None
        if settings.eventstore_is_embedded:
            # Port and secret stay the same over restarts of the store, so the web process never has to look them up again.
            address = embedded_address(free_port(), secrets.token_urlsafe(32))
            environment |= {PORT_VARIABLE: str(address.port), SECRET_VARIABLE: address.password}
            self._store = self._child("store", STORE_COMMAND, environment, lambda: answers(address, _PROBE_SECONDS))
            self._record = RuntimeRecord(os.getpid(), settings.base_url, address.url, address.port, address.password)
        else:
            address = parse_address(settings.storage.eventstore_url.get_secret_value())
            self._record = RuntimeRecord(os.getpid(), settings.base_url, address.url)
        self._event_store = ClickHouseEventStore(address)
        self._web = self._child("web", web_command, environment, lambda: self._web_status() is not None)
        self._wakeup, self._wakeup_end = socket.socketpair()

    def run(self) -> int:
        """Start, watch, end."""
        restore = self._take_signals()
        try:
            if self._store is not None:
                self._store.start()
                self._watch(until=lambda: self._store is not None and self._store.is_up)
            if not self._signal_count:
                self._apply_schema()
                write_runtime_record(self._data_dir, self._record)
                self._web.start()
                self._watch(until=lambda: False)
        finally:
            is_clean = self._end_children()
            remove_runtime_record(self._data_dir)
            self._event_store.close()
            restore()
        return 0 if is_clean else 1

    def _watch(self, *, until: Callable[[], bool]) -> None:
        while not self._signal_count and not until():
            for child in self._children():
                child.tick()
            if self._web.is_up:
                self._announce_when_ready()
                if self._schema_due_at is not None and time.monotonic() >= self._schema_due_at:
                    self._apply_schema()
            is_settled = self._is_announced and self._schema_due_at is None and all(c.is_up for c in self._children())
            self._pause(_IDLE_TICK_SECONDS if is_settled else _BUSY_TICK_SECONDS)

    def _children(self) -> list[ChildProcess]:
        return [child for child in (self._web, self._store) if child is not None]

    def _apply_schema(self) -> None:
        # A ClickHouse server that is away does not keep events from being received: they wait in the log.
        try:
            self._event_store.ensure_schema(self._settings.storage.retention_days)
            self._schema_due_at = None
        except Unavailable:
            log.warning("the tables of the event store could not be checked; next try in %.0f s", _SCHEMA_RETRY_SECONDS)
            self._schema_due_at = time.monotonic() + _SCHEMA_RETRY_SECONDS

    def _announce_when_ready(self) -> None:
        if not self._is_announced and self._web_status() == 200:
            self._is_announced = True
            sys.stdout.write(f"Plumbline is ready: {self._settings.base_url}\n")
            sys.stdout.flush()

    def _web_status(self) -> int | None:
        host = self._settings.runtime.host
        connection = http.client.HTTPConnection(
            LOOPBACK if host in ("0.0.0.0", "::", "") else host,  # noqa: S104
            self._settings.runtime.port,
            timeout=_PROBE_SECONDS,
        )
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def _end_children(self) -> bool:
        """Web first, for its log to be drained into the store, then the store. False when one had to be killed."""
        is_clean = True
        for child in self._children():
            child.terminate()
            deadline = time.monotonic() + GRACE_SECONDS
            while child.is_running and time.monotonic() < deadline and self._signal_count < 2:
                self._pause(_BUSY_TICK_SECONDS)
            if child.is_running:
                log.warning("the %s process did not end in time and is killed", child.name)
                is_clean = False
            child.kill()
        return is_clean

    def _take_signals(self) -> Callable[[], None]:
        self._wakeup.setblocking(False)
        self._wakeup_end.setblocking(False)
        previous = {
            signum: signal.signal(signum, self._on_signal)
            for signum in _SIGNALS
            # nohup stays nohup; an interrupt always stops, also where a script started it in the background
            if signum is not signal.SIGHUP or signal.getsignal(signum) is not signal.SIG_IGN
        }
        previous[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda _signum, _frame: None)
        previous_descriptor = signal.set_wakeup_fd(self._wakeup_end.fileno(), warn_on_full_buffer=False)

        def restore() -> None:
            signal.set_wakeup_fd(previous_descriptor)
            for signum, handler in previous.items():
                signal.signal(signum, handler)
            self._wakeup.close()
            self._wakeup_end.close()

        return restore

    def _on_signal(self, _signum: int, _frame: FrameType | None) -> None:
        self._signal_count += 1

    def _pause(self, seconds: float) -> None:
        """Wait for a signal, the end of a child among them, or for the time."""
        if select.select([self._wakeup], [], [], seconds)[0]:
            self._wakeup.recv(4096)

    @staticmethod
    def _child(name: str, command: Sequence[str], environment: dict[str, str], is_answering: Callable[[], bool]) -> ChildProcess:
        return ChildProcess(name, command, environment, is_answering=is_answering, now=time.monotonic)


def _require_free_port(host: str, port: int, *, was_killed: bool) -> None:
    # After a killed supervisor its web process needs a moment to notice and to finish what it holds.
    deadline = time.monotonic() + (GRACE_SECONDS if was_killed else 0.0)
    while True:
        try:
            _bind(host, port)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                message = f"port {port} on {host} is in use; choose another with --port"
            else:
                message = f"cannot listen on {host}:{port}: {error.strerror or error}"
            if error.errno != errno.EADDRINUSE or time.monotonic() >= deadline:
                raise PortInUse(message) from None
            time.sleep(_BUSY_TICK_SECONDS)
        else:
            return


def _bind(host: str, port: int) -> None:
    for family, kind, protocol, _name, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE):
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)


def _fail(message: str) -> int:
    sys.stderr.write(f"plumbline: {message}\n")
    return 1
