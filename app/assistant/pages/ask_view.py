"""An answer about the plan as the page shows it: text with its citations, and the parts of the plan it may rest on."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from sqlmodel import Session

from app.assistant import service as assistant
from app.assistant.assist import NO_ANSWER, CitedAnswer
from app.assistant.contracts import KIND_WORDS, EntityType
from app.identity.contracts import Actor, UserRole
from app.kernel.errors import InvalidInput

SHORTEST_QUESTION, LONGEST_QUESTION = 3, 500
_CITATION: Final = re.compile(r"\[(\d{1,2})\]")


@dataclass(frozen=True)
class AnswerPart:
    """A stretch of the answer: words, or the number of a source with where it leads."""

    text: str
    href: str
    title: str


@dataclass(frozen=True)
class SourceRow:
    """One part of the plan."""

    number: str
    title: str
    kind: str
    part_of: str
    href: str
    is_cited: bool


@dataclass(frozen=True)
class AnswerView:
    """A question with its answer. `is_answered` is false when the model gave none that cites the plan."""

    question: str = ""
    parts: list[AnswerPart] = field(default_factory=list)
    sources: list[SourceRow] = field(default_factory=list)
    is_answered: bool = False
    found_by: str = ""


@dataclass(frozen=True)
class AssistantStanding:
    """Whether questions are answered, and who looks."""

    is_on: bool = False
    is_owner: bool = False


def assistant_standing(_session: Session, actor: Actor) -> AssistantStanding:
    """Whether a model can be asked, for the page around it."""
    return AssistantStanding(assistant.is_enabled(), actor.role is UserRole.OWNER)


def checked_question(text: str) -> str:
    """The question without surrounding space. InvalidInput when it is too short or too long."""
    question = text.replace("\0", "").strip()
    if not SHORTEST_QUESTION <= len(question) <= LONGEST_QUESTION:
        raise InvalidInput(f"A question has {SHORTEST_QUESTION} to {LONGEST_QUESTION} characters", field="question")
    return question


def answer_view(question: str, found: CitedAnswer) -> AnswerView:
    """The answer in parts; a citation leads to the part of the plan it names."""
    is_answered = found.answer != NO_ANSWER
    cited = {int(number) for number in _CITATION.findall(found.answer)} if is_answered else set()
    sources = [
        SourceRow(
            str(number),
            hit.title,
            KIND_WORDS[EntityType(hit.entity_type)],
            hit.subtitle,
            hit.route_path,
            number in cited,
        )
        for number, hit in enumerate(found.sources, start=1)
    ]
    return AnswerView(
        question=question,
        parts=_parts(found.answer, sources) if is_answered else [AnswerPart(found.answer, "", "")],
        sources=sorted(sources, key=lambda row: not row.is_cited),
        is_answered=is_answered,
        found_by="Found by words and by meaning" if found.semantic_used else "Found by words",
    )


def _parts(answer: str, sources: list[SourceRow]) -> list[AnswerPart]:
    parts = []
    for place, text in enumerate(_CITATION.split(answer)):
        if place % 2 == 0:
            parts.append(AnswerPart(text, "", ""))
            continue
        source = sources[int(text) - 1]
        parts.append(AnswerPart(text, source.href, f"{source.kind}: {source.title}"))
    return [part for part in parts if part.text]
