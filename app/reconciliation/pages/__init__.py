"""Pages on data against plan; importing this registers them."""

from app.reconciliation.pages import drifts, unplanned

__all__ = ["drifts", "unplanned"]
