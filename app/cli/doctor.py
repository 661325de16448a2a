"""`plumbline doctor`: whether this instance can work, and what to do when it cannot."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from app.cli.console import EXIT_FAILED, load_settings_or_exit


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print {healthy, checks} as JSON.")] = False) -> None:
    """Check database, migrations, settings, scheduler, alert deliveries, event store, disk and geo data.

    Exit codes: 0 nothing failed (notices are fine), 1 a check failed, 2 wrong usage or wrong settings.
    """
    from app.checkup import State, examine
    from app.kernel.clock import SYSTEM_CLOCK

    findings = examine(load_settings_or_exit(), SYSTEM_CLOCK.now())
    is_healthy = all(finding.state is not State.FAILED for finding in findings)
    if as_json:
        typer.echo(json.dumps({"healthy": is_healthy, "checks": [asdict(finding) for finding in findings]}))
    else:
        for finding in findings:
            typer.echo(f"{finding.state.value:<7} {finding.check}: {finding.message}")
    if not is_healthy:
        raise typer.Exit(EXIT_FAILED)
