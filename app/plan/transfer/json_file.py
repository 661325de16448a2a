"""The plan as one JSON file."""

from __future__ import annotations

import json

from app.plan.snapshot import Snapshot
from app.plan.transfer.records import Document, Place, Unreadable
from app.plan.transfer.tree import TreeReader, tree_of


def text_of(plan: Snapshot) -> str:
    """The plan as indented JSON, the same text for equal plans."""
    return json.dumps(tree_of(plan), ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def read_text(text: str, file: str) -> Document:
    """What the file says. Unreadable when it is no JSON, names a key twice or nests without end."""
    reader = TreeReader()
    try:
        tree = json.loads(text, object_pairs_hook=_unambiguous, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise Unreadable(f"is no JSON: {error.msg}", Place(file, f"line {error.lineno}", f"column {error.colno}")) from None
    except RecursionError:
        raise Unreadable("The file nests too deep", Place(file)) from None
    except ValueError as error:
        raise Unreadable(f"is no JSON: {error}", Place(file)) from None
    reader.read(tree, file)
    return reader.document()


def _unambiguous(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{name} is given twice in one object")
        found[name] = value
    return found


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no number")
