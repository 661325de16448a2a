"""Variables: names for values too many to list, and where they were observed (contract 2.6)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import Conflict, NotFound
from app.kernel.pagination import Page
from app.plan.branch_scope import BranchScope, readable_branch, writable_branch
from app.plan.drafts import VariableChanges
from app.plan.repository import definitions
from app.plan.repository import events as event_rows
from app.plan.repository import usage as rows
from app.plan.rules import checked_variable_name
from app.plan.service.changes import apply_changes
from app.plan.service.event_details import FURTHEST_OFFSET
from app.plan.service.trail import note
from app.plan.tokens import OPENING, rename_token, token, tokens_in
from app.plan.views import VariableContextView, VariableView
from app.plan.vocabulary import ValueKind, VariableType
from models.plan_entities import Variable

MOST_SAMPLES = 20


def list_variables(session: Session, actor: Actor, slug: str, *, branch: str | None = None) -> list[VariableView]:
    """All variables of the branch by name. Errors: NotFound, BadRequest as `readable_branch`."""
    return _views(session, rows.variables(session, readable_branch(session, actor, slug, branch).branch_id))


def page_of_variables(
    session: Session, actor: Actor, slug: str, *, limit: int, offset: int, branch: str | None = None
) -> Page[VariableView]:
    """One page of the branch's variables by name. Errors: NotFound, BadRequest as `readable_branch`."""
    branch_id = readable_branch(session, actor, slug, branch).branch_id
    found = rows.variables(session, branch_id, limit=limit, offset=min(offset, FURTHEST_OFFSET))
    return Page(_views(session, found), rows.count_variables(session, branch_id), limit, offset)


def variable_uses(session: Session, actor: Actor, slug: str, *, branch: str | None = None) -> dict[str, int]:
    """How many events of the branch use each variable in a value, by name; those without a use are left out.

    Errors: NotFound, BadRequest as `readable_branch`.
    """
    scope = readable_branch(session, actor, slug, branch)
    events: dict[str, set[str]] = defaultdict(set)
    for row in rows.values_with(session, scope.branch_id, OPENING):
        for name in tokens_in(row.value):
            events[name].add(row.event_id)
    return {name: len(found) for name, found in events.items()}


def list_variable_values(
    session: Session, actor: Actor, slug: str, variable_id: str, *, branch: str | None = None
) -> list[VariableContextView]:
    """Where the variable was observed, with its values there. Errors: NotFound, BadRequest as `readable_branch`."""
    variable = _find(session, readable_branch(session, actor, slug, branch), variable_id)
    return [
        VariableContextView(
            id=context.id,
            variable_id=variable.id,
            variable_name=variable.name,
            event_id=context.event_id,
            event_name=event_name,
            field_definition_id=context.field_definition_id,
            field_name=field_name,
            field_display_name=field_display_name,
            source_column=context.source_column,
            value_kind=ValueKind(context.value_kind),
            observed_count=context.observed_count,
            values=context.values,
        )
        for context, event_name, field_name, field_display_name in rows.contexts_of_variable(session, variable.id)
    ]


def create_variable(
    session: Session,
    actor: Actor,
    slug: str,
    name: str,
    *,
    variable_type: VariableType = VariableType.STRING,
    description: str = "",
    branch: str | None = None,
) -> VariableView:
    """A variable. Editors and owners. Errors: InvalidInput for a name that cannot stand in a token, Conflict for a taken one."""
    scope = writable_branch(session, actor, slug, branch)
    _check_name(session, scope, name)
    variable = Variable(
        project_id=scope.project.id,
        branch_id=scope.branch_id,
        name=name,
        variable_type=variable_type.value,
        description=description,
    )
    definitions.add(session, variable)
    note(session, actor, scope, "variable.create", variable.id, name=name)
    return _views(session, [variable])[0]


def update_variable(
    session: Session, actor: Actor, slug: str, variable_id: str, changes: VariableChanges, *, branch: str | None = None
) -> VariableView:
    """Change the attributes that `changes` holds. A new name is also written into every field and meta value of the branch.

    Editors and owners. Errors: NotFound, Conflict for a taken name, InvalidInput for one that cannot stand in a token.
    """
    scope = writable_branch(session, actor, slug, branch)
    variable = _find(session, scope, variable_id)
    old_name, rewritten = variable.name, 0
    new_name = changes.get("name") or old_name
    if new_name != old_name:
        _check_name(session, scope, new_name)
        rewritten = _rewrite_tokens(session, scope, old_name, new_name)
    changed = apply_changes(variable, changes)
    if changed:
        definitions.add(session, variable)
        note(
            session, actor, scope, "variable.update", variable.id,
            name=variable.name, old_name=old_name, changed=changed, rewritten_values=rewritten,
        )  # fmt: skip
    return _views(session, [variable])[0]


def delete_variable(session: Session, actor: Actor, slug: str, variable_id: str, *, branch: str | None = None) -> None:
    """Delete the variable with its contexts; tokens in values stay as text. Editors and owners. Errors: NotFound."""
    scope = writable_branch(session, actor, slug, branch)
    variable = _find(session, scope, variable_id)
    note(session, actor, scope, "variable.delete", variable.id, name=variable.name)
    definitions.delete(session, variable)


def _check_name(session: Session, scope: BranchScope, name: str) -> None:
    if rows.is_variable_name_taken(session, scope.branch_id, checked_variable_name(name)):
        raise Conflict(f"A variable named {name} exists")


def _rewrite_tokens(session: Session, scope: BranchScope, old_name: str, new_name: str) -> int:
    """How many values of the branch held the token. Their events count as changed, so that nobody overwrites them unaware."""
    touched = set()
    rewritten = 0
    for row in rows.values_with(session, scope.branch_id, token(old_name)):
        value = rename_token(row.value, old_name, new_name)
        if value != row.value:
            row.value = value
            touched.add(row.event_id)
            rewritten += 1
    session.flush()
    event_rows.update_events(session, sorted(touched), {"updated_at": SYSTEM_CLOCK.now()})
    return rewritten


def _find(session: Session, scope: BranchScope, variable_id: str) -> Variable:
    variable = rows.variable_of_branch(session, scope.branch_id, variable_id)
    if variable is None:
        raise NotFound("Variable not found")
    return variable


def _views(session: Session, variables: Sequence[Variable]) -> list[VariableView]:
    contexts = rows.contexts_by_variable(session, [variable.id for variable in variables])
    views = []
    for variable in variables:
        found = contexts.get(variable.id, [])
        low = sum(kind == ValueKind.LOW for _, kind, _ in found)
        views.append(
            VariableView(
                id=variable.id,
                project_id=variable.project_id,
                name=variable.name,
                source_name=variable.source_name,
                variable_type=VariableType(variable.variable_type),
                description=variable.description,
                event_count=len({event_id for event_id, _, _ in found}),
                context_count=len(found),
                low_context_count=low,
                high_context_count=len(found) - low,
                sample_values=_samples(values for _, _, values in found),
            )
        )
    return views


def _samples(lists: Iterable[Sequence[str]]) -> list[str]:
    samples: dict[str, None] = {}
    for values in lists:
        for value in values:
            samples.setdefault(value)
            if len(samples) == MOST_SAMPLES:
                return list(samples)
    return list(samples)
