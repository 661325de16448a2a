"""What a scan would create, and why: the summary of a dry run. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from app.plan.contracts import PlanIdentities, ScannedEvent, identity_of
from app.plan.sync import MOST_CREATIONS_PER_PASS
from app.scans.catalog import ReadCatalog
from app.scans.config_rules import ConfigDraft
from app.scans.layout import Layout
from app.scans.summaries import timestamp
from app.warehouse.contracts import TimeWindow

MOST_LISTED = 200


def forecast_of(
    catalog: ReadCatalog,
    config: ConfigDraft,
    *,
    event_types: frozenset[str],
    identities: PlanIdentities,
    variables: frozenset[str],
    sensitive: frozenset[str],
    window: TimeWindow | None,
) -> dict[str, object]:
    """Counts, the first events and all variables with the reason for each column's treatment.

    Drifts of the names in `sensitive` come without a sample: the summary is kept with the job.
    """
    events = catalog.scanned.events
    fresh = [event for event in events if identity_of(event.event_type, event.name) not in identities.events]
    fresh_variables = [variable for variable in catalog.scanned.variables if variable.source_name not in variables]
    new_types = sorted({event.event_type for event in events} - event_types)
    details = [*catalog.notes]
    if new_types:
        details.append("The scheduled collection creates missing event types; a run that a person starts skips their rows.")
    if len(fresh) > MOST_CREATIONS_PER_PASS:
        details.append(f"One run creates at most {MOST_CREATIONS_PER_PASS} events; the rest follows in the next runs.")
    return {
        "events_to_create": len(fresh),
        "events_existing": len(events) - len(fresh),
        "event_types_to_create": new_types,
        "variables_to_create": len(fresh_variables),
        "events_grouped": catalog.grouped_count,
        "columns_analyzed": catalog.column_count,
        "row_count": sum(event.count for event in events),
        "time_from": None if window is None else timestamp(window.start),
        "time_to": None if window is None else timestamp(window.stop),
        "events": [_event(event, identities) for event in events[:MOST_LISTED]],
        "variables": [
            {
                "name": variable.name,
                "source_name": variable.source_name,
                "variable_type": variable.variable_type,
                "is_new": variable.source_name not in variables,
            }
            for variable in catalog.scanned.variables
        ],
        "columns": _columns(catalog, config),
        "drifts": [
            {
                "field_name": drift.field_name,
                "drift_type": drift.drift_type.value,
                "sample_value": None if drift.field_name in sensitive else drift.sample_value,
            }
            for drift in catalog.drifts
        ],
        "details": details,
    }


def _event(event: ScannedEvent, identities: PlanIdentities) -> dict[str, object]:
    return {
        "event_type": event.event_type,
        "name": event.name,
        "count": event.count,
        "is_new": identity_of(event.event_type, event.name) not in identities.events,
        "values": dict(event.values),
    }


def _columns(catalog: ReadCatalog, config: ConfigDraft) -> list[dict[str, object]]:
    layout = catalog.naming.layout
    return [
        {"name": column.name, "type_name": column.type_name, "why": _why(column.name, catalog, layout, config)}
        for column in layout.columns
    ]


def _why(name: str, catalog: ReadCatalog, layout: Layout, config: ConfigDraft) -> str:
    if role := _role(name, layout):
        return role
    if name in layout.json_columns:
        kept = [path.path for path in layout.kept_paths if path.column == name]
        literal = f", except {', '.join(kept)}, which are shown literally" if kept else ""
        return f"JSON: every path becomes a variable{literal}."
    if layout.name_keys is not None and name in layout.name_keys:
        return "Part of the name format: every value is shown literally."
    counts = {event_type: columns[name] for event_type, columns in catalog.cardinalities.items() if name in columns}
    if not counts:
        return "No rows."
    templates: Mapping[str, str] = {
        event_type: columns[name].text("") for event_type, columns in catalog.naming.templates.items() if name in columns
    }
    most = max(counts.values())
    where = f" in {max(counts, key=lambda key: counts[key])}" if len(counts) > 1 else ""
    if not templates:
        return f"At most {most} distinct values, which is within {config.cardinality_threshold}: each is shown literally."
    shown = "; ".join(dict.fromkeys(template or "its members" for template in templates.values()))
    rest = " Event types with fewer values show them literally." if len(templates) < len(counts) else ""
    return f"{most} distinct values{where}, more than {config.cardinality_threshold}: shown as {shown}.{rest}"


def _role(name: str, layout: Layout) -> str | None:
    if name == layout.event_type_column:
        return "Names the event type."
    if layout.time is not None and name == layout.time.name:
        return "The event time: it never becomes a field."
    if name == layout.app_version_column:
        return "The app version: counted per release, never a field."
    return None
