"""What a plan may hold: pure checks that return the value as stored, or raise InvalidInput at the field (contract 2.3, 2.5)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from app.kernel.errors import InvalidInput
from app.plan.drafts import Values
from app.plan.tokens import NAME_PATTERN
from app.plan.value_pattern import ValuePattern

LONGEST_TAG = 100
_LINK_PLACEHOLDER = "${value}"
_SCHEME = re.compile(r"^([a-zA-Z][a-zA-Z0-9+.-]*):")
_LINK_SCHEMES = ("http", "https", "mailto")


class Definition(Protocol):
    """What a value is checked against: a field or a meta field."""

    id: str
    name: str
    is_required: bool


class FieldShape(Protocol):
    """The parts of a field definition that must fit each other."""

    field_type: str
    enum_options: list[str] | None
    contract_regex: str | None
    contract_min_value: float | None
    contract_max_value: float | None


def checked_name(name: str) -> str:
    """A name with something to read in it."""
    if not name.strip():
        raise InvalidInput("A name must not be blank", field="name")
    return name


def checked_tags(tags: Iterable[str]) -> list[str]:
    """Tags trimmed, lower-cased, each once and without blanks, in the order given."""
    tidy = list(dict.fromkeys(tag.strip().lower() for tag in tags))
    for tag in tidy:
        if len(tag) > LONGEST_TAG:
            raise InvalidInput(f"A tag has at most {LONGEST_TAG} characters", field="tags")
    return [tag for tag in tidy if tag]


def checked_breakdown_columns(columns: Iterable[str]) -> list[str]:
    """Columns trimmed, each once and without blanks; a dot, as in a path into JSON, is refused."""
    tidy = [column for column in dict.fromkeys(column.strip() for column in columns) if column]
    for column in tidy:
        if "." in column:
            raise InvalidInput(f"A breakdown column must not hold a dot: {column}", field="metric_breakdown_columns")
    return tidy


def checked_values(values: Values, definitions: Mapping[str, Definition], *, field: str, what: str) -> dict[str, str]:
    """Values by definition id, in the order given. Every required definition has a value that is not blank.

    `field` is where a fault is reported, `what` says what the definitions are: "field" or "meta field".
    """
    checked: dict[str, str] = {}
    for definition_id, value in values:
        definition = definitions.get(definition_id)
        if definition is None:
            raise InvalidInput(f"Unknown {what} definition {definition_id}", field=field)
        if definition_id in checked:
            raise InvalidInput(f"The {what} {definition.name} is given twice", field=field)
        checked[definition_id] = value
    for definition in definitions.values():
        if definition.is_required and not checked.get(definition.id, "").strip():
            raise InvalidInput(f"A value is required for the {what} {definition.name}", field=field)
    return checked


def check_options(field_type: str, enum_options: Sequence[str] | None) -> None:
    """An enum says what it may be."""
    if field_type == "enum" and not any(option.strip() for option in enum_options or ()):
        raise InvalidInput("An enum field needs enum_options", field="enum_options")


def check_field(field: FieldShape) -> None:
    """The parts of a field definition fit each other: options for an enum, a pattern that compiles, min no more than max."""
    check_options(field.field_type, field.enum_options)
    if field.contract_regex is not None:
        try:
            ValuePattern(field.contract_regex)
        except ValueError as error:
            raise InvalidInput(f"The pattern does not compile: {error}", field="contract_regex") from None
    low, high = field.contract_min_value, field.contract_max_value
    if low is not None and high is not None and low > high:
        raise InvalidInput("contract_min_value must not be greater than contract_max_value", field="contract_min_value")


def checked_link_template(template: str | None) -> str | None:
    """A link with a place for the value; None for a blank one. Links that run code instead of leading somewhere are refused."""
    template = (template or "").strip()
    if not template:
        return None
    if _LINK_PLACEHOLDER not in template:
        raise InvalidInput(f"A link template must hold {_LINK_PLACEHOLDER}", field="link_template")
    scheme = _SCHEME.match(template)
    if scheme and scheme[1].lower() not in _LINK_SCHEMES:
        raise InvalidInput("A link template must lead to http, https or mailto", field="link_template")
    return template


def checked_variable_name(name: str) -> str:
    """A name that can stand in a token."""
    if not NAME_PATTERN.fullmatch(name):
        raise InvalidInput("A variable name has small letters, digits and underscores and begins with a letter", field="name")
    return name
