"""Pages about scans and the data sources they read. Importing this package registers them."""

from app.scans.pages import editor, job, scans
from app.scans.sources import pages as sources

__all__ = ["editor", "job", "scans", "sources"]
