import pytest

from tests.integration.scans_workbench import Workbench


@pytest.fixture
def bench(engine) -> Workbench:
    return Workbench(engine)
