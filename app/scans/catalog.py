"""From the groups of one scan query to what the plan is told: events, variables, contexts, drifts (contract 4.3 to 4.8). Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from app.plan.contracts import (
    ObservedDrift,
    ScannedCatalog,
    ScannedContext,
    ScannedEvent,
    ScannedVariable,
    ScanTarget,
    identity_of,
)
from app.scans.config_rules import ConfigDraft
from app.scans.drifts import ObservedType, drifts_of
from app.scans.layout import Layout, listed
from app.scans.naming import NamedRow, Naming, Row, Templates
from app.scans.templates import STRING, Template, infer_template, is_object_text
from app.scans.values import identifier
from app.warehouse.contracts import ColumnKind, Group, JsonPathSample, ScanQuery

MOST_SAMPLES = 20
VARIABLE_DESCRIPTION = "Auto-detected by a scan of {}."


@dataclass(frozen=True, slots=True)
class PlanSide:
    """What the plan says when a scan begins: its event types by name, and the name of the config's one type when it has one."""

    targets: Mapping[str, ScanTarget]
    fixed_event_type: str | None = None
    creates_event_types: bool = False


@dataclass(frozen=True, slots=True)
class ReadCatalog:
    """What the groups say. `naming` names the rows of later windows; `notes` are sentences for people."""

    scanned: ScannedCatalog
    naming: Naming
    drifts: tuple[ObservedDrift, ...]
    grouped_count: int
    column_count: int
    skipped_types: Mapping[str, int]
    cardinalities: Mapping[str, Mapping[str, int]]
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Gathered:
    """An event while its rows are read; the first row is its largest and gives the values."""

    values: Mapping[str, str]
    count: int = 0
    last_at: datetime | None = None
    seen: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))


def read_catalog(
    groups: Sequence[Group],
    query: ScanQuery,
    layout: Layout,
    config: ConfigDraft,
    side: PlanSide,
    *,
    known: Templates | None = None,
    samples: Mapping[str, Sequence[JsonPathSample]] | None = None,
) -> ReadCatalog:
    """Read groups, largest first. `known` are templates of earlier syncs: a column that had too many values once stays so."""
    reader = Row.reader(query)
    naming = Naming(layout, config.event_name_format, side.fixed_event_type, {}, {}, tuple(config.event_group_rules))
    partitions: dict[str, list[tuple[Row, Group]]] = defaultdict(list)
    skipped: Counter[str] = Counter()
    for group in groups:
        row = reader(group.key)
        event_type = naming.event_type_of(row)
        if event_type in side.targets or side.creates_event_types:
            partitions[event_type].append((row, group))
        else:
            skipped[event_type] += group.count
    observed = {event_type: _observed_types(layout, rows) for event_type, rows in partitions.items()}
    new_fields = {
        event_type: tuple((one.name, "json" if one.is_object else "string") for one in types if one.has_data)
        for event_type, types in observed.items()
        if event_type not in side.targets
    }
    fields = {
        event_type: frozenset(name for name, _ in new_fields[event_type])
        if event_type in new_fields
        else frozenset(one.name for one in side.targets[event_type].fields)
        for event_type in partitions
    }
    templates, cardinalities = _templates(layout, config, partitions, known or {})
    naming = replace(naming, fields=fields, templates=templates)
    events, variables, grouped = _events(naming, partitions, config.cardinality_threshold, samples or {})
    drifts: list[ObservedDrift] = []
    for event_type, rows in partitions.items():
        if event_type in side.targets:
            counted = [(row, group.count) for row, group in rows]
            drifts += drifts_of(side.targets[event_type], layout, observed[event_type], counted)
    return ReadCatalog(
        scanned=ScannedCatalog(events, variables, new_fields),
        naming=naming,
        drifts=tuple(drifts),
        grouped_count=grouped,
        column_count=len(layout.columns),
        skipped_types=dict(skipped),
        cardinalities=cardinalities,
        notes=(*layout.notes, *_notes(skipped, observed, fields)),
    )


def _observed_types(layout: Layout, rows: Sequence[tuple[Row, Group]]) -> list[ObservedType]:
    """What each possible field column holds among the rows of one event type."""
    found = []
    for name in layout.field_columns:
        sample, is_object, has_data = None, True, False
        for row, _ in rows:
            if name in row.nulls:
                continue
            has_data = True
            if name not in row.texts:
                sample = "{" + ", ".join(row.json_paths.get(name) or ()) + "}"
                break
            sample = sample or row.texts[name]
            is_object = is_object and is_object_text(row.texts[name])
            if sample and not is_object:
                break
        is_object = layout.kind_of(name) is ColumnKind.JSON or (is_object and has_data)
        found.append(ObservedType(name, layout.type_name_of(name) or "", is_object, has_data, sample))
    return found


def _templates(
    layout: Layout, config: ConfigDraft, partitions: Mapping[str, Sequence[tuple[Row, Group]]], known: Templates
) -> tuple[dict[str, dict[str, Template]], dict[str, dict[str, int]]]:
    templates: dict[str, dict[str, Template]] = {name: dict(columns) for name, columns in known.items()}
    cardinalities: dict[str, dict[str, int]] = {}
    literal = {*(layout.name_keys or ()), layout.event_type_column}
    for event_type, rows in partitions.items():
        counts = cardinalities.setdefault(event_type, {})
        for column in layout.group_columns:
            if column == layout.event_type_column:
                continue
            values = {row.texts[column] for row, _ in rows if column not in row.nulls}
            counts[column] = len(values)
            if column in literal or column in templates.get(event_type, {}):
                continue
            if len(values) > config.cardinality_threshold:
                template = infer_template(column, values, config.cardinality_threshold)
                templates.setdefault(event_type, {})[column] = template
    return templates, cardinalities


def _events(
    naming: Naming,
    partitions: Mapping[str, Sequence[tuple[Row, Group]]],
    threshold: int,
    samples: Mapping[str, Sequence[JsonPathSample]],
) -> tuple[tuple[ScannedEvent, ...], tuple[ScannedVariable, ...], int]:
    gathered: dict[tuple[str, str], _Gathered] = {}
    variables: dict[str, ScannedVariable] = {}
    replaced: set[tuple[str, str]] = set()
    for event_type, rows in partitions.items():
        for row, group in rows:
            named = naming.named(row)
            identity = identity_of(event_type, named.name)
            event = gathered.setdefault(identity, _Gathered(named.values))
            event.count += group.count
            event.last_at = max((moment for moment in (event.last_at, group.last_at) if moment is not None), default=None)
            if named.is_grouped:
                replaced.add((event_type, named.own_name))
            _note_variables(naming, event_type, row, named, event, variables, samples)
    ordered = sorted(gathered.items(), key=lambda entry: (-entry[1].count, entry[0]))
    events = tuple(
        ScannedEvent(event_type, name, event.count, event.last_at, event.values, _contexts(event, threshold))
        for (event_type, name), event in ordered
    )
    return events, tuple(variables.values()), len(replaced)


def _note_variables(
    naming: Naming,
    event_type: str,
    row: Row,
    named: NamedRow,
    event: _Gathered,
    variables: dict[str, ScannedVariable],
    samples: Mapping[str, Sequence[JsonPathSample]],
) -> None:
    """Remember the variables that the event's values show, with what stood in their place in this row."""
    for column, template in naming.templates.get(event_type, {}).items():
        if column not in named.values:
            continue
        for variable, variable_type in template.variables.items():
            variables.setdefault(variable, _variable(variable, variable_type, column))
        for variable, text in template.variables_in(row.texts.get(column, "")).items():
            event.seen[(variable, column)].add(text)
    kept = {path.full_path for path in naming.layout.kept_paths}
    for column, paths in row.json_paths.items():
        if column not in named.values:
            continue
        for path in paths or ():
            source_name = f"{column}.{path}"
            if source_name not in kept:
                variables.setdefault(source_name, _variable(source_name, STRING, column))
                found = next((one for one in samples.get(column, ()) if one.path.full_path == source_name), None)
                event.seen[(source_name, column)].update(found.sample_values if found else ())


def _variable(source_name: str, variable_type: str, column: str) -> ScannedVariable:
    return ScannedVariable(source_name, identifier(source_name), variable_type, VARIABLE_DESCRIPTION.format(column))


def _contexts(event: _Gathered, threshold: int) -> tuple[ScannedContext, ...]:
    found = []
    for (source_name, column), values in event.seen.items():
        # Of a JSON path only samples are known, so its list is never complete.
        is_complete = len(values) <= threshold and "." not in source_name
        shown = sorted(values) if is_complete else sorted(values)[:MOST_SAMPLES]
        found.append(ScannedContext(source_name, column, is_complete, len(values), tuple(shown)))
    return tuple(found)


def _notes(
    skipped: Mapping[str, int], observed: Mapping[str, Sequence[ObservedType]], fields: Mapping[str, frozenset[str]]
) -> Iterable[str]:
    if skipped:
        rows = sum(skipped.values())
        yield (
            f"Skipped {rows} rows of event types that are not in the plan: {listed(sorted(skipped))}. "
            "A scheduled collection creates missing event types."
        )
    undefined = {
        one.name for event_type, types in observed.items() for one in types if one.has_data and one.name not in fields[event_type]
    }
    if undefined:
        yield f"No matching field definition: {listed(sorted(undefined))}."
