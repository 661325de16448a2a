"""Developer: code to copy for each way of sending, typed tracking code from the plan, and the API's description."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

import reflex as rx
from reflex.event import EventSpec

from app import ui_paths
from app.developer.snippets import Snippet, snippets
from app.frame import project_frame, slug_var
from app.kernel.settings import get_settings
from app.page_states import LoadedState, page_body
from app.plan.codegen.languages import PROMISE, code_files
from app.ui import page
from components import code_block, link_button, page_header, section, segmented, text_link
from components.downloads import download_list
from components.shell import Crumb

WAYS: Final = [(entry.key, entry.title) for entry in snippets("")]
NONE: Final = Snippet("", "", "", "")


class DeveloperState(LoadedState):
    """The chosen way of sending, which lives in the address, and where the plan's code is."""

    way: str = "curl"
    shown: Snippet = NONE
    code_href: str = ""
    code_query: str = ""

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Rebuild the page from the address."""
        slug = self._slug()
        if self._begin(f"developer/{slug}"):
            self.shown = NONE
            yield
        wanted = self.router.url.query_parameters.get("with", "curl")
        with self._loading():
            await self._enter()
            # What people use from elsewhere is set by the owner; without it, what this browser used reaches the instance.
            url = get_settings().runtime.public_url.rstrip("/") or str(self.router.url.origin)
            found = {entry.key: entry for entry in snippets(url)}
            self.shown = found.get(wanted, found["curl"])
            self.way = self.shown.key
            self.code_href = f"/api/v1/projects/{slug}/plan/code/"

    @rx.event
    def choose(self, way: str) -> EventSpec:
        """Another way of sending."""
        path = ui_paths.project_developer(self._slug())
        return rx.redirect(path if way == "curl" else f"{path}?with={way}", replace=True)


@page(route="/p/[slug]/developer", title="Developer · Plumbline", on_load=DeveloperState.load)
def developer_page() -> rx.Component:
    """The page."""
    state: Any = DeveloperState
    return project_frame(
        page_header("Developer", note="Send events to this project, and build against what it knows."),
        page_body(
            state,
            section(
                "Send an event",
                rx.el.p(
                    "PLUMBLINE_KEY is an ingest key of this project. It was shown once, when it was made; ",
                    text_link("make another one", href=ui_paths.project_keys(slug_var())),
                    " if nobody kept it.",
                    class_name="snippet-note",
                ),
                rx.el.div(segmented(WAYS, state.way, state.choose, label="Way of sending"), class_name="ways"),
                rx.el.p(state.shown.note, class_name="snippet-note"),
                code_block(state.shown.code, label=f"Code for {state.shown.title}"),
                actions=[text_link("See it arrive", href=ui_paths.project_live(slug_var()))],
            ),
            section("Tracking code", download_list(code_files(state.code_href, state.code_query)), note=PROMISE),
            section(
                "API",
                rx.el.p(
                    "Everything these pages do goes through one HTTP API. A program uses it with an API key, which acts as "
                    "the person who made it.",
                    class_name="snippet-note",
                ),
                rx.el.div(
                    _document("Read and try", "/docs", "book-open"),
                    _document("OpenAPI document", "/openapi.json", "file-json-2"),
                    link_button("API keys", href=ui_paths.API_KEYS),
                    class_name="form-actions",
                ),
            ),
            on_retry=state.load,
        ),
        active="developer",
        crumbs=[Crumb("Developer")],
    )


def _document(text: str, href: str, icon: str) -> rx.Component:
    # Not a page of the router: the browser itself has to go there.
    return rx.el.a(
        rx.icon(icon, size=14, aria_hidden="true"),
        text,
        href=href,
        target="_blank",
        rel="noopener",
        class_name="btn btn-plain",
    )
