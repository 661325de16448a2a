"""What is said of the newest comparison of data and plan: unknown is told as unknown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from app.identity.contracts import UserRole
from app.reconciliation.contracts import Comparison
from app.reconciliation.pages import comparison

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
ZONE = ZoneInfo("UTC")
OWNER, EDITOR = (SimpleNamespace(role=role) for role in (UserRole.OWNER, UserRole.EDITOR))


def found(monkeypatch, scans: int, ago: timedelta | None) -> None:
    known = Comparison(scans, None if ago is None else NOW - ago)
    monkeypatch.setattr(comparison.service, "get_comparison", lambda *_: known)


@pytest.mark.parametrize(
    ("actor", "scans", "ago", "is_known", "title", "href"),
    [
        (OWNER, 0, None, False, "Nothing was compared yet", "/p/shop/scans/new"),
        (EDITOR, 0, None, False, "Nothing was compared yet", "/p/shop/scans"),
        (OWNER, 2, None, False, "Nothing was compared yet", "/p/shop/scans"),
        (OWNER, 1, timedelta(days=31), False, "Nothing was compared in the last 30 days", "/p/shop/scans"),
        (OWNER, 1, timedelta(days=29), True, "", ""),
    ],
)
def test_only_a_recent_comparison_is_one(monkeypatch, actor, scans, ago, is_known, title, href):
    found(monkeypatch, scans, ago)

    said = comparison.compared_view(None, actor, "shop", ZONE, NOW, days=30)

    assert (said.is_known, said.title, said.href) == (is_known, title, href)
    assert ("28 Oct" in said.when) is is_known


def test_silence_is_doubted_once_nobody_looked_for_so_long(monkeypatch):
    found(monkeypatch, 1, timedelta(days=40))
    assert "since 17 Oct" in comparison.silence_doubt(None, OWNER, "shop", ZONE, NOW, 30)
    assert comparison.silence_doubt(None, OWNER, "shop", ZONE, NOW, 90) == ""
    found(monkeypatch, 1, None)
    assert comparison.silence_doubt(None, OWNER, "shop", ZONE, NOW, 30) == ""
