"""An empty list of movers is an answer only where values are counted apart."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from app.metrics.pages import monitoring_view


@pytest.mark.parametrize(
    ("counted", "chosen", "title", "leads_to_the_scan"),
    [
        (["country"], ("country",), "No value stands out", False),
        ([], ("country", "plan"), "Values are not counted yet", True),
        ([], (), "No value is counted apart", True),
    ],
)
def test_an_empty_list_says_what_it_rests_on(monkeypatch, counted, chosen, title, leads_to_the_scan):
    monkeypatch.setattr(monitoring_view.scans, "get_config", lambda *_: SimpleNamespace(metric_breakdown_columns=chosen))

    said = monitoring_view._no_movers(None, None, "shop", "the-scan", counted)

    assert said.title == title
    assert (said.href == "/p/shop/scans/the-scan") is leads_to_the_scan
    assert all(column in said.text for column in (*counted, *chosen))
