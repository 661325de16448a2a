"""Every table of the metadata database. Importing this package registers all of them."""

from models import detection, identity, metrics, plan, projects, scans

__all__ = ["detection", "identity", "metrics", "plan", "projects", "scans"]
