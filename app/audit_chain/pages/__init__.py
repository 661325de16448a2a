"""The page of this instance's own audit log; importing it registers it."""

from app.audit_chain.pages import log

__all__ = ["log"]
