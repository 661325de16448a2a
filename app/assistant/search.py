"""Finding entities of a plan (contract section 15)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlmodel import Session

from app import ui_paths
from app.assistant import meaning, repository, shelf
from app.assistant.contracts import EntityType, IndexState, ObservedValues, Reindexed, SearchAnswer, SearchHit
from app.assistant.index import NO_MEANING, Hit
from app.assistant.model_client import Embedder, configured_embedder
from app.assistant.postings import Document
from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.database import session_scope
from app.plan.service import BranchScope, readable_branch, writable_branch

IMPLEMENTED = frozenset({"implemented", "live", "deprecated"})
SNIPPET_LENGTH = 180
BEFORE_MATCH = 40


def search(
    session: Session,
    actor: Actor,
    slug: str,
    query: str,
    *,
    types: Collection[EntityType] | None = None,
    include_archived: bool = False,
    limit: int = 20,
    branch: str | None = None,
    query_meaning: meaning.QueryMeaning | None = None,
) -> SearchAnswer:
    """The `limit` best matches on the branch, best first, by words and, with `query_meaning`, by meaning. Anybody signed in.

    Errors: NotFound, BadRequest of the branch.
    """
    scope = readable_branch(session, actor, slug, branch)
    place = shelf.shelved(scope.branch_id)
    with place.lock:
        shelf.refresh(session, scope.branch_id, place)
        wanted = {kind.value for kind in types} if types else None
        near = (
            NO_MEANING if query_meaning is None else meaning.nearness(session, scope.project.id, place.text_hashes(), query_meaning)
        )
        found, total = place.index.best(
            query.replace("\0", ""), wanted, include_archived=include_archived, limit=limit, nearness=near
        )
        subtitles = [place.index.title_of(hit.document.parent_id) for hit in found]
    dressed = _dressed(session, scope, found, subtitles, near)
    return SearchAnswer(dressed, total, semantic_used=query_meaning is not None)


def find(
    actor: Actor,
    slug: str,
    query: str,
    *,
    types: Collection[EntityType] | None = None,
    include_archived: bool = False,
    limit: int = 20,
    branch: str | None = None,
    embedder: Embedder | None = None,
) -> SearchAnswer:
    """The same with the query's meaning, where meanings are compared. Call it with no transaction open: the model may be asked."""
    found = None
    embedder = embedder or configured_embedder()
    if embedder is not None:
        with session_scope(write=False) as session:
            scope = readable_branch(session, actor, slug, branch)
            is_embedded = repository.vector_fingerprint(session, scope.project.id, embedder.name)[0] > 0
        found = meaning.meaning_of(query.replace("\0", ""), embedder) if is_embedded else None
    with session_scope(write=False) as session:
        return search(
            session,
            actor,
            slug,
            query,
            types=types,
            include_archived=include_archived,
            limit=limit,
            branch=branch,
            query_meaning=found,
        )


def reindex(session: Session, actor: Actor, slug: str, *, branch: str | None = None) -> Reindexed:
    """Write the branch's documents anew. Editors and owners. Errors: NotFound, BadRequest, Conflict of the branch."""
    scope = writable_branch(session, actor, slug, branch, changes_plan=False)
    count = repository.rebuild(session, scope.branch_id)
    payload = {"documents_indexed": count, "branch_id": scope.branch_id}
    identity.record_audit(session, actor, "search.reindex", "project", scope.project.id, slug, payload)
    return Reindexed(count, embeddings_scheduled=configured_embedder() is not None)


def index_state(session: Session, actor: Actor, slug: str, *, branch: str | None = None) -> IndexState:
    """How much of the branch search knows. Anybody signed in. Errors: NotFound, BadRequest of the branch."""
    scope = readable_branch(session, actor, slug, branch)
    place = shelf.shelved(scope.branch_id)
    with place.lock:
        shelf.refresh(session, scope.branch_id, place)
        texts = set(place.text_hashes())
    embedder = configured_embedder()
    known = None if embedder is None else len(texts & repository.vector_hashes(session, scope.project.id, embedder.name))
    return IndexState(repository.fingerprint(session, scope.branch_id)[0], len(texts), known)


def _dressed(
    session: Session, scope: BranchScope, hits: Sequence[Hit], subtitles: Sequence[str], near: Mapping[str, float]
) -> list[SearchHit]:
    event_ids = [hit.document.entity_id for hit in hits if hit.document.entity_type == EntityType.EVENT]
    statuses = repository.statuses(session, event_ids) if event_ids else {}
    observed: dict[str, list[ObservedValues]] = defaultdict(list)
    for context, variable, field in repository.variable_contexts(session, event_ids) if event_ids else ():
        observed[context.event_id].append(
            ObservedValues(
                id=context.id,
                variable_id=variable.id,
                variable_name=variable.name,
                field_definition_id=field.id,
                field_name=field.name,
                field_display_name=field.display_name,
                source_column=context.source_column,
                value_kind=context.value_kind,
                observed_count=context.observed_count,
                values=context.values,
            )
        )
    dressed = []
    for hit, subtitle in zip(hits, subtitles, strict=True):
        document = hit.document
        is_event = document.entity_type == EntityType.EVENT
        dressed.append(
            SearchHit(
                id=document.entity_id,
                entity_type=document.entity_type,
                entity_id=document.entity_id,
                parent_event_id=None,
                event_id=document.entity_id if is_event else None,
                name=document.title if is_event else None,
                implemented=statuses.get(document.entity_id) in IMPLEMENTED if is_event else None,
                variable_values=observed[document.entity_id] if is_event else [],
                title=document.title,
                subtitle=subtitle,
                description=document.description,
                snippet=snippet(document.description or document.body or document.keywords, hit.matched),
                route_path=route_path(scope, document),
                score=hit.score,
                confidence=round(hit.confidence, 4),
                highlights=list(hit.matched),
                semantic_used=document.entity_id in near,
            )
        )
    return dressed


def snippet(text: str, matched: Sequence[str]) -> str:
    """The part of a text around the first matched word, at most 180 characters and two ellipses."""
    flat = " ".join(text.split())
    lowered = flat.lower()
    places = [place for word in matched if (place := lowered.find(word)) >= 0]
    start = max(0, min(places, default=0) - BEFORE_MATCH)
    part = flat[start : start + SNIPPET_LENGTH]
    return f"{'…' if start else ''}{part}{'…' if start + SNIPPET_LENGTH < len(flat) else ''}"


def route_path(scope: BranchScope, document: Document) -> str:
    """The page that shows the entity, on the branch that was searched."""
    slug = scope.project.slug
    match document.entity_type:
        case EntityType.EVENT:
            path = ui_paths.project_event(slug, document.entity_id)
        case EntityType.EVENT_TYPE:
            path = ui_paths.project_event_type(slug, document.entity_id)
        case EntityType.FIELD:
            path = ui_paths.project_event_type(slug, document.parent_id)
        case EntityType.META_FIELD:
            path = ui_paths.project_meta_fields(slug)
        case EntityType.VARIABLE:
            path = ui_paths.project_variables(slug)
        case EntityType.RELATION:
            path = ui_paths.project_relations(slug)
        case _:
            return ui_paths.events_with_tag(slug, document.title, "" if scope.is_main else scope.branch_id)
    return path + ui_paths.branch_query("" if scope.is_main else scope.branch_id)
