"""Applying event group rules to events that exist: those a rule matches become one (contract 4.7)."""

from __future__ import annotations

from collections import defaultdict

from app.metrics.recording import merge_event_metrics
from app.plan import service as plan
from app.plan.contracts import GroupableEvent
from app.scans.groups import Grouping, grouping_of
from app.scans.progress import JobProgress
from app.scans.repository import jobs
from app.scans.runs import Run, RunTools


def apply_groups(run: Run, progress: JobProgress, tools: RunTools) -> None:
    """Merge the events of the scan's event types by its rules, in one transaction; archived events are left out."""
    rules = tuple(run.config.event_group_rules)
    progress.report(10, "Reading the events")
    with tools.transaction() as session:
        jobs.lock_project(session, run.project_id)  # two of them would wait for each other's jobs
        progress.confirm(session)
        # What other scans have counted by the events as they were must not be stored beside the merged: they begin again.
        jobs.hold_project(session, run.project_id, run.job_id)
        events = plan.groupable_events(session, run.project_id, run.config.event_type_id)
        groups: dict[tuple[str, str], list[tuple[GroupableEvent, Grouping]]] = defaultdict(list)
        for event in events:
            grouping = grouping_of(rules, event.name, event.values, json_fields=event.json_fields)
            if grouping is not None:
                groups[(event.event_type_id, grouping.name)].append((event, grouping))
        merged, details = 0, []
        for (event_type_id, name), members in groups.items():
            ids = [event.id for event, _ in members]
            target = plan.merge_events(session, event_type_id, name, ids, members[0][1].replaced)
            sources = [event.id for event, _ in members if event.id != target]
            merge_event_metrics(session, sources, target)
            plan.delete_merged(session, sources)
            merged += len(sources)
            if sources:
                details.append(f'Merged into "{name}": {len(sources)} events.')
        if not details:
            details.append("No events had to be merged.")
        progress.summary.update(
            {
                "events_merged": merged,
                "event_types_processed": len({event.event_type_id for event in events}),
                "event_group_rules": len(rules),
                "details": details,
            }
        )
        progress.complete(session)
