"""What the form of an event asks for, and how it differs from what somebody else saved meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.errors import InvalidInput
from app.plan import service as plan
from app.plan.contracts import EventStatus
from app.plan.drafts import EventChanges
from app.plan.pages.event_view import FIELD_PREFIX, META_PREFIX, Definition, HistoryRow, ValueRow, history_of, texts
from app.plan.pages.words import Form, day_of, is_ticked, tags_of, text_of
from app.presentation import STATUS_WORDS


@dataclass(frozen=True)
class Clash:
    """One thing that stands differently in the form and in the plan."""

    label: str
    mine: str
    theirs: str


def form_problems(form: Form, definition: Definition) -> dict[str, str]:
    """What is wrong with the form, by the control it belongs to; the service judges the rest."""
    problems = {} if text_of(form, "name") else {"name": "An event needs a name"}
    for row in (*definition.fields, *definition.metas):
        if row.is_required and not text_of(form, row.key):
            problems[row.key] = f"{row.label} must have a value"
    return problems


def event_changes(form: Form, definition: Definition, zone: ZoneInfo) -> EventChanges:
    """The changes that the form asks for. InvalidInput at the control."""
    changes: EventChanges = {
        "name": text_of(form, "name"),
        "description": text_of(form, "description"),
        "status": EventStatus(text_of(form, "status") or definition.status),
        "owner_id": text_of(form, "owner") or None,
        "reviewed": is_ticked(form, "reviewed"),
        "tags": tags_of(form),
        "field_values": _values(form, definition.fields, FIELD_PREFIX),
        "meta_values": _values(form, definition.metas, META_PREFIX),
    }
    if text_of(form, "sunset") != definition.sunset:
        changes["sunset_at"] = day_of(form, "sunset", zone)
    if len(changes["name"] or "") > 500:
        raise InvalidInput("A name has at most 500 characters", field="name")
    return changes


def _values(form: Form, rows: list[ValueRow], prefix: str) -> list[tuple[str, str]]:
    """Values by definition; what the form leaves blank has none."""
    given = ((row.key.removeprefix(prefix), str(form.get(row.key) or "")) for row in rows)
    return [(definition_id, value) for definition_id, value in given if value.strip()]


def clashes(form: Form, theirs: Definition) -> list[Clash]:
    """What stands differently in the form and in the plan as it is now."""
    people = dict(theirs.people)
    mine = {key: str(form.get(key) or "").strip() for key in texts(theirs)}
    mine["status"] = STATUS_WORDS.get(mine["status"], mine["status"])
    mine["owner"] = people.get(mine["owner"], "")
    mine["reviewed"] = "yes" if is_ticked(form, "reviewed") else "no"
    mine["tags"] = ", ".join(sorted(tag.lower() for tag in tags_of(form)))
    return [
        Clash(label, mine[key] or "nothing", text or "nothing")
        for key, (label, text) in texts(theirs).items()
        if mine[key] != text.strip()
    ]


def latest_change(session: Session, actor: Actor, slug: str, event_id: str, branch: str, zone: ZoneInfo) -> HistoryRow | None:
    """The newest entry of the history."""
    rows = history_of(session, actor, slug, event_id, branch, zone)
    return rows[0] if rows else None


def delete_consequences(session: Session, actor: Actor, slug: str, event_id: str, branch: str) -> list[str]:
    """What deleting the event breaks, as sentences."""
    event = plan.get_event_detail(session, actor, slug, event_id, branch=branch)
    lines = ["Its values, tags, photos and history"]
    if event.last_seen_at is not None and not branch:
        lines.append("Its chart and incidents: it still arrives, so the next scan proposes it again")
    return lines
