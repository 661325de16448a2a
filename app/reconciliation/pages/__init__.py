"""Pages on data against plan; importing this registers them."""

from app.reconciliation.pages import coverage, drifts, unplanned

__all__ = ["coverage", "drifts", "unplanned"]
