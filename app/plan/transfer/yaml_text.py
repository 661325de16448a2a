"""YAML as text and back: the same plan always gives the same text, and what is read keeps its lines.

Reading takes the safe subset only: no aliases (a small file could stand for endless data), no tags, no two keys of one name,
bounded depth.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from app.plan.transfer.records import Place, Unreadable
from app.plan.transfer.tree import Located

_DEEPEST = 20
_LONGEST_NUMBER = 64
_TEXT = "tag:yaml.org,2002:str"
_WIDEST = 1_000_000  # no line is folded: a changed word changes one line
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SafeDumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
# What plain and block styles bring back unchanged; the rest goes in double quotes, with escapes.
_PLAIN_ENOUGH = re.compile(r"[\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]*")
_BLOCK = re.compile(r"[^\s](.*[^\s])?(\n+[^\s](.*[^\s])?)+\n?")


class _Dumper(_SafeDumper):  # type: ignore[misc]
    """The safe dumper, with long texts as blocks."""


def _text(dumper: Any, value: str) -> Any:
    style = None
    if not _PLAIN_ENOUGH.fullmatch(value):
        style = '"'
    elif "\n" in value:
        style = "|" if _BLOCK.fullmatch(value) else '"'
    return dumper.represent_scalar(_TEXT, value, style=style)


_Dumper.add_representer(str, _text)


def dump(tree: object) -> str:
    """The tree as YAML in block style, keys in the order given."""
    options: dict[str, Any] = {"sort_keys": False, "allow_unicode": True, "width": _WIDEST, "default_flow_style": False}
    return str(yaml.dump(tree, Dumper=_Dumper, **options))


def load(text: str, file: str) -> object:
    """What the text holds, every mapping a `Located`. Unreadable, with the line, for anything outside the safe subset."""
    try:
        _check_events(text, file)
        node = yaml.compose(text, Loader=_Loader)
        return None if node is None else _value(node, _Loader(""), file)
    except yaml.MarkedYAMLError as error:
        row = _line(error.problem_mark) if error.problem_mark else ""
        raise Unreadable(f"is no YAML: {error.problem or error.context}", Place(file, row)) from None
    except yaml.YAMLError as error:  # a character that YAML does not allow
        raise Unreadable(f"is no YAML: {getattr(error, 'reason', 'not readable')}", Place(file)) from None


def _check_events(text: str, file: str) -> None:
    """Refuse what could grow or nest beyond bounds before anything is built from it."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            raise Unreadable("Anchors and aliases are not accepted", Place(file, _line(event.start_mark)))
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            depth += 1
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            depth -= 1
        if getattr(event, "tag", None) is not None:
            raise Unreadable("Tags are not accepted", Place(file, _line(event.start_mark)))
        if depth > _DEEPEST or documents > 1:
            reason = "The file nests too deep" if depth > _DEEPEST else "A file holds one document"
            raise Unreadable(reason, Place(file, _line(event.start_mark)))


def _value(node: Any, scalars: Any, file: str) -> object:
    if isinstance(node, yaml.SequenceNode):
        return [_value(entry, scalars, file) for entry in node.value]
    if isinstance(node, yaml.MappingNode):
        mapping = Located()
        mapping.row = _line(node.start_mark)
        for key_node, value_node in node.value:
            key = _value(key_node, scalars, file)
            place = Place(file, _line(key_node.start_mark))
            if not isinstance(key, str):
                raise Unreadable("A name must be text; in quotes when it looks like a number, a date or yes and no", place)
            if key in mapping:
                raise Unreadable(f"{key} is given twice", place)
            mapping[key] = _value(value_node, scalars, file)
        return mapping
    if node.tag == _TEXT:
        return str(node.value)
    try:
        # The library's time for a number grows with the square of its length.
        if len(node.value) > _LONGEST_NUMBER:
            raise ValueError
        return scalars.construct_object(node)
    except ValueError:  # 2026-13-01 looks like a date and is none
        raise Unreadable(
            "looks like a number or a date and is none; text goes in quotes", Place(file, _line(node.start_mark))
        ) from None


def _line(mark: Any) -> str:
    return f"line {mark.line + 1}"
