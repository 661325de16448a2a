"""Every operation of the tracking-plan contract is served, under its own name."""

from __future__ import annotations

import re

import pytest

from tests.api.plan.contract import ABSENT, IS_REACHABLE, load_contract
from tests.conftest import area_routers

pytestmark = pytest.mark.skipif(not IS_REACHABLE, reason=ABSENT)


def _shape(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def test_all_operations_are_served_with_their_status_and_name():
    contract = load_contract()
    served = {
        (method, _shape(route.path)): route for router in area_routers() for route in router.routes for method in route.methods
    }
    missing, wrong = [], []
    for operation in contract.operations:
        route = served.get((operation["method"], _shape(operation["path"])))
        if route is None:
            missing.append(operation["id"])
        elif operation["path"] != "/health" and (route.operation_id, route.status_code or 200) != (
            operation["id"],
            operation["ok"],
        ):
            wrong.append((operation["id"], route.operation_id, route.status_code))
    assert [operation for operation in missing if operation != "health"] == []
    assert wrong == []
    assert len(contract.operations) >= 165
