"""Which rooms of the house may reach into which; `make lint` holds the borders that are few enough to be listed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LENT_PAGES = {("app.plan", "app.assistant.pages.describe")}
"""Parts of pages that another area may show: the assistant proposes texts in the forms of the plan."""


def test_nobody_reaches_into_the_repository_of_another_area() -> None:
    trespassers = [
        f"{importer} imports {module}"
        for importer, module in _imports()
        if _is_repository(module) and _area_of(importer) != _area_of(module)
    ]

    assert trespassers == []


def test_routes_pages_and_jobs_ask_their_service_and_never_a_repository() -> None:
    trespassers = [
        f"{importer} imports {module}" for importer, module in _imports() if _is_entrance(importer) and _is_repository(module)
    ]

    assert trespassers == []


def test_routes_are_nobodys_but_their_own_areas() -> None:
    trespassers = [
        f"{importer} imports {module}"
        for importer, module in _imports()
        if _is_route(module) and _area_of(importer) != _area_of(module) and not _is_composition(importer)
    ]

    assert trespassers == []


def test_pages_are_nobodys_but_their_own_areas_unless_they_are_lent() -> None:
    trespassers = [
        f"{importer} imports {module}"
        for importer, module in _imports()
        if _is_page(module)
        and _area_of(importer) != _area_of(module)
        and not _is_composition(importer)
        and not any(_area_of(importer) == area and f"{module}.".startswith(f"{part}.") for area, part in LENT_PAGES)
    ]

    assert trespassers == []


def test_what_stands_below_the_routes_and_pages_knows_none_of_them() -> None:
    trespassers = [
        f"{importer} imports {module}"
        for importer, module in _imports()
        if not _is_entrance(importer) and (_is_route(module) or _is_page(module))
    ]

    assert trespassers == []


@cache
def _imports() -> tuple[tuple[str, str], ...]:
    """Every import of the product: the importing module and what it imports, both with dots."""
    return tuple(_read_imports())


def _read_imports() -> Iterator[tuple[str, str]]:
    for folder in ("app", "jobs", "components", "models"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            importer = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    yield from ((importer, name.name) for name in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module:
                    yield from ((importer, f"{node.module}.{name.name}") for name in node.names)


def _area_of(module: str) -> str:
    """The folder of the area, or of the room beside the areas."""
    return ".".join(module.split(".")[:2]) if module.startswith("app.") else module.split(".", maxsplit=1)[0]


def _is_part(module: str, name: str) -> bool:
    """Whether the module, or the package around it, is the area's `name` or one of several called so."""
    rest = module.split(".")[2:] if module.startswith("app.") else []
    return any(part == name or part.endswith(f"_{name}") for part in rest)


def _is_repository(module: str) -> bool:
    return _is_part(module, "repository")


def _is_route(module: str) -> bool:
    return _is_part(module, "api")


def _is_page(module: str) -> bool:
    return _is_part(module, "pages")


def _is_composition(module: str) -> bool:
    """The modules beside the areas, which put them together."""
    return module.startswith("app.") and module.count(".") == 1 and not (ROOT / module.replace(".", "/")).is_dir()


def _is_entrance(module: str) -> bool:
    """Where somebody comes in from outside: over HTTP, in the browser, on the command line, by a clock."""
    is_other_door = _area_of(module) in {"app.cli", "app.mcp", "jobs"}
    return is_other_door or _is_route(module) or _is_page(module) or _is_composition(module)
