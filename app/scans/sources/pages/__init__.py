"""Pages about data sources: the list, and one source with its form, test and tables."""

from app.scans.sources.pages import source, source_list

__all__ = ["source", "source_list"]
