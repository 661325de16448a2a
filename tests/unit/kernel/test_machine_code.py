"""Machine code is kept per version of the package."""

from __future__ import annotations

from app.kernel.machine_code import MachineCode


def test_the_version_follows_the_sources(tmp_path):
    def version():
        return MachineCode("engine", tmp_path.rglob("*.py")).version

    (tmp_path / "step.py").write_text("a = 1\n")
    first = version()
    assert version() == first
    (tmp_path / "step.py").write_text("a = 2\n")
    assert version() != first


def test_the_cache_goes_where_the_environment_says(tmp_path, monkeypatch):
    code = MachineCode("engine", [])
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert code.folder.parent == tmp_path
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    assert code.folder.is_relative_to(tmp_path / "user")
