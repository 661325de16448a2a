"""Fills demo projects that wait for it, one after the other."""

from __future__ import annotations

from app.kernel.telemetry import JOB_RUNS
from app.projects import demo
from jobs.leadership import Leadership


def run(leadership: Leadership) -> int:
    """One look; how many projects were filled, 0 where another process leads. Looking does not write."""
    with leadership.transaction(write=False) as session:
        waiting = demo.waiting_projects(session)
    if not waiting:
        return 0
    with leadership.turn() as session:
        leads = session is not None
    if not leads:
        return 0
    tools = demo.DemoTools(leadership.holder.name, clock=leadership.clock, transaction=leadership.transaction)
    filled = 0
    for project_id in waiting:
        is_filled = demo.generate_demo_project(project_id, tools)
        JOB_RUNS.labels(job="build_demo", result="completed" if is_filled else "failed").inc()
        filled += is_filled
    return filled
