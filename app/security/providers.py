"""Entries of identity providers' logs and webhooks as events (contract C.8)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.kernel.errors import BadRequest
from app.security.normalise import Incoming, address, checked_metadata

MOST_ENTRIES: Final = 100
_LONGEST_ID: Final = 190
_AUTH0: Final = {
    "seacft": "auth.login_success",
    "f": "auth.login_failed",
    "fp": "auth.login_failed",
    "fu": "auth.login_failed",
    "fcoa": "auth.login_failed",
    "slo": "auth.logout",
    "scp": "auth.password_reset",
    "scpr": "auth.password_reset",
    "limit_wc": "security.brute_force_detected",
    "s": "auth.login_success",
}


@dataclass(frozen=True, slots=True)
class Delivery:
    """One entry as an event; `id` tells a repeated one."""

    event: Incoming
    id: str | None


def auth0_deliveries(content: Any) -> list[Delivery]:
    """The entries of a log stream request. BadRequest names the index of a faulty one."""
    entries = content.get("logs") if isinstance(content, Mapping) else content
    if isinstance(content, Mapping) and entries is None and "data" in content:
        entries = [content]
    if not isinstance(entries, list) or not 1 <= len(entries) <= MOST_ENTRIES:
        raise BadRequest(f"The body must be an array of 1 to {MOST_ENTRIES} log entries")
    return [_auth0(index, entry) for index, entry in enumerate(entries)]


def supabase_deliveries(content: Any) -> list[Delivery]:
    """The event of a change in the users table; nothing for changes that mean none. BadRequest."""
    if not isinstance(content, Mapping) or content.get("type") not in ("INSERT", "UPDATE", "DELETE"):
        raise BadRequest("'type' is not one of INSERT, UPDATE, DELETE")
    if content.get("table") != "users" or content.get("schema") != "auth":
        return []
    record, old = _object(content.get("record")), _object(content.get("old_record"))
    name = _supabase_event(content["type"], record, old)
    if name is None:
        return []
    user = record or old
    metadata = {"provider": "supabase", "operation": content["type"]}
    return [Delivery(Incoming(name, _text(user.get("id")), _text(user.get("email")), None, metadata), None)]


def _auth0(index: int, entry: Any) -> Delivery:
    data = entry.get("data") if isinstance(entry, Mapping) else None
    if not isinstance(entry, Mapping) or not isinstance(data, Mapping):
        raise BadRequest(f"[{index}]: 'data' is required")
    kind = _text(data.get("type"))
    if kind is None:
        raise BadRequest(f"[{index}]: 'data.type' is required")
    names = ("date", "type", "user_agent", "connection", "client_name", "description")
    metadata = {name: data[name] for name in names if data.get(name) is not None}
    log_id = _text(entry.get("log_id")) or _text(data.get("log_id"))
    user_name = _text(data.get("user_name"))
    event = Incoming(
        event=_auth0_event(kind),
        actor_id=_text(data.get("user_id")) or user_name,
        actor_email=user_name if user_name and "@" in user_name else None,
        user_ip=address(data.get("ip")),
        metadata=checked_metadata({"provider": "auth0", "log_id": log_id, **metadata}),
    )
    return Delivery(event, f"auth0:{log_id[:_LONGEST_ID]}" if log_id else None)


def _auth0_event(kind: str) -> str:
    if kind in _AUTH0:
        return _AUTH0[kind]
    if kind.startswith("ss"):
        return "auth.login_success"
    return f"auth0.{re.sub(r'[^a-z0-9_]', '_', kind.lower())[:60] or 'unknown'}"


def _supabase_event(kind: str, record: Mapping[str, Any], old: Mapping[str, Any]) -> str | None:
    if kind == "INSERT":
        return "admin.user_created"
    if kind == "DELETE":
        return "admin.user_deleted"
    if record.get("last_sign_in_at") and record.get("last_sign_in_at") != old.get("last_sign_in_at"):
        return "auth.login_success"
    changed = "encrypted_password" in record and record["encrypted_password"] != old.get("encrypted_password")
    return "auth.password_reset" if changed else None


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, bool | list | dict):
        return None
    return str(value).replace("\0", "").strip()[:320] or None
