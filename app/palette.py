"""What the command palette finds on the server: entities of the open project's plan, on the branch that is open."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final, TypedDict

import reflex as rx
from sqlmodel import Session

from app import security_paths, ui_paths
from app.assistant import service as assistant
from app.assistant.contracts import KIND_WORDS, EntityType
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import AppError
from app.security.service import actor_ranking
from app.ui import AppState

MOST_FOUND: Final = 8
MOST_ACTORS: Final = 2
FEWEST_LETTERS: Final = 2


class Found(TypedDict):
    """One entry of the palette."""

    label: str
    hint: str
    href: str


def pages_off_the_rail(slug: str, words: str) -> list[Found]:
    """Pages of the project that other pages lead to and the rail does not, whose name holds every word."""
    pages = (
        ("Anomaly settings", "Observe", ui_paths.project_anomaly_settings(slug)),
        ("Bake-off of detectors", "Observe", ui_paths.project_bakeoff(slug)),
    )
    return [
        {"label": label, "hint": hint, "href": href}
        for label, hint, href in pages
        if all(word in f"{label} {hint}".lower() for word in words.lower().split())
    ]


def address_entries(slug: str, words: str) -> list[Found]:
    """The security events of an address that was typed."""
    try:
        address = str(ip_address(words))
    except ValueError:
        return []
    href = security_paths.project_security_events(slug, ip=address, days="90")
    return [{"label": f"Security events from {address}", "hint": "Secure", "href": href}]


def actor_entries(session: Session, actor: Actor, slug: str, words: str) -> list[Found]:
    """Actors of the last week whose id begins with what is typed. Errors: NotFound."""
    if len(words) < FEWEST_LETTERS:
        return []
    found = actor_ranking.actors_named(session, actor, slug, words, SYSTEM_CLOCK.now(), limit=MOST_ACTORS)
    return [
        {"label": f"Behaviour of {one}", "hint": "Secure", "href": security_paths.project_actors(slug, actor=one)} for one in found
    ]


def palette_entries(session: Session, actor: Actor, slug: str, words: str, branch: str) -> list[Found]:
    """The best matches of what is typed, best first. Errors: as search has them."""
    found = assistant.search(session, actor, slug, words, limit=MOST_FOUND, branch=branch or None)
    entries = [
        *address_entries(slug, words),
        *pages_off_the_rail(slug, words),
        *actor_entries(session, actor, slug, words),
    ]
    for hit in found.items:
        kind = KIND_WORDS[EntityType(hit.entity_type)]
        entries.append({"label": hit.title, "hint": f"{kind} · {hit.subtitle}" if hit.subtitle else kind, "href": hit.route_path})
    return entries[:MOST_FOUND]


class PaletteState(AppState):
    """What matches the words that are typed."""

    found: list[Found] = []

    @rx.event
    async def search(self, text: str) -> None:
        """Look through the plan; nothing on pages of no project."""
        slug, words = self._route_value("slug"), text.strip()[:200]
        if not slug or not words:
            self.found = []
            return
        branch = str(self.router.url.query_parameters.get("branch", ""))[:64]
        try:
            self.found = await self._read(palette_entries, slug, words, branch)
        except AppError:
            # The palette stands beside a page that reports its own faults.
            self.found = []
