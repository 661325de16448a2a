"""Machine code is kept per version of the package."""

from __future__ import annotations

from app.detection.engine.compiled import cache_folder, package_digest


def test_the_digest_follows_the_sources(tmp_path):
    (tmp_path / "step.py").write_text("a = 1\n")
    first = package_digest(tmp_path)
    assert package_digest(tmp_path) == first
    (tmp_path / "step.py").write_text("a = 2\n")
    assert package_digest(tmp_path) != first


def test_the_cache_goes_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert cache_folder().parent == tmp_path
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    assert cache_folder().is_relative_to(tmp_path / "user")
