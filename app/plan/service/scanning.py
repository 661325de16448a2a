"""What a catalog sync reads from the plan and writes into it beyond names: values, variables, contexts (contract 4.5, 4.6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace

from sqlmodel import Session

from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.ids import new_id
from app.plan import repository
from app.plan.branch_scope import main_branch_id
from app.plan.contracts import ObservedEvent, ScanField, ScannedCatalog, ScannedEvent, ScannedVariable, ScanTarget, SyncResult
from app.plan.repository import definitions
from app.plan.repository import scanning as rows
from app.plan.service.catalogue import sync_observed_events
from app.plan.tokens import token
from app.plan.vocabulary import Sensitivity, ValueKind
from models.plan_entities import FieldDefinition, Variable

_LONGEST_NAME = 100


def scan_targets(session: Session, project_id: str) -> dict[str, ScanTarget]:
    """Main's event types by name, with their fields. Creates nothing."""
    branch_id = repository.find_main_branch(session, project_id)
    if branch_id is None:
        return {}
    types = repository.event_types_by_name(session, branch_id)
    fields = definitions.fields_of(session, [row.id for row in types.values()])
    return {
        name: ScanTarget(row.id, name, tuple(_scan_field(one) for one in fields.get(row.id, ()))) for name, row in types.items()
    }


def own_breakdown_columns(session: Session, project_id: str) -> dict[str, list[str]]:
    """The breakdown columns of main's events that name some, by event id."""
    branch_id = repository.find_main_branch(session, project_id)
    return {} if branch_id is None else rows.breakdown_columns(session, branch_id)


def variable_sources(session: Session, project_id: str) -> frozenset[str]:
    """Source names of main's variables, and names of those without one: what a scan would find again."""
    branch_id = repository.find_main_branch(session, project_id)
    if branch_id is None:
        return frozenset()
    by_source, by_name = rows.variables_by_source_and_name(session, branch_id)
    return frozenset(by_source) | frozenset(name for name, row in by_name.items() if row.source_name is None)


def apply_scanned_catalog(session: Session, project_id: str, scanned: ScannedCatalog) -> SyncResult:
    """Make main hold every scanned event with its field values, variables and contexts; values that people wrote stay.

    Event types that are missing are created with their fields. Running it again with the same input changes nothing.
    """
    branch_id = main_branch_id(session, project_id)
    repository.lock_branch(session, branch_id)
    result = sync_observed_events(
        session, project_id, [ObservedEvent(event.event_type, event.name, event.count, event.last_at) for event in scanned.events]
    )
    _create_fields(session, branch_id, {name: scanned.new_fields.get(name, ()) for name in result.event_types_created})
    variables, created = _resolve_variables(session, project_id, branch_id, scanned.variables)
    declared = [(target.id, field) for target in scan_targets(session, project_id).values() for field in target.fields]
    fields = {(event_type_id, field.name): field.id for event_type_id, field in declared}
    present = [
        (*result.event_ids[(event.event_type, event.name)], event)
        for event in scanned.events
        if (event.event_type, event.name) in result.event_ids
    ]
    _write_values(session, present, fields, _renamed_tokens(scanned.variables, variables))
    _write_contexts(session, present, fields, variables, {field.id for _, field in declared if field.is_sensitive})
    return replace(result, variables_created=created)


def _create_fields(session: Session, branch_id: str, wanted: Mapping[str, Sequence[tuple[str, str]]]) -> None:
    types = repository.event_types_by_name(session, branch_id)
    definitions.add(
        session,
        *(
            FieldDefinition(event_type_id=types[event_type].id, name=name, display_name=name, field_type=field_type, order=order)
            for event_type, fields in wanted.items()
            for order, (name, field_type) in enumerate(fields)
        ),
    )


def _resolve_variables(
    session: Session, project_id: str, branch_id: str, scanned: Sequence[ScannedVariable]
) -> tuple[dict[str, Variable], int]:
    """The variable of each source name: the one that has it, else one of that name without a source, else a fresh one."""
    by_source, by_name = rows.variables_by_source_and_name(session, branch_id)
    created = 0
    for wanted in scanned:
        if wanted.source_name in by_source:
            continue
        namesake = by_name.get(wanted.name)
        if namesake is not None and namesake.source_name is None:
            namesake.source_name = wanted.source_name
            by_source[wanted.source_name] = namesake
            continue
        variable = Variable(
            project_id=project_id,
            branch_id=branch_id,
            name=_free_name(wanted.name, by_name),
            source_name=wanted.source_name,
            variable_type=wanted.variable_type,
            description=wanted.description,
        )
        session.add(variable)
        by_source[wanted.source_name] = by_name[variable.name] = variable
        created += 1
    session.flush()
    return by_source, created


def _free_name(name: str, taken: Mapping[str, object]) -> str:
    free, number = name, 1
    while free in taken:
        number += 1
        suffix = f"_{number}"
        free = name[: _LONGEST_NAME - len(suffix)] + suffix
    return free


def _renamed_tokens(scanned: Sequence[ScannedVariable], variables: Mapping[str, Variable]) -> dict[str, str]:
    """Tokens of variables that are called otherwise than the scan calls them, with the token they have."""
    renamed = [(wanted, variables[wanted.source_name].name) for wanted in scanned]
    return {token(wanted.source_name): token(name) for wanted, name in renamed if name != wanted.name}


def _write_values(
    session: Session,
    present: Sequence[tuple[str, str, ScannedEvent]],
    fields: Mapping[tuple[str, str], str],
    renamed: Mapping[str, str],
) -> None:
    stored = rows.field_values(session, [event_id for _, event_id, _ in present])
    added: dict[tuple[str, str], dict[str, object]] = {}
    changed: dict[str, str] = {}
    for event_type_id, event_id, event in present:
        for name, scanned_text in event.values.items():
            field_id = fields.get((event_type_id, name))
            if field_id is None:
                continue
            text = scanned_text
            for old, new in renamed.items():
                text = text.replace(old, new)
            known = stored.get((event_id, field_id))
            if known is None:
                row = {"id": new_id(), "event_id": event_id, "field_definition_id": field_id, "value": text, "is_authored": False}
                added.setdefault((event_id, field_id), row)
            elif not known[2] and known[1] != text:
                changed[known[0]] = text
    rows.insert_field_values(session, list(added.values()))
    rows.change_field_values(session, changed)


def _write_contexts(
    session: Session,
    present: Sequence[tuple[str, str, ScannedEvent]],
    fields: Mapping[tuple[str, str], str],
    variables: Mapping[str, Variable],
    sensitive: Set[str],
) -> None:
    with_contexts = [entry for entry in present if entry[2].contexts]
    stored = rows.context_ids(session, [event_id for _, event_id, _ in with_contexts])
    added: dict[tuple[str, str, str], dict[str, object]] = {}
    changed: dict[str, dict[str, object]] = {}
    now = SYSTEM_CLOCK.now()
    for event_type_id, event_id, event in with_contexts:
        for context in event.contexts:
            field_id = fields.get((event_type_id, context.column))
            variable = variables.get(context.source_name)
            if field_id is None or variable is None:
                continue
            key = (variable.id, event_id, field_id)
            values = {
                "source_column": context.source_name[:500],
                "value_kind": (ValueKind.LOW if context.is_complete else ValueKind.HIGH).value,
                "observed_count": context.observed_count,
                "values": [] if field_id in sensitive else list(context.values),
                "updated_at": now,
            }
            if key in stored:
                changed[stored[key]] = values
            else:
                added.setdefault(
                    key,
                    {"id": new_id(), "variable_id": variable.id, "event_id": event_id, "field_definition_id": field_id, **values},
                )
    rows.insert_contexts(session, list(added.values()))
    rows.change_contexts(session, changed)


def _scan_field(row: FieldDefinition) -> ScanField:
    return ScanField(
        id=row.id,
        name=row.name,
        field_type=row.field_type,
        is_required=row.is_required,
        enum_options=None if row.enum_options is None else tuple(row.enum_options),
        contract_required_max_null_rate=row.contract_required_max_null_rate,
        contract_regex=row.contract_regex,
        contract_min_value=row.contract_min_value,
        contract_max_value=row.contract_max_value,
        contract_max_bad_rate=row.contract_max_bad_rate,
        is_sensitive=row.sensitivity != Sensitivity.NONE,
    )
