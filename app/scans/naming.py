"""From a group of rows to the event it stands for: field values, name and group (contract 4.5 and 4.7). Pure.

The catalog sync and the counting use the same naming, so that what was planned is what is counted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from app.plan.contracts import EVENT_NAME_LIMIT, UNNAMED, identity_of, shortened
from app.scans.groups import GroupRule, fields_of, grouping_of
from app.scans.layout import Layout
from app.scans.templates import Template
from app.scans.values import text_of
from app.warehouse.contracts import GroupKey, JsonPath, ScanQuery

LONGEST_NAME_PART = 80
_FORMAT_KEY = re.compile(r"\{([^{}]*)\}")

Templates = Mapping[str, Mapping[str, Template]]


@dataclass(frozen=True, slots=True)
class Row:
    """One group key by column: text of scalars, paths of JSON columns, texts at kept paths. `nulls` are columns without a value."""

    texts: Mapping[str, str]
    json_paths: Mapping[str, tuple[str, ...] | None]
    json_values: Mapping[str, str | None]
    nulls: frozenset[str]

    @classmethod
    def reader(cls, query: ScanQuery) -> Callable[[GroupKey], Row]:
        """Reads keys of answers to the query."""
        full_paths = [path.full_path for path in query.json_value_paths]

        def read(key: GroupKey) -> Row:
            texts = {name: text_of(value) for name, value in zip(query.group_columns, key.values, strict=True)}
            paths = dict(zip(query.json_columns, key.json_paths, strict=True))
            nulls = [name for name, value in zip(query.group_columns, key.values, strict=True) if value is None]
            nulls += [name for name, found in paths.items() if found is None]
            return cls(texts, paths, dict(zip(full_paths, key.json_values, strict=True)), frozenset(nulls))

        return read


@dataclass(frozen=True, slots=True)
class NamedRow:
    """The event a row stands for. `name` is what the plan calls it, `own_name` what it was called before a group rule."""

    event_type: str
    name: str
    own_name: str
    values: Mapping[str, str]

    @property
    def is_grouped(self) -> bool:
        """Whether a group rule named it."""
        return self.name != self.own_name


@dataclass(frozen=True, slots=True)
class Naming:
    """How rows become events. `fields` are the columns with a field definition, by event type; `templates` those with many values.

    `fixed_event_type` is the one type of all rows; None where the event type column names it.
    """

    layout: Layout
    name_format: str | None
    fixed_event_type: str | None
    fields: Mapping[str, frozenset[str]]
    templates: Templates = field(default_factory=dict)
    rules: tuple[GroupRule, ...] = ()

    def event_type_of(self, row: Row) -> str:
        """The name of the row's event type, as the plan calls it."""
        if self.fixed_event_type is not None:
            return self.fixed_event_type
        return identity_of(row.texts.get(self.layout.event_type_column or "", ""), "")[0]

    def named(self, row: Row) -> NamedRow:
        """The event the row stands for."""
        event_type = self.event_type_of(row)
        values = self._values(event_type, row)
        name = self._name(event_type, row, values)
        grouping = grouping_of(self.rules, name, values, json_fields=frozenset(self.layout.json_columns)) if self.rules else None
        if grouping is None:
            return NamedRow(event_type, name, name, values)
        grouped = {column: grouping.replaced.get(column, value) for column, value in values.items()}
        return NamedRow(event_type, identity_of("", grouping.name)[1], name, grouped)

    def counting_query(self, query: ScanQuery, *, row_limit: int) -> ScanQuery:
        """The query reduced to what names an event: columns that show the same text in every row are not grouped by."""
        needed = set(self._needed_columns())
        kept = query.json_value_paths
        if self.layout.name_keys is not None and not needed & set(query.json_columns):
            keys = set(self.layout.name_keys)
            kept = tuple(path for path in kept if path.full_path in keys)
        return replace(
            query,
            group_columns=tuple(name for name in query.group_columns if name in needed),
            json_columns=tuple(name for name in query.json_columns if name in needed),
            json_value_paths=kept,
            row_limit=row_limit,
        )

    def _needed_columns(self) -> set[str]:
        needed = {self.layout.event_type_column} if self.fixed_event_type is None and self.layout.event_type_column else set()
        with_fields = set().union(*self.fields.values()) if self.fields else set()
        wanted = set(self.layout.name_keys) if self.layout.name_keys is not None else with_fields
        wanted |= fields_of(self.rules) & with_fields
        always_literal = set(self.layout.name_keys or ())
        for column in wanted:
            shown = [self.templates.get(name, {}).get(column) for name, columns in self.fields.items() if column in columns]
            is_same_everywhere = bool(shown) and all(template is not None and template.is_constant for template in shown)
            if column in always_literal or not is_same_everywhere:
                needed.add(column)
        return needed

    def _values(self, event_type: str, row: Row) -> dict[str, str]:
        wanted = self.fields.get(event_type, frozenset())
        shown = {name: self._shown(event_type, name, row) for name in self.layout.field_columns if name in wanted}
        return {name: text for name, text in shown.items() if text is not None}

    def _shown(self, event_type: str, column: str, row: Row) -> str | None:
        """What the event shows for the column; None where the query did not ask for it."""
        if column in row.json_paths:
            return json_shape(column, row, self.layout.kept_paths)
        text = row.texts.get(column)
        template = self.templates.get(event_type, {}).get(column)
        if template is None or column in (self.layout.name_keys or ()):
            return text
        if template.is_constant:
            return template.text("")
        return template.text(text) if text else text

    def _name(self, event_type: str, row: Row, values: Mapping[str, str]) -> str:
        if self.name_format is not None:
            name = _FORMAT_KEY.sub(lambda key: self._key_text(key[1].strip(), row), self.name_format)
        else:
            name = " | ".join(f"{column}={shortened(value, LONGEST_NAME_PART)}" for column, value in values.items())
        # Rows without any field are one event, called after its type; an empty format result is an unknown event.
        return shortened(name.replace("\x00", ""), EVENT_NAME_LIMIT) or (UNNAMED if self.name_format else event_type)

    def _key_text(self, key: str, row: Row) -> str:
        if key in row.texts:
            return row.texts[key]
        if key in row.json_values:
            return row.json_values[key] or ""
        if key in row.json_paths:
            return json_shape(key, row, self.layout.kept_paths)
        return f"${{{key}}}"


def json_shape(column: str, row: Row, kept: tuple[JsonPath, ...]) -> str:
    """The JSON column as a template: kept paths show their text, every other path its `${column.path}`; null is empty."""
    paths = row.json_paths.get(column)
    own = [path for path in kept if path.column == column]
    if paths is None and all(row.json_values.get(path.full_path) is None for path in own):
        return ""
    shape: dict[str, Any] = {}
    covered = {path.path for path in own}
    for path in own:
        text = row.json_values.get(path.full_path)
        if text is not None:
            _place(shape, path.keys, text)
    for found in paths or ():
        if not any(path == found or path.startswith(found + ".") for path in covered):
            _place(shape, tuple(found.split(".")), f"${{{column}.{found}}}")
    return json.dumps(shape, ensure_ascii=False, sort_keys=True)


def _place(shape: dict[str, Any], keys: tuple[str, ...], text: str) -> None:
    for key in keys[:-1]:
        inner = shape.setdefault(key, {})
        if not isinstance(inner, dict):
            return
        shape = inner
    if not isinstance(shape.get(keys[-1]), dict):
        shape[keys[-1]] = text
