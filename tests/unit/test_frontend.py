"""When the front end is built again, and what a person is told when it cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import frontend


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in {
        "rxconfig.py": "config = 1\n",
        "assets/style.css": "a {}\n",
        "reflex.lock/bun.lock": "{}\n",
        "components/table.py": "import reflex as rx\n",
        "app/plan/pages.py": "import reflex as rx\n",
        "app/plan/service.py": "def f(): ...\n",
        "app/plan/contracts.py": "A = 1\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(frontend, "ROOT", tmp_path)
    monkeypatch.setattr(frontend, "WEB_DIR", tmp_path / ".web")
    monkeypatch.setattr(frontend, "_STAMP", tmp_path / ".web" / "build" / ".stamp")
    monkeypatch.setattr(frontend, "BUN_PATH", tmp_path / ".tools" / "bun")
    return tmp_path


@pytest.mark.parametrize(
    "changed",
    [
        "rxconfig.py",
        "assets/style.css",
        "reflex.lock/bun.lock",
        "components/table.py",
        "app/plan/pages.py",
        "app/plan/contracts.py",
    ],
)
def test_a_change_to_what_pages_are_made_of_asks_for_a_build(tree: Path, changed: str) -> None:
    before = frontend.source_stamp()
    with (tree / changed).open("a") as file:
        file.write("# more\n")
    assert frontend.source_stamp() != before


def test_a_change_to_a_service_does_not(tree: Path) -> None:
    before = frontend.source_stamp()
    (tree / "app/plan/service.py").write_text("def g(): ...\n")
    assert frontend.source_stamp() == before


def test_a_finished_build_of_the_same_sources_is_current(tree: Path) -> None:
    assert not frontend.is_current()
    for name in ("build/client/index.html", "routes.json", "backend/stateful_pages.json"):
        path = tree / ".web" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    (tree / ".web/build/.stamp").write_text(frontend.source_stamp())
    assert frontend.is_current()
    (tree / ".web/routes.json").unlink()
    assert not frontend.is_current()


def test_without_npm_and_bun_one_line_says_what_to_install(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(frontend.FrontendError, match="needs npm"):
        frontend.ensure_built()


def test_no_registry_host_stands_in_the_committed_lock() -> None:
    lock = Path(__file__).resolve().parents[2] / "reflex.lock"
    assert "://" not in (lock / "bun.lock").read_text()
    assert "://" not in (lock / "package.json").read_text()
