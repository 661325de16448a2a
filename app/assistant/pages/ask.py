"""Ask: a question about the plan, answered with the parts of the plan the answer rests on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import reflex as rx
from reflex.event import EventSpec
from sqlmodel import Session

from app import ui_paths
from app.assistant import service as assistant
from app.assistant.pages.ask_view import AnswerView, AssistantStanding, answer_view, assistant_standing, checked_question
from app.assistant.pages.search_index import SearchIndexState, search_index
from app.frame import project_frame
from app.identity.contracts import Actor
from app.kernel.errors import AppError
from app.page_states import LoadedState, page_body
from app.ui import page
from components import Column, badge, button, data_table, empty_state, link_button, page_header, row_link, section, text_input
from components.inline_edit import form_refusal
from components.shell import Crumb

EXAMPLES = ("Which events tell that somebody paid?", "Where is the price of an order?", "What is sent when a sign-up fails?")


class AskState(LoadedState):
    """The last question and its answer."""

    standing: AssistantStanding = AssistantStanding()
    view: AnswerView = AnswerView()
    asking: str = ""
    problem_text: str = ""
    _turn: int = 0

    @rx.event
    async def load(self) -> AsyncIterator[EventSpec | None]:
        """Enter the project; what was asked in another one is gone."""
        if self._begin(f"ask/{self._slug()}/{self._branch()}"):
            self.view, self.asking, self.problem_text = AnswerView(), "", ""
            self._turn += 1
            yield None
        with self._loading():
            await self._enter()
            self.standing = await self._read(assistant_standing)
        yield SearchIndexState.watch

    @rx.event
    def submit(self, form: dict[str, Any]) -> EventSpec | None:
        """Ask the form's question."""
        return self._ask(str(form.get("question", "")))

    @rx.event
    def ask_example(self, question: str) -> EventSpec | None:
        """Ask one of the offered questions."""
        return self._ask(question)

    @rx.event
    def stop(self) -> None:
        """Wait no longer; an answer that still comes is dropped."""
        self.asking = ""
        self._turn += 1

    @rx.event(background=True)
    async def answer(self) -> None:
        """Put the question to the model while the page stays usable; no transaction is open meanwhile."""
        async with self:
            turn, question, slug, branch = self._turn, self.asking, self._slug(), self._branch()
            actor = await self._read(_caller)
        view, problem = AnswerView(), ""
        try:
            found = await asyncio.to_thread(assistant.ask_plan, actor, slug, question, branch=branch or None)
            view = answer_view(question, found)
        except AppError as refusal:
            problem = refusal.message
        async with self:
            if self._turn == turn:
                self.asking, self.view, self.problem_text = "", view, problem

    def _ask(self, text: str) -> EventSpec | None:
        try:
            question = checked_question(text)
        except AppError as refusal:
            self.problem_text = refusal.message
            return None
        self._turn += 1
        self.asking, self.problem_text = question, ""
        return AskState.answer


def _caller(_session: Session, actor: Actor) -> Actor:
    return actor


@page(route="/p/[slug]/ask", title="Ask · Plumbline", on_load=AskState.load)
def ask_page() -> rx.Component:
    """The page."""
    state: Any = AskState
    return project_frame(
        page_header("Ask the plan", note="Every sentence of an answer cites the part of the plan it rests on; others are dropped."),
        page_body(state, rx.cond(state.standing.is_on, _questions(state), _off(state)), search_index(), on_retry=state.load),
        active="ask",
        crumbs=[Crumb("Ask")],
    )


def _off(state: Any) -> rx.Component:
    return rx.cond(
        state.standing.is_owner,
        empty_state(
            "The assistant is off",
            "It works with any server that speaks OpenAI's chat completions, also one of your own. In the settings, turn it on, "
            "name the server and the model, give a key, and test the connection. Until then nothing is sent anywhere.",
            link_button("Assistant settings", href=f"{ui_paths.SETTINGS}?q=ai_", kind="primary"),
        ),
        empty_state(
            "The assistant is off",
            "An owner of this instance can turn it on in the settings. The search (Ctrl K) finds events, fields and variables "
            "without it.",
        ),
    )


def _questions(state: Any) -> rx.Component:
    is_waiting = state.asking != ""
    return rx.fragment(
        rx.el.form(
            rx.el.label("Question", html_for="question", class_name="sr-only"),
            text_input(
                field_id="question",
                name="question",
                placeholder="What do you want to know about the plan?",
                max_length=500,
                auto_complete="off",
                auto_focus=True,
            ),
            button("Ask", kind="primary", type="submit", disabled=is_waiting),
            on_submit=state.submit,
            reset_on_submit=False,
            class_name="ask-form",
        ),
        form_refusal(state.problem_text),
        rx.el.div(
            rx.cond(
                is_waiting,
                rx.el.p(
                    rx.el.span("Asking the model: ", rx.el.q(state.asking), class_name="muted"),
                    " ",
                    button("Stop waiting", small=True, on_click=state.stop),
                    class_name="inline",
                ),
                rx.fragment(),
            ),
            role="status",
            class_name="ask-progress",
        ),
        rx.cond(
            (state.view.question != "") & ~is_waiting,
            _answer(state.view),
            rx.cond(is_waiting, rx.fragment(), _examples(state)),
        ),
    )


def _examples(state: Any) -> rx.Component:
    return section(
        "For example",
        rx.el.div(
            *[button(text, small=True, on_click=state.ask_example(text)) for text in EXAMPLES],
            class_name="ask-examples",
        ),
    )


def _answer(view: Any) -> rx.Component:
    return rx.fragment(
        section(
            view.question,
            rx.el.p(
                rx.foreach(
                    view.parts,
                    lambda part: rx.cond(
                        part.href != "",
                        rx.link(
                            "[", part.text, "]", href=part.href, title=part.title, underline="none", class_name="citation link"
                        ),
                        rx.el.span(part.text),
                    ),
                ),
                class_name="answer",
            ),
        ),
        section(
            "Sources",
            data_table(
                [
                    Column("No.", lambda row: row.number, width="60px"),
                    Column("Part of the plan", lambda row: row_link(row.title, row.href)),
                    Column("Kind", lambda row: row.kind, secondary=True, width="130px"),
                    Column("Belongs to", lambda row: row.part_of, secondary=True),
                    Column("", lambda row: rx.cond(row.is_cited, badge("cited", "accent"), rx.fragment()), width="90px"),
                ],
                view.sources,
                caption="Parts of the plan the model was given",
                empty=empty_state("Nothing in the plan fits", "Ask with other words, or look through the events."),
            ),
            note=view.found_by,
        ),
    )
