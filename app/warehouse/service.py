"""Opening warehouses."""

from __future__ import annotations

from app.warehouse.builtin import BuiltinWarehouse
from app.warehouse.contracts import Warehouse


def open_builtin(tenant_id: str, project_id: str) -> Warehouse:
    """The process-wide event store, limited to the product events of one project."""
    from app.eventstore.service import get_event_store

    return BuiltinWarehouse(get_event_store(), tenant_id, project_id)
