"""Pages on audit records and on what happened in a project; importing this registers them."""

from app.audit.pages import activity, records

__all__ = ["activity", "records"]
