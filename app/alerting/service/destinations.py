"""Destinations: where alerts go (contract 12.1). Secrets rest encrypted and are never part of an answer."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session

from app.alerting import destination_rules, messages, views
from app.alerting.contracts import Candidate, DestinationFields, DestinationView, Parcel, RuleSpec, SendOutcome, Target
from app.alerting.destination_rules import FIELDS, SECRETS, blank_to_none
from app.alerting.repository import destinations as rows
from app.alerting.vocabulary import AlertDirection, AlertScope, DestinationType
from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.crypto import SecretBox
from app.kernel.errors import InvalidInput, NotFound
from app.kernel.ids import new_id
from app.kernel.outbound import Outbound, outbound
from app.kernel.settings import get_settings
from app.projects import service as projects
from models.alerting import AlertDestination

LONGEST_NAME = 255
UNREADABLE = "The stored secret was written with another encryption key. Enter it again."
_OPTIONAL = frozenset(
    {
        "webhook_header_name",
        "email_from_address",
        "email_subject_template",
        "jira_issue_type",
        "linear_state_id",
        "linear_label_ids",
    }
)


def secret_box() -> SecretBox:
    """The box that destinations' secrets rest in."""
    return SecretBox(get_settings().encryption_keys())


def list_destinations(session: Session, actor: Actor, slug: str) -> list[DestinationView]:
    """The project's destinations with their rules, newest first. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    found = rows.list_destinations(session, project.id)
    rules = rows.rules_of(session, [row.id for row in found])
    return [views.destination_view(row, [rule for rule in rules if rule.destination_id == row.id]) for row in found]


def get_destination(session: Session, actor: Actor, slug: str, destination_id: str) -> DestinationView:
    """One destination with its rules. Errors: NotFound."""
    return _view(session, _find(session, actor, slug, destination_id))


def require_editor_of(session: Session, actor: Actor, slug: str) -> None:
    """Refuse whoever may not change the project's destinations, before anything is waited for. Errors: Forbidden, NotFound."""
    projects.get_project(session, actor, slug)
    actor.require_editor()


def check_reach(kind: DestinationType | None, fields: DestinationFields, *, calls: Outbound | None = None) -> None:
    """Refuse hosts whose addresses are not public. Errors: InvalidInput.

    Asks the name server, so it belongs before the transaction.
    """
    rules = calls or outbound()
    for one in (DestinationType.WEBHOOK, DestinationType.JIRA) if kind is None else (kind,):
        destination_rules.check_resolved(one, fields, rules)


def create_destination(
    session: Session, actor: Actor, slug: str, kind: DestinationType, name: str, fields: DestinationFields, *, enabled: bool = True
) -> DestinationView:
    """Add a destination. Editors and owners. Errors: NotFound, InvalidInput."""
    actor.require_editor()
    project = projects.get_project(session, actor, slug)
    row = AlertDestination(project_id=project.id, type=kind.value, name=_checked_name(name), enabled=enabled)
    views.write_fields(row, destination_rules.checked(kind, fields, outbound()), secret_box())
    if kind is DestinationType.WEBHOOK:
        row.sealed_signing_secret = secret_box().seal(_new_signing_secret())
    rows.save(session, row)
    _audit(session, actor, slug, "alert_destination.create", row)
    return _view(session, row)


def update_destination(
    session: Session, actor: Actor, slug: str, destination_id: str, changes: Mapping[str, object]
) -> DestinationView:
    """Change what is named; fields of other channels are ignored, blank secrets keep the stored ones, the type never changes.

    A destination that is switched off forgets what its rules had told. Editors and owners. Errors: NotFound, InvalidInput.
    """
    actor.require_editor()
    row = _find(session, actor, slug, destination_id, lock=True)
    kind, box = DestinationType(row.type), secret_box()
    given = destination_rules.checked(kind, _merged(row, changes, box), outbound())
    views.write_fields(row, given, box)
    if changes.get("name") is not None:
        row.name = _checked_name(str(changes["name"]))
    if changes.get("enabled") is not None:
        if row.enabled and not changes["enabled"]:
            rows.clear_states(session, [rule.id for rule in rows.rules_of(session, [row.id])])
        row.enabled = bool(changes["enabled"])
    rows.save(session, row)
    _audit(session, actor, slug, "alert_destination.update", row, changed=sorted(changes))
    return _view(session, row)


def delete_destination(session: Session, actor: Actor, slug: str, destination_id: str) -> None:
    """Remove a destination with its rules; what was delivered stays in the history. Editors and owners. Errors: NotFound."""
    actor.require_editor()
    row = _find(session, actor, slug, destination_id, lock=True)
    rows.delete(session, row)
    _audit(session, actor, slug, "alert_destination.delete", row)


def signing_secret(session: Session, actor: Actor, slug: str, destination_id: str) -> str | None:
    """The secret that a receiver of a webhook checks signatures with; None for other channels. Editors. Errors: NotFound."""
    actor.require_editor()
    row = _find(session, actor, slug, destination_id)
    return _opened(row, secret_box()).signing_secret


def rotate_signing_secret(session: Session, actor: Actor, slug: str, destination_id: str) -> str:
    """A new secret for a webhook's signatures. Editors. Errors: NotFound, InvalidInput for another channel."""
    actor.require_editor()
    row = _find(session, actor, slug, destination_id, lock=True)
    if row.type != DestinationType.WEBHOOK:
        raise InvalidInput("Only webhooks are signed")
    secret = _new_signing_secret()
    row.sealed_signing_secret = secret_box().seal(secret)
    rows.save(session, row)
    _audit(session, actor, slug, "alert_destination.rotate_secret", row)
    return secret


def parcel_to_test(
    session: Session,
    actor: Actor,
    slug: str,
    kind: DestinationType,
    name: str,
    fields: DestinationFields,
    now: datetime,
    *,
    destination_id: str | None = None,
) -> Parcel:
    """A test message to a destination that somebody is still writing; blank secrets come from the stored one.

    Nothing is kept. Hand it to `try_parcel` after the transaction. Editors. Errors: NotFound, InvalidInput.
    """
    actor.require_editor()
    project = projects.get_project(session, actor, slug)
    box = secret_box()
    signing: str | None = _new_signing_secret() if kind is DestinationType.WEBHOOK else None
    if destination_id is not None:
        row = _find(session, actor, slug, destination_id)
        changed = {one: getattr(fields, one) for one in FIELDS[kind]}
        fields, signing = _merged(row, changed, box), _opened(row, box).signing_secret
    given = destination_rules.checked(kind, fields, outbound())
    context = messages.Context(
        base_url=get_settings().base_url,
        project_name=project.name,
        project_slug=project.slug,
        channel=kind,
        destination_id=destination_id or "",
        destination_name=name,
        rule_id="",
        rule=RuleSpec(name="Test"),
        scan_id="",
        scan_name="Test",
        subject_template=given.email_subject_template,
    )
    sample = Candidate(AlertScope.PROJECT_TOTAL, project.id, project.name, now, AlertDirection.DROP, 0, 100)
    snapshot = messages.snapshot_of(context, [messages.Item(sample)])
    snapshot |= {"subject": f"[{project.name}] Test message", "is_test": True}
    return Parcel(new_id(), Target(kind, name, given, signing), snapshot, now)


def try_parcel(parcel: Parcel, send: Callable[[Parcel], SendOutcome]) -> SendOutcome:
    """Send a test message now; takes seconds and needs no transaction. Errors: InvalidInput when the host is not public."""
    check_reach(parcel.target.type, parcel.target.fields)
    return send(parcel)


def _merged(row: AlertDestination, changes: Mapping[str, object], box: SecretBox) -> DestinationFields:
    """The stored fields with the changes of the channel's own ones."""
    try:
        stored = views.opened_fields(row, box)
    except ValueError:
        # Secrets of another key cannot be kept; those that are not written again count as missing.
        stored = DestinationFields(
            **{name: getattr(row, name) for name in FIELDS[DestinationType(row.type)] if name not in SECRETS}
        )
    merged: dict[str, str | None] = {}
    for name in FIELDS[DestinationType(row.type)]:
        if name not in changes:
            continue
        written = changes[name]
        value = blank_to_none(None if written is None else str(written))
        if value is not None or name in _OPTIONAL:
            merged[name] = value
    if "webhook_header_name" in merged and merged["webhook_header_name"] is None:
        merged["webhook_header_value"] = None  # without a name there is no header
    return replace(stored, **merged)


def _opened(row: AlertDestination, box: SecretBox) -> Target:
    try:
        return views.target_of(row, box)
    except ValueError:
        raise InvalidInput(UNREADABLE) from None


def _new_signing_secret() -> str:
    return "whsec_" + base64.b64encode(os.urandom(32)).decode()


def _checked_name(name: str) -> str:
    trimmed = name.strip()
    if not 0 < len(trimmed) <= LONGEST_NAME:
        raise InvalidInput(f"must have between 1 and {LONGEST_NAME} characters", field="name")
    return trimmed


def _find(session: Session, actor: Actor, slug: str, destination_id: str, *, lock: bool = False) -> AlertDestination:
    project = projects.get_project(session, actor, slug)
    row = rows.find_destination(session, project.id, destination_id, lock=lock)
    if row is None:
        raise NotFound("Alert destination not found")
    return row


def _view(session: Session, row: AlertDestination) -> DestinationView:
    return views.destination_view(row, rows.rules_of(session, [row.id]))


def _audit(session: Session, actor: Actor, slug: str, action: str, row: AlertDestination, **payload: object) -> None:
    details = {"name": row.name, "type": row.type, **payload}
    identity.record_audit(session, actor, action, "alert_destination", row.id, project_slug=slug, payload=details)
