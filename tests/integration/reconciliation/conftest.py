import pytest

from tests.eventstore_fixtures import event_store, session_event_store, store_process, stored_project
from tests.integration.scans_workbench import Workbench

__all__ = ["bench", "event_store", "session_event_store", "store_process", "stored_project"]


@pytest.fixture
def bench(engine) -> Workbench:
    return Workbench(engine)
