"""What the routes of alerting share: an editor who is refused before a name server is waited for."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from app.alerting import service
from app.http import WaitingCaller
from app.identity.contracts import Actor
from app.kernel.database import session_scope


def _early_editor(slug: str, actor: WaitingCaller) -> Actor:
    with session_scope(write=False) as session:
        service.require_editor_of(session, actor, slug)
    return actor


EarlyEditor = Annotated[Actor, Depends(_early_editor)]
"""An editor, checked in a transaction that has ended before a name server is waited for."""
