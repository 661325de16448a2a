"""When the messages of a rule may leave: the section of its page on quiet hours and digests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

import reflex as rx
from sqlmodel import Session

from app.alerting import service as alerting
from app.alerting.pages.rule_section import stored_section
from app.alerting.schedules import EVERY_DAY, Digest, QuietHours, Rhythm, Schedule
from app.identity.contracts import Actor
from app.kernel.errors import InvalidInput
from components import form_field, select_input, text_input

WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DAYS: Final = {"0123456": "Every day", "01234": "Monday to Friday", "56": "Saturday and Sunday"}
RHYTHMS: Final = (
    ("", "At once"),
    ("hour", "One message an hour"),
    ("day", "One message a day"),
    *((f"week{number}", f"One message a week, on {day}") for number, day in enumerate(WEEKDAYS)),
)


@dataclass(frozen=True)
class ScheduleForm:
    """The schedule as its form holds it, and in a sentence. `days` and `zones` are the choices."""

    zone: str = "UTC"
    rhythm: str = ""
    at: str = "09:00"
    quiet_start: str = ""
    quiet_end: str = ""
    quiet_days: str = "0123456"
    sentence: str = ""
    days: list[list[str]] = field(default_factory=list)
    zones: list[list[str]] = field(default_factory=list)


def schedule_form(session: Session, actor: Actor, slug: str, rule_id: str, zone: ZoneInfo) -> ScheduleForm:
    """The stored schedule; a rule without one is offered the viewer's zone. Errors: NotFound."""
    stored = alerting.get_schedule(session, actor, slug, rule_id)
    quiet, digest = stored.quiet, stored.digest
    chosen = stored.zone if stored.holds else zone.key
    days = "".join(map(str, sorted(quiet.days if quiet else EVERY_DAY)))
    return ScheduleForm(
        zone=chosen,
        rhythm="" if digest is None else digest.every.value + (str(digest.weekday) if digest.every is Rhythm.WEEK else ""),
        at=(digest.at if digest else time(9)).isoformat("minutes"),
        quiet_start=quiet.start.isoformat("minutes") if quiet else "",
        quiet_end=quiet.end.isoformat("minutes") if quiet else "",
        quiet_days=days,
        sentence=said(stored),
        days=[[key, words] for key, words in {days: _days_words(days), **DAYS}.items()],
        zones=[[one, one.replace("_", " ")] for one in sorted({chosen, *available_timezones()})],
    )


def schedule_of_form(form: Mapping[str, Any]) -> Schedule:
    """What the form says. Errors: InvalidInput for half a span of quiet hours or a time that is none."""
    start, end = str(form.get("quiet_start") or ""), str(form.get("quiet_end") or "")
    if bool(start) != bool(end):
        raise InvalidInput("Quiet hours need both a beginning and an end", field="quiet_end")
    rhythm = str(form.get("rhythm") or "")
    days = frozenset(int(one) for one in str(form.get("quiet_days") or "") if one in "0123456")
    quiet = QuietHours(_time(start, "quiet_start"), _time(end, "quiet_end"), days or EVERY_DAY) if start else None
    digest = None
    if rhythm:
        weekday = int(rhythm[-1]) if rhythm[-1].isdigit() else 0
        every = rhythm.rstrip("0123456789")
        if every not in set(Rhythm) or weekday > len(WEEKDAYS) - 1:
            raise InvalidInput("Choose one of the rhythms offered", field="rhythm")
        digest = Digest(Rhythm(every), _time(str(form.get("at") or "09:00"), "at"), weekday)
    return Schedule(str(form.get("zone") or "UTC"), quiet, digest)


def said(schedule: Schedule) -> str:
    """The schedule in a sentence."""
    quiet, digest = schedule.quiet, schedule.digest
    if digest is None:
        parts = ["Messages leave at once"]
    elif digest.every is Rhythm.HOUR:
        parts = ["What fires within an hour leaves as one message at the full hour"]
    else:
        when = "every day" if digest.every is Rhythm.DAY else f"every {WEEKDAYS[digest.weekday]}"
        parts = [f"What fires leaves as one message {when} at {digest.at:%H:%M}"]
    if quiet is not None:
        days = "".join(map(str, sorted(quiet.days)))
        which = "" if quiet.days == EVERY_DAY else f" ({_days_words(days)})"
        parts.append(
            f", but never between {quiet.start:%H:%M} and {quiet.end:%H:%M}{which}: "
            "what fires then waits, as one message, for the end"
        )
    return "".join(parts) + (f" ({schedule.zone})." if schedule.holds else ".")


def _days_words(days: str) -> str:
    return DAYS.get(days) or ", ".join(WEEKDAYS[int(one)] for one in days)


def _time(text: str, name: str) -> time:
    try:
        found = time.fromisoformat(text)
    except ValueError:
        raise InvalidInput("Enter a time such as 22:00", field=name) from None
    return time(found.hour, found.minute)


def schedule_section(state: Any) -> rx.Component:
    """The section; its form is stored by itself, apart from the rule."""
    form, errors = state.schedule, state.schedule_errors

    def one(label: str, name: str, control: rx.Component, hint: str | None = None) -> rx.Component:
        return form_field(label, control, field_id=name, hint=hint, error=errors.get(name, ""))

    def chosen(name: str, options: Any, value: Any) -> rx.Component:
        return select_input(options, field_id=name, name=name, default_value=value)

    def clock(name: str, value: Any) -> rx.Component:
        return text_input(field_id=name, name=name, type="time", default_value=value)

    return stored_section(
        state,
        "When it may be told",
        one("Messages", "rhythm", chosen("rhythm", list(RHYTHMS), form.rhythm)),
        one("Digest at", "at", clock("at", form.at), "For one message a day or a week."),
        one("Quiet from", "quiet_start", clock("quiet_start", form.quiet_start)),
        one("Quiet until", "quiet_end", clock("quiet_end", form.quiet_end)),
        one("Quiet hours begin", "quiet_days", chosen("quiet_days", form.days, form.quiet_days)),
        one("Time zone", "zone", chosen("zone", form.zones, form.zone)),
        sentence=form.sentence,
        save="Save schedule",
        errors=errors,
        drawn=state.schedule_drawn,
        on_submit=state.save_schedule,
    )
