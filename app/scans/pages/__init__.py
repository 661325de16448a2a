"""Pages about scans. Importing this package registers them."""

from app.scans.pages import editor, job, scans

__all__ = ["editor", "job", "scans"]
