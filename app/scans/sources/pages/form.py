"""The form of a connection, drawn from what the adapter declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import reflex as rx

from app.kernel.errors import InvalidInput
from app.scans.sources.contracts import DataSourceFields, DataSourceView
from app.warehouse.declarations import MASK, ConnectionField, DbType, Declaration, FieldKind, declaration
from components.forms import form_field, select_input, text_area, text_input
from components.inline_edit import form_check


def shown_values(view: DataSourceView) -> dict[str, str]:
    """The form's values for a stored source; secrets stay out of it."""
    values = {
        "name": view.name,
        "host": view.host,
        "port": str(view.port),
        "database_name": view.database_name,
        "username": view.username,
        "password": "",
        "timeout_seconds": str(view.timeout_seconds or ""),
    }
    params = view.extra_params or {}
    for field in declaration(view.db_type).fields:
        if field.is_param and field.name in params:
            values[field.name] = (
                ""
                if field.is_secret
                else str(params[field.name]).lower()
                if field.kind is FieldKind.SWITCH
                else str(params[field.name])
            )
    return values


def starting_values(kind: Declaration) -> dict[str, str]:
    """The form's values for a new source."""
    return {"name": "", "password": "", **{field.name: field.default for field in kind.fields}}


def read_form(db_type: str, form: Mapping[str, Any], before: DataSourceView | None) -> DataSourceFields:
    """What somebody filled in. Parameters that the form does not show are kept. Errors: InvalidInput at the field."""
    kind = declaration(db_type)
    texts = {field.name: str(form.get(field.name, "")).strip() for field in kind.fields}
    name = str(form.get("name", "")).strip()
    if not name:
        raise InvalidInput("Give the data source a name", field="name")
    for field in kind.fields:
        if field.is_required and not texts[field.name]:
            raise InvalidInput(f"{field.label} is missing", field=field.name)
    port = _number(texts.get("port", ""), "port", kind.default_port)
    if not 1 <= port <= 65535:
        raise InvalidInput("A port lies between 1 and 65535", field="port")
    seconds = texts.get("timeout_seconds", "")
    return DataSourceFields(
        name=name[:255],
        db_type=db_type,
        host=texts.get("host", "")[:500],
        port=port,
        database_name=texts.get("database_name", "")[:255],
        username=texts.get("username", ""),
        password=str(form.get("password", "")) or MASK,
        timeout_seconds=_number(seconds, "timeout_seconds", 0) if seconds else None,
        extra_params=_params(kind, texts, form, before),
    )


def _params(
    kind: Declaration, texts: Mapping[str, str], form: Mapping[str, Any], before: DataSourceView | None
) -> dict[str, object] | None:
    declared = {field.name: field for field in kind.fields if field.is_param}
    kept = (before.extra_params or {}) if before else {}
    params: dict[str, object] = {name: value for name, value in kept.items() if name not in declared}
    for name, field in declared.items():
        if field.kind is FieldKind.SWITCH:
            params[name] = bool(form.get(name))
        elif field.is_secret and not texts[name] and name in kept:
            params[name] = MASK
        elif texts[name]:
            params[name] = _number(texts[name], name, 0) if field.kind is FieldKind.NUMBER else texts[name]
    return params or None


def _number(text: str, name: str, default: int) -> int:
    try:
        return int(text) if text else default
    except ValueError:
        raise InvalidInput("This must be a whole number", field=name) from None


def connection_form(db_type: DbType, values: Any, errors: Any, has_password: Any) -> list[rx.Component]:
    """The controls of one kind of warehouse; `values` and `errors` are Vars by field name."""
    return [_control(field, values, errors, has_password) for field in declaration(db_type.value).fields]


def _control(field: ConnectionField, values: Any, errors: Any, has_password: Any) -> rx.Component:
    name = field.name
    value = values.get(name, field.default)
    hint: Any = field.note or None
    control: rx.Component
    match field.kind:
        case FieldKind.SWITCH:
            return form_check(field.label, name, checked=value == "true")
        case FieldKind.CHOICE:
            control = select_input([(choice, choice) for choice in field.choices], field_id=name, name=name, default_value=value)
        case FieldKind.SECRET:
            kept = rx.cond(has_password, "Stored. Leave empty to keep it.", field.note)
            hint = kept
            control = text_input(field_id=name, name=name, type="password", auto_complete="new-password")
        case FieldKind.SECRET_TEXT:
            hint = rx.cond(has_password, "Stored. Leave empty to keep it.", field.note)
            control = text_area(field_id=name, name=name, rows=6, auto_complete="off", spell_check=False)
        case FieldKind.LONG_TEXT:
            control = text_area(field_id=name, name=name, rows=3, default_value=value, spell_check=False)
        case FieldKind.NUMBER:
            control = text_input(field_id=name, name=name, default_value=value, input_mode="numeric")
        case _:
            control = text_input(field_id=name, name=name, default_value=value, auto_complete="off", spell_check=False)
    return form_field(field.label, control, field_id=name, hint=hint, error=errors.get(name, ""))
