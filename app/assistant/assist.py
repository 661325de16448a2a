"""What the assistant does with a language model: describe a part of the plan, answer a question about it (contract section 16).

It writes nothing; people apply what they like. No transaction is open while the model is asked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.assistant.contracts import SearchHit
from app.assistant.model_client import ChatModel, Model, ModelFailed, configured_model
from app.assistant.search import find
from app.identity.contracts import Actor
from app.kernel.database import session_scope
from app.kernel.errors import Unavailable
from app.kernel.settings import get_settings
from app.plan import service as plan
from app.plan.views import FieldView
from app.plan.vocabulary import Sensitivity
from app.preferences import service as preferences

SOURCES = 12
LONGEST_EXPLANATION_SECONDS = 30
NO_ANSWER = "The assistant cannot answer at the moment. These parts of the plan fit your question best."
_LONGEST_FACT = 600
_SENTENCE_END = re.compile(r"(?<=[.!?\]])\s+")
_CITATION = re.compile(r"\[(\d{1,2})\]")
_FENCE = re.compile(r"^```(?:json)?\s*|\s*```$")


@dataclass(frozen=True, slots=True)
class FieldSuggestion:
    """A description for a field of the event type."""

    field_name: str
    description: str


@dataclass(frozen=True, slots=True)
class Description:
    """What the model suggests."""

    description: str
    field_suggestions: Sequence[FieldSuggestion]


@dataclass(frozen=True, slots=True)
class CitedAnswer:
    """An answer with the parts of the plan it may rest on."""

    answer: str
    sources: Sequence[SearchHit]
    semantic_used: bool


def is_enabled() -> bool:
    """Whether a model can be asked."""
    return configured_model() is not None


def describe_event(actor: Actor, slug: str, event_id: str, *, branch: str | None = None, model: Model | None = None) -> Description:
    """A description of the event and of its fields. Editors.

    Errors: Unavailable while the assistant is off, NotFound, BadRequest of the branch, ModelFailed.
    """
    actor.require_editor()
    model = model or _model()
    with session_scope(write=False) as session:
        event = plan.get_event_detail(session, actor, slug, event_id, branch=branch)
        kind = plan.get_event_type(session, actor, slug, event.event_type_id, branch=branch)
        prompt = preferences.text_of(session, "describe_system_prompt")
    hidden = {field.id for field in kind.field_definitions if _is_sensitive(field)}
    names = {field.id: field.name for field in kind.field_definitions}
    facts = {
        "event": event.name,
        "event_type": kind.display_name,
        "about_the_event_type": kind.description,
        "present_description": event.description,
        "status": event.status.value,
        "tags": [tag.name for tag in event.tags],
        "values": {
            names[value.field_definition_id]: value.value
            for value in event.field_values
            if value.field_definition_id in names and value.field_definition_id not in hidden
        },
        "fields": [_field_fact(field) for field in kind.field_definitions],
    }
    return _described(model.ask(prompt, _fenced(facts)), kind.field_definitions)


def describe_event_type(
    actor: Actor, slug: str, event_type_id: str, *, branch: str | None = None, model: Model | None = None
) -> Description:
    """A description of the event type and of its fields. Editors. Errors as `describe_event`."""
    actor.require_editor()
    model = model or _model()
    with session_scope(write=False) as session:
        kind = plan.get_event_type(session, actor, slug, event_type_id, branch=branch)
        prompt = preferences.text_of(session, "describe_system_prompt")
    facts = {
        "event_type": kind.name,
        "display_name": kind.display_name,
        "present_description": kind.description,
        "fields": [_field_fact(field) for field in kind.field_definitions],
    }
    return _described(model.ask(prompt, _fenced(facts)), kind.field_definitions)


def ask_plan(actor: Actor, slug: str, question: str, *, branch: str | None = None, model: Model | None = None) -> CitedAnswer:
    """An answer from the twelve parts of the plan that fit best; a sentence that cites none of them is dropped.

    When the model fails the answer says so and the parts stay. Errors: Unavailable while the assistant is off, NotFound,
    BadRequest of the branch.
    """
    model = model or _model()
    found = find(actor, slug, question, limit=SOURCES, branch=branch)
    with session_scope(write=False) as session:
        prompt = preferences.text_of(session, "ask_system_prompt")
    facts = {str(number): _hit_fact(hit) for number, hit in enumerate(found.items, 1)}
    try:
        answer = model.ask(prompt, f"{_fenced(facts)}\nQuestion: {question}")
    except ModelFailed:
        return CitedAnswer(NO_ANSWER, found.items, found.semantic_used)
    return CitedAnswer(cited_only(answer, len(facts)) or NO_ANSWER, found.items, found.semantic_used)


def explain_alert(facts: Mapping[str, Any], *, model: Model | None = None) -> str:
    """Why an alert may have fired, in the model's words, from the facts alone. No transaction may be open.

    Waits half a minute at most: a worker holds the message meanwhile. Errors: Unavailable while the assistant is off, ModelFailed.
    """
    model = model or _model(LONGEST_EXPLANATION_SECONDS)
    with session_scope(write=False) as session:
        prompt = preferences.text_of(session, "alert_explanation_system_prompt")
    return model.ask(prompt, _fenced(facts))


def try_model(actor: Actor, prompt: str) -> tuple[bool, str]:
    """Whether the model answers, with its answer or the fault in words. Owners only."""
    actor.require_owner()
    model = configured_model()
    if model is None:
        return False, "The assistant is off, or has no key."
    try:
        return True, model.ask("You test a connection.", prompt)[:1000]
    except ModelFailed as failure:
        return False, failure.message


def cited_only(answer: str, fact_count: int) -> str:
    """The sentences that cite a fact there is, in their order."""
    kept = []
    for sentence in _SENTENCE_END.split(answer.strip()):
        numbers = [int(number) for number in _CITATION.findall(sentence)]
        if numbers and all(1 <= number <= fact_count for number in numbers):
            kept.append(sentence)
    return " ".join(kept)


def _model(most_seconds: int | None = None) -> ChatModel:
    settings = get_settings()
    if most_seconds is not None:
        seconds = min(settings.ai.ai_timeout_seconds, most_seconds)
        settings = settings.model_copy(update={"ai": settings.ai.model_copy(update={"ai_timeout_seconds": seconds})})
    model = configured_model(settings)
    if model is None:
        raise Unavailable("The assistant is off, or has no key", retry_after_seconds=60)
    return model


def _is_sensitive(field: FieldView) -> bool:
    return field.sensitivity is not Sensitivity.NONE


def _field_fact(field: FieldView) -> dict[str, Any]:
    fact: dict[str, Any] = {
        "name": field.name,
        "type": field.field_type.value,
        "required": field.is_required,
        "present_description": field.description[:_LONGEST_FACT],
    }
    if field.enum_options and not _is_sensitive(field):
        fact["options"] = list(field.enum_options)[:50]
    return fact


def _hit_fact(hit: SearchHit) -> dict[str, str]:
    return {"kind": hit.entity_type, "title": hit.title, "part_of": hit.subtitle, "description": hit.description[:_LONGEST_FACT]}


def _fenced(facts: Any) -> str:
    # A name that imitates the fence must not end it.
    text = json.dumps(facts, ensure_ascii=False).replace("<", "\\u003c")
    return f"<facts>{text}</facts>"


def _described(answer: str, fields: Sequence[FieldView]) -> Description:
    try:
        found = json.loads(_FENCE.sub("", answer.strip()))
    except (ValueError, RecursionError):
        return Description(answer, ())
    if not isinstance(found, dict) or not isinstance(found.get("description"), str):
        return Description(answer, ())
    known = {field.name for field in fields}
    listed = found.get("field_suggestions")
    suggestions = [
        FieldSuggestion(item["field_name"], item["description"])
        for item in (listed if isinstance(listed, list) else [])
        if isinstance(item, dict) and item.get("field_name") in known and isinstance(item.get("description"), str)
    ]
    return Description(found["description"], suggestions)
