"""Bodies about the schedule of a rule."""

from __future__ import annotations

from datetime import time
from typing import Annotated

from pydantic import BaseModel, Field, field_serializer

from app.alerting.schedules import EVERY_DAY, Digest, QuietHours, Rhythm, Schedule
from app.kernel.text import PlainText

Weekday = Annotated[int, Field(ge=0, le=6)]


class QuietHoursPayload(BaseModel):
    """Local times between which nothing leaves, and the days on which they begin."""

    start: time
    end: time
    days: list[Weekday] = Field(default=sorted(EVERY_DAY), min_length=1, max_length=7)

    @field_serializer("start", "end")
    def _minutes(self, value: time) -> str:
        return value.isoformat("minutes")


class DigestPayload(BaseModel):
    """How often one message tells all that fired; `at` is a local time, `weekday` counts for weeks only."""

    every: Rhythm
    at: time = time(9)
    weekday: Weekday = 0

    @field_serializer("at")
    def _minutes(self, value: time) -> str:
        return value.isoformat("minutes")


class RuleSchedulePayload(BaseModel):
    """When messages of a rule may leave."""

    zone: PlainText = "UTC"
    quiet: QuietHoursPayload | None = None
    digest: DigestPayload | None = None

    def schedule(self) -> Schedule:
        """The schedule as the service takes it; seconds and zones of the times are dropped."""
        quiet, digest = self.quiet, self.digest
        return Schedule(
            self.zone,
            None if quiet is None else QuietHours(_plain(quiet.start), _plain(quiet.end), frozenset(quiet.days)),
            None if digest is None else Digest(digest.every, _plain(digest.at), digest.weekday),
        )


def schedule_response(found: Schedule) -> RuleSchedulePayload:
    """The wire form of a schedule."""
    quiet, digest = found.quiet, found.digest
    return RuleSchedulePayload(
        zone=found.zone,
        quiet=None if quiet is None else QuietHoursPayload(start=quiet.start, end=quiet.end, days=sorted(quiet.days)),
        digest=None if digest is None else DigestPayload(every=digest.every, at=digest.at, weekday=digest.weekday),
    )


def _plain(moment: time) -> time:
    return time(moment.hour, moment.minute)
