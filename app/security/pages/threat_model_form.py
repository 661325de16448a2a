"""A threat model as the fields of its form, and the form as a model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.kernel.errors import InvalidInput
from app.security.service.threat_models import ModelDraft, StepDraft

Form = dict[str, str]
Row = dict[str, str]

OPERATORS: Final = (
    ("equals", "is"),
    ("not_equals", "is not"),
    ("contains", "contains"),
    ("not_contains", "does not contain"),
    ("starts_with", "starts with"),
    ("ends_with", "ends with"),
    ("gt", "is more than"),
    ("gte", "is at least"),
    ("lt", "is less than"),
    ("lte", "is at most"),
    ("in", "is one of"),
    ("not_in", "is none of"),
    ("exists", "is present"),
    ("not_exists", "is absent"),
    ("regex", "matches"),
)
WITHOUT_VALUE: Final = ("exists", "not_exists")
JOINTS: Final = (("AND", "all of them hold"), ("OR", "one of them holds"))
GROUPINGS: Final = (("any", "the same actor or address"), ("actor", "the same actor"), ("ip", "the same address"))
SEVERITIES: Final = (("low", "Low"), ("medium", "Medium"), ("high", "High"), ("critical", "Critical"))
PATTERNS: Final = ("*", "auth.*", "authz.*", "admin.*", "data.*", "security.*")
FIELDS: Final = (
    "event", "severity", "actor_id", "actor_email", "user_ip", "country_code", "city", "asn", "isp", "network_type", "is_vpn",
    "is_tor", "is_proxy", "is_datacenter", "is_mobile", "threat_score", "metadata.user_agent", "metadata.device_id",
    "metadata.reason",
)  # fmt: skip
MOST_ROWS: Final = 20
EMPTY_ROW: Final = {"field": "", "operator": "equals", "value": ""}
EMPTY_FORM: Final = {
    "name": "",
    "description": "",
    "severity": "medium",
    "group_by": "any",
    "is_enabled": "yes",
    "pattern": "auth.login_failed",
    "threshold": "5",
    "window": "10",
    "joint": "AND",
    "raw": "",
    "has_next": "",
    "next_pattern": "auth.login_success",
    "next_window": "30",
    "next_joint": "AND",
    "next_raw": "",
}
"""The form of a model to be made. `raw` holds conditions as JSON where rows cannot show them; `next_` is the following step."""


def form_of(draft: ModelDraft) -> tuple[Form, list[Row], list[Row]]:
    """The fields of the form, and the conditions of both steps as rows."""
    following = draft.followed_by
    rows, joint, raw = _rows_of(draft.step.conditions)
    next_rows, next_joint, next_raw = _rows_of(following.conditions if following else {})
    form = {
        **EMPTY_FORM,
        "name": draft.name,
        "description": draft.description,
        "severity": draft.severity,
        "group_by": draft.group_by,
        "is_enabled": "yes" if draft.is_enabled else "",
        "pattern": draft.step.event_pattern,
        "threshold": str(draft.threshold),
        "window": str(draft.step.window_minutes),
        "joint": joint,
        "raw": raw,
        "next_joint": next_joint,
        "next_raw": next_raw,
    }
    if following is not None:
        form |= {
            "has_next": "yes",
            "next_pattern": following.event_pattern,
            "next_window": str(following.window_minutes),
        }
    return form, rows, next_rows


def draft_of(form: Mapping[str, str], rows: Sequence[Row], next_rows: Sequence[Row], *, is_lenient: bool = False) -> ModelDraft:
    """The form as a model. A lenient reading leaves out rows that are not filled yet, and a missing name. InvalidInput."""
    following = None
    if form["has_next"]:
        following = StepDraft(
            form["next_pattern"].strip().lower(),
            _number(form["next_window"], "followed_by.window_minutes"),
            _tree(form["next_raw"], form["next_joint"], next_rows, "followed_by.conditions", is_lenient=is_lenient),
        )
    return ModelDraft(
        name=form["name"].strip() or ("Preview" if is_lenient else ""),
        description=form["description"].strip(),
        step=StepDraft(
            form["pattern"].strip().lower(),
            _number(form["window"], "window_minutes"),
            _tree(form["raw"], form["joint"], rows, "conditions", is_lenient=is_lenient),
        ),
        threshold=_number(form["threshold"], "threshold"),
        followed_by=following,
        group_by=form["group_by"],
        severity=form["severity"],
        is_enabled=bool(form["is_enabled"]),
    )


def conditions_text(tree: Mapping[str, Any]) -> str:
    """A tree in words, short."""
    rows, joint, raw = _rows_of(tree)
    if raw:
        return "nested conditions"
    words = dict(OPERATORS)
    parts = [" ".join(part for part in (row["field"], words[row["operator"]], row["value"]) if part) for row in rows]
    return (" and " if joint == "AND" else " or ").join(parts)


def _rows_of(tree: Mapping[str, Any]) -> tuple[list[Row], str, str]:
    if not tree:
        return [], "AND", ""
    parts = tree.get("conditions", [tree])
    joint = str(tree.get("logical_operator", "AND")).upper()
    known = dict(OPERATORS)
    if any(not isinstance(part, dict) or "conditions" in part or part.get("operator") not in known for part in parts):
        return [], joint, json.dumps(tree, indent=2)
    return [{"field": part["field"], "operator": part["operator"], "value": _text(part.get("value"))} for part in parts], joint, ""


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _tree(raw: str, joint: str, rows: Sequence[Row], field: str, *, is_lenient: bool) -> dict[str, Any]:
    if raw.strip():
        try:
            tree = json.loads(raw)
        except (ValueError, RecursionError):
            raise InvalidInput("The conditions are no JSON", field=field) from None
        if not isinstance(tree, dict):
            raise InvalidInput("The conditions are a JSON object", field=field)
        return tree
    leaves: list[dict[str, str]] = []
    for row in rows:
        is_short = row["operator"] in WITHOUT_VALUE
        name, value = row["field"].strip(), row["value"].strip()
        if not name or not (value or is_short):
            if is_lenient:
                continue
            raise InvalidInput("Each condition names a field and a value", field=field)
        leaves.append({"field": name, "operator": row["operator"], **({} if is_short else {"value": value})})
    if len(leaves) < 2:
        return leaves[0] if leaves else {}
    return {"logical_operator": joint, "conditions": leaves}


def _number(text: str, field: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InvalidInput("Enter a whole number", field=field) from None
