"""Who a tool acts for, which branch it may write, and how a refusal reaches the model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import SecretStr, ValidationError
from sqlmodel import Session

from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK, Clock
from app.kernel.database import session_scope
from app.kernel.errors import AppError, BadRequest, Forbidden, NotFound
from app.plan.branching import service as branching
from app.plan.service import readable_branch


@contextmanager
def told_to_the_model() -> Iterator[None]:
    """Refusals inside become tool errors with their sentence, so that the model can correct itself."""
    try:
        yield
    except AppError as refused:
        raise ToolError(f"{refused.code}: {refused.message}") from refused
    except ValidationError as wrong:
        faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in wrong.errors(include_input=False)]
        raise ToolError("invalid_input: " + "; ".join(faults)) from wrong


@dataclass(frozen=True, slots=True)
class Access:
    """The key this server was started with. It is looked up at every call: a key revoked meanwhile opens nothing more."""

    key: SecretStr
    clock: Clock = SYSTEM_CLOCK

    def actor(self, session: Session, project_slug: str | None) -> Actor:
        """Whom the key speaks for. Errors: Unauthorized; Forbidden for a key bound to another project."""
        header = f"Bearer {self.key.get_secret_value()}"
        return identity.resolve_caller(session, authorization=header, cookie=None, project_slug=project_slug, now=self.clock.now())

    def check(self, session: Session) -> None:
        """Refuse a key that opens nothing. Errors: Unauthorized."""
        with suppress(Forbidden):  # a key bound to one project is a good key
            self.actor(session, None)

    @contextmanager
    def reading(self, project_slug: str | None) -> Iterator[tuple[Session, Actor]]:
        """A reading transaction for the caller; refusals become tool errors."""
        with told_to_the_model(), session_scope(write=False) as session:
            yield session, self.actor(session, project_slug)

    @contextmanager
    def writing(self, project_slug: str, branch: str) -> Iterator[tuple[Session, Actor, str]]:
        """A writing transaction, committed at the end, with the id of the working branch; refusals become tool errors.

        Errors: also BadRequest when `branch` is empty or main: what a model writes goes through a review.
        """
        with told_to_the_model(), session_scope() as session:
            actor = self.actor(session, project_slug)
            actor.require_editor()
            branch_id = branch_named(session, actor, project_slug, branch)
            if readable_branch(session, actor, project_slug, branch_id).is_main:
                raise BadRequest("Name a working branch: main is changed only by merging a reviewed branch")
            yield session, actor, branch_id or ""


def branch_named(session: Session, actor: Actor, slug: str, branch: str | None) -> str | None:
    """Id of the branch of that name or id; None, which stands for main, for an empty one. Errors: NotFound."""
    if not branch:
        return None
    for found in branching.list_branches(session, actor, slug).items:
        if branch in (found.id, found.name):
            return found.id
    raise NotFound(f"There is no branch {branch}; list_branches names those that exist")
