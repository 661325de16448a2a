"""Which rooms of the house may reach into which; `make lint` holds the borders that are few enough to be listed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_nobody_reaches_into_the_repository_of_another_area() -> None:
    trespassers = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path, module in _imports()
        if (area := _area_of_repository(module)) and not path.is_relative_to(ROOT / "app" / area)
    ]

    assert trespassers == []


def _imports() -> Iterator[tuple[Path, str]]:
    for folder in ("app", "jobs", "components", "models"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    yield from ((path, name.name) for name in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module:
                    yield from ((path, f"{node.module}.{name.name}") for name in node.names)


def _area_of_repository(module: str) -> str | None:
    """The area whose SQL the module holds; None for every other module."""
    first, *rest = module.split(".")
    is_repository = first == "app" and len(rest) > 1 and (rest[1] == "repository" or rest[1].endswith("_repository"))
    return rest[0] if is_repository else None
