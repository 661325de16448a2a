"""`plumbline key`: keys for clients, made against the data of the instance."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

from app.cli.console import EXIT_USAGE, fail, load_settings_or_exit
from app.identity import service as identity
from app.identity.contracts import SYSTEM_ACTOR, ApiKeyScope, IngestKind, IngestScope
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.migrations import upgrade
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


@app.callback()
def _group() -> None:
    """Keep `key create` a sub-command while it is the only one."""


@app.command()
def create(
    kind: Annotated[KeyKind, typer.Option(help="The surface the key opens.")],
    project: Annotated[str | None, typer.Option(help="Slug of the project; an ingest key makes it when it is missing.")] = None,
    plan: Annotated[TenantPlan | None, typer.Option(help="Put the key's project on an own tenant with this plan.")] = None,
    scope: Annotated[KeyScope | None, typer.Option(help="What the key may do.")] = None,
    name: Annotated[str | None, typer.Option(help="A name to recognise the key by.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print {token, id} as JSON.")] = False,
) -> None:
    """Make a key and print it. It is shown only here."""
    settings = load_settings_or_exit()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    upgrade(settings)
    now = SYSTEM_CLOCK.now()
    with session_scope() as session:
        if kind is KeyKind.PLAN:
            if plan is not None:
                fail("--plan is for ingest keys", EXIT_USAGE)
            plan_scope = scope or KeyScope.READ
            if plan_scope not in (KeyScope.READ, KeyScope.WRITE):
                fail("a plan key has the scope read or write", EXIT_USAGE)
            view, token = identity.create_operator_key(
                session, scope=ApiKeyScope(plan_scope), name=name or "Command line", project_slug=project, now=now
            )
            key_id = view.id
        else:
            created, token = onboarding.create_watched_ingest_key(
                session,
                SYSTEM_ACTOR,
                project_slug=project,
                kind=IngestKind(kind),
                scope=IngestScope(scope or KeyScope.APPEND),
                name=name or "Command line",
                plan=plan,
                now=now,
            )
            key_id = created.id
    typer.echo(json.dumps({"token": token, "id": key_id}) if as_json else token)
