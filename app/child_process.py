"""One child of the supervisor: start it, notice its end, decide when to start it again."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

log = logging.getLogger("plumbline.supervisor")

FIRST_DELAY_SECONDS = 0.2
LONGEST_DELAY_SECONDS = 5.0
HEALTHY_SECONDS = 30.0
ATTEMPTS = 5


@dataclass(slots=True)
class RestartPolicy:
    """Pauses between restarts: doubling while lives are short, and an end to it when the child never comes up."""

    short_lives: int = 0
    failed_starts: int = 0

    def after_exit(self, *, lived_seconds: float, was_up: bool) -> float | None:
        """Seconds to wait before the next start; None after ATTEMPTS starts in a row that never answered."""
        self.failed_starts = 0 if was_up else self.failed_starts + 1
        if self.failed_starts >= ATTEMPTS:
            return None
        self.short_lives = 0 if lived_seconds >= HEALTHY_SECONDS else self.short_lives + 1
        return min(FIRST_DELAY_SECONDS * 2.0 ** max(self.short_lives - 1, 0), LONGEST_DELAY_SECONDS)


class GaveUp(Exception):
    """A child ended again and again before it answered once."""


class ChildProcess:
    """A process that is kept running. `is_answering` says whether it has come up; `now` is a monotonic clock."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        is_answering: Callable[[], bool],
        now: Callable[[], float],
    ) -> None:
        self.name = name
        self.is_up = False
        self._command = list(command)
        self._environment = dict(environment)
        self._is_answering = is_answering
        self._now = now
        self._policy = RestartPolicy()
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._due_at: float | None = None

    def start(self) -> None:
        """Start it in a session of its own, so that Ctrl-C reaches the supervisor alone and the order of the end is kept."""
        self.is_up = False
        self._due_at = None
        self._started_at = self._now()
        self._process = subprocess.Popen(  # noqa: S603
            self._command, env=self._environment, stdin=subprocess.DEVNULL, start_new_session=True
        )

    def tick(self) -> None:
        """Notice an end, start again when it is time, ask a starting process whether it is up. Raises GaveUp."""
        if self._process is not None and self._process.poll() is not None:
            self._ended(self._process.returncode)
        elif self._due_at is not None and self._now() >= self._due_at:
            self.start()
        elif self._process is not None and not self.is_up:
            self.is_up = self._is_answering()

    def terminate(self) -> None:
        """Ask it to end; nothing happens when it does not run."""
        self._due_at = None
        if self.is_running:
            assert self._process is not None
            self._process.terminate()

    def kill(self) -> None:
        """End it at once and collect it."""
        self._due_at = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @property
    def is_running(self) -> bool:
        """Whether the process exists at this moment."""
        return self._process is not None and self._process.poll() is None

    def _ended(self, code: int) -> None:
        lived = self._now() - self._started_at
        delay = self._policy.after_exit(lived_seconds=lived, was_up=self.is_up)
        self._process = None
        self.is_up = False
        how = f"exit code {code}" if code >= 0 else f"signal {-code}"
        if delay is None:
            raise GaveUp(f"the {self.name} process ended {ATTEMPTS} times before it answered ({how}); its own lines are above")
        log.warning("the %s process ended (%s) after %.1f s; it starts again in %.1f s", self.name, how, lived, delay)
        self._due_at = self._now() + delay
