"""Destinations: where alerts go (contract 12.1). Secrets rest encrypted and are never part of an answer."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import replace

from sqlmodel import Session

from app.alerting import destination_rules, views
from app.alerting.contracts import DestinationFields, DestinationView
from app.alerting.declarations import CLEARABLE, FIELDS, SECRETS
from app.alerting.delivery_contracts import Target
from app.alerting.destination_rules import blank_to_none
from app.alerting.repository import destinations as rows
from app.alerting.vocabulary import DestinationType
from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.crypto import SecretBox
from app.kernel.errors import InvalidInput, NotFound
from app.kernel.outbound import Outbound, outbound
from app.kernel.settings import get_settings
from app.projects import service as projects
from models.alerting import AlertDestination

LONGEST_NAME = 255
UNREADABLE = "The stored secret was written with another encryption key. Enter it again."


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
    return _view(session, find(session, actor, slug, destination_id))


def require_editor_of(session: Session, actor: Actor, slug: str) -> None:
    """Refuse whoever may not change the project's destinations, before anything is waited for. Errors: Forbidden, NotFound."""
    projects.get_project(session, actor, slug)
    actor.require_editor()


def check_reach(kind: DestinationType | None, fields: DestinationFields, *, calls: Outbound | None = None) -> None:
    """Refuse hosts whose addresses are not public. Errors: InvalidInput.

    Asks the name server, so it belongs before the transaction.
    """
    rules = calls or outbound()
    for one in (DestinationType.WEBHOOK, DestinationType.JIRA, DestinationType.APPRISE) if kind is None else (kind,):
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
        row.sealed_signing_secret = secret_box().seal(new_signing_secret())
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
    row = find(session, actor, slug, destination_id, lock=True)
    kind, box = DestinationType(row.type), secret_box()
    given = destination_rules.checked(kind, merged_fields(row, changes, box), outbound())
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
    row = find(session, actor, slug, destination_id, lock=True)
    rows.delete(session, row)
    _audit(session, actor, slug, "alert_destination.delete", row)


def signing_secret(session: Session, actor: Actor, slug: str, destination_id: str) -> str | None:
    """The secret that a receiver of a webhook checks signatures with; None for other channels. Editors. Errors: NotFound."""
    actor.require_editor()
    row = find(session, actor, slug, destination_id)
    return opened(row, secret_box()).signing_secret


def rotate_signing_secret(session: Session, actor: Actor, slug: str, destination_id: str) -> str:
    """A new secret for a webhook's signatures. Editors. Errors: NotFound, InvalidInput for another channel."""
    actor.require_editor()
    row = find(session, actor, slug, destination_id, lock=True)
    if row.type != DestinationType.WEBHOOK:
        raise InvalidInput("Only webhooks are signed")
    secret = new_signing_secret()
    row.sealed_signing_secret = secret_box().seal(secret)
    rows.save(session, row)
    _audit(session, actor, slug, "alert_destination.rotate_secret", row)
    return secret


def merged_fields(row: AlertDestination, changes: Mapping[str, object], box: SecretBox) -> DestinationFields:
    """The stored fields with the changes of the channel's own ones; blank keeps what must not be empty."""
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
        if value is not None or name in CLEARABLE:
            merged[name] = value
    if "webhook_header_name" in merged and merged["webhook_header_name"] is None:
        merged["webhook_header_value"] = None  # without a name there is no header
    return replace(stored, **merged)


def is_readable(row: AlertDestination, box: SecretBox) -> bool:
    """Whether the destination's secrets can be opened with today's keys."""
    try:
        views.target_of(row, box)
    except ValueError:
        return False
    return True


def opened(row: AlertDestination, box: SecretBox) -> Target:
    """What a channel needs to reach the destination. InvalidInput when its secrets cannot be opened."""
    try:
        return views.target_of(row, box)
    except ValueError:
        raise InvalidInput(UNREADABLE) from None


def new_signing_secret() -> str:
    """A secret for a webhook's signatures (Standard Webhooks, "Signature scheme")."""
    return "whsec_" + base64.b64encode(os.urandom(32)).decode()


def _checked_name(name: str) -> str:
    trimmed = name.strip()
    if not 0 < len(trimmed) <= LONGEST_NAME:
        raise InvalidInput(f"must have between 1 and {LONGEST_NAME} characters", field="name")
    return trimmed


def find(session: Session, actor: Actor, slug: str, destination_id: str, *, lock: bool = False) -> AlertDestination:
    """One of the project's destinations as it is stored. Errors: NotFound."""
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
