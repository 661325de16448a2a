"""`plumbline key`: keys for clients, made against the data of the instance."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

from app.cli.console import EXIT_USAGE, fail
from app.cli.database import ready_database
from app.identity import service as identity
from app.identity.contracts import SYSTEM_ACTOR, ApiKeyScope, IngestKind, IngestScope
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.projects import onboarding

app = typer.Typer(help="Keys for clients.", no_args_is_help=True)


class KeyKind(StrEnum):
    """The surface a key opens."""

    EVENTS = "events"
    LOGS = "logs"
    SECURITY = "security"
    AUDIT = "audit"
    PLAN = "plan"


class TenantPlan(StrEnum):
    """Plans a tenant can be on."""

    TRIAL = "trial"
    STARTER = "starter"
    FREE = "free"
    PRO = "pro"
    ENTERPRISE = "enterprise"


class KeyScope(StrEnum):
    """What the key may do; each kind takes some of them."""

    READ = "read"
    WRITE = "write"
    APPEND = "append"
    ADMIN = "admin"


_POWERS = {
    KeyScope.APPEND: "send and read nothing; --scope read makes one that reads, --scope write one that does both",
    KeyScope.READ: "read and send nothing",
    KeyScope.WRITE: "send, read and change",
    KeyScope.ADMIN: "send, read, change and administer",
}
_PLAN_POWERS = {KeyScope.READ: "read", KeyScope.WRITE: "read and change"}


@app.callback()
def _group() -> None:
    """Keep `key create` a sub-command while it is the only one."""


@app.command()
def create(
    kind: Annotated[KeyKind, typer.Option(help="The surface the key opens.")],
    project: Annotated[str | None, typer.Option(help="Slug of the project; an ingest key makes it when it is missing.")] = None,
    plan: Annotated[TenantPlan | None, typer.Option(help="Put the key's project on an own tenant with this plan.")] = None,
    scope: Annotated[
        KeyScope | None, typer.Option(help="What the key may do.", show_default="append for an ingest key, read for a plan key")
    ] = None,
    name: Annotated[str | None, typer.Option(help="A name to recognise the key by.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print {token, id, scope} as JSON.")] = False,
) -> None:
    """Make a key and print it. It is shown only here; what it may do is said beside it."""
    ready_database()
    now = SYSTEM_CLOCK.now()
    with session_scope() as session:
        if kind is KeyKind.PLAN:
            if plan is not None:
                fail("--plan is for ingest keys", EXIT_USAGE)
            allowed = scope or KeyScope.READ
            if allowed not in _PLAN_POWERS:
                fail("a plan key has the scope read or write", EXIT_USAGE)
            view, token = identity.create_operator_key(
                session, scope=ApiKeyScope(allowed), name=name or "Command line", project_slug=project, now=now
            )
            key_id = view.id
        else:
            allowed = scope or KeyScope.APPEND
            created, token = onboarding.create_watched_ingest_key(
                session,
                SYSTEM_ACTOR,
                project_slug=project,
                kind=IngestKind(kind),
                scope=IngestScope(allowed),
                name=name or "Command line",
                plan=plan,
                now=now,
            )
            key_id = created.id
    if as_json:
        typer.echo(json.dumps({"token": token, "id": key_id, "scope": allowed}))
        return
    typer.echo(token)
    # Beside the token, so that `TOKEN=$(plumbline key create …)` goes on working.
    powers = _PLAN_POWERS if kind is KeyKind.PLAN else _POWERS
    article = "An" if kind in (KeyKind.EVENTS, KeyKind.AUDIT) else "A"
    typer.echo(f"{article} {kind} key that may {powers[allowed]}.", err=True)
