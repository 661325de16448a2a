"""The job asks nobody before an operator has installed something, and only where the process leads."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from app.kernel.clock import SYSTEM_CLOCK
from jobs import refresh_network_lists


class Lead:
    clock = SYSTEM_CLOCK

    def __init__(self, leads: bool) -> None:
        self.leads = leads

    @contextmanager
    def turn(self):
        yield object() if self.leads else None


@pytest.mark.parametrize(("has_folder", "leads", "calls"), [(False, True, 0), (True, False, 0), (True, True, 1)])
def test_lists_are_refreshed_by_the_leader_of_an_instance_that_has_the_folder(tmp_path, monkeypatch, has_folder, leads, calls):
    if has_folder:
        (tmp_path / "geo").mkdir()
    called = []
    monkeypatch.setattr(refresh_network_lists, "get_settings", lambda: SimpleNamespace(data_dir=tmp_path))
    monkeypatch.setattr(refresh_network_lists, "outbound", lambda: None)
    monkeypatch.setattr(refresh_network_lists, "refresh_lists", lambda *given: called.append(given))
    refresh_network_lists.run(Lead(leads))
    assert len(called) == calls
