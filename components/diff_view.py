"""Two versions of a plan side by side: grouped by kind of thing, attribute by attribute, with the words that changed marked.

Colour is never the only sign: additions, removals and changes carry a sign and a word, changed words are underlined or
struck through.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

import reflex as rx

# Longer texts are compared as a whole: word by word they would take seconds and say little.
_MOST_WORDS = 2000
_WORDS = re.compile(r"\s+|[\w$-]+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of a text, and whether the other side lacks it."""

    text: str
    is_changed: bool


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One attribute. A side without stretches has no value."""

    label: str
    old: list[Stretch] = field(default_factory=list)
    new: list[Stretch] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class DiffEntry:
    """One thing that differs. `kind` is added, removed or changed;"""

    kind: str
    name: str
    parent: str
    lines: list[DiffLine] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class DiffGroup:
    """Things of one kind."""

    title: str
    things: list[DiffEntry] = field(default_factory=list)


def compared(old: str, new: str) -> tuple[list[Stretch], list[Stretch]]:
    """Both texts in stretches, with what the other lacks marked; a text that is empty has none."""
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    if len(before) + len(after) > _MOST_WORDS:
        return _whole(old, old != new), _whole(new, old != new)
    left: list[Stretch] = []
    right: list[Stretch] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        left += _whole("".join(before[i1:i2]), tag != "equal")
        right += _whole("".join(after[j1:j2]), tag != "equal")
    return left, right


def one_sided(text: str) -> list[Stretch]:
    """A text that has no other side."""
    return _whole(text, is_changed=False)


def _whole(text: str, is_changed: bool) -> list[Stretch]:
    return [Stretch(text, is_changed)] if text else []


def diff_view(groups: Any, *, old: str, new: str, empty: rx.Component) -> rx.Component:
    """The comparison; `groups` is a Var of DiffGroup, `old` and `new` name the two sides."""
    return rx.cond(
        groups.length() > 0,
        rx.el.div(rx.foreach(groups, lambda group: _group(group, old, new)), class_name="diff"),
        empty,
    )


def _group(group: Any, old: str, new: str) -> rx.Component:
    return rx.el.section(
        rx.el.h3(group.title), rx.foreach(group.things, lambda entry: _entry(entry, old, new)), class_name="diff-group"
    )


_SIGNS: Sequence[tuple[str, str, str]] = (("added", "+", "Added"), ("removed", "−", "Removed"), ("changed", "~", "Changed"))


def _entry(entry: Any, old: str, new: str) -> rx.Component:
    sign = rx.match(entry.kind, *[(kind, mark) for kind, mark, _ in _SIGNS], "")
    word = rx.match(entry.kind, *[(kind, text) for kind, _, text in _SIGNS], "")
    return rx.el.article(
        rx.el.div(
            rx.el.span(sign, class_name="diff-sign", aria_hidden="true"),
            rx.el.h4(entry.name),
            rx.cond(entry.parent != "", rx.el.span(f"in {entry.parent}", class_name="muted"), rx.fragment()),
            rx.el.span(word, class_name="muted"),
            class_name="diff-head",
        ),
        rx.cond(entry.lines.length() > 0, _lines(entry, old, new), rx.fragment()),
        class_name=f"diff-entry diff-{entry.kind}",
    )


def _lines(entry: Any, old: str, new: str) -> rx.Component:
    return rx.el.table(
        rx.el.caption(f"Attributes of {entry.name}", class_name="sr-only"),
        rx.el.thead(
            rx.el.tr(
                rx.el.th(rx.el.span("Attribute", class_name="sr-only"), scope="col"),
                rx.el.th(old, scope="col"),
                rx.el.th(new, scope="col"),
            )
        ),
        rx.el.tbody(
            rx.foreach(
                entry.lines,
                lambda line: rx.el.tr(
                    rx.el.th(line.label, scope="row"),
                    rx.el.td(_side(line.old, rx.el.del_), custom_attrs={"data-label": old}),
                    rx.el.td(_side(line.new, rx.el.ins), custom_attrs={"data-label": new}),
                ),
            )
        ),
        class_name="diff-table",
    )


def _side(stretches: Any, mark: Any) -> rx.Component:
    return rx.cond(
        stretches.length() > 0,
        rx.el.span(
            rx.foreach(stretches, lambda part: rx.cond(part.is_changed, mark(part.text), rx.el.span(part.text))),
            class_name="value",
        ),
        rx.el.span("–", class_name="muted"),
    )
