"""What every page shares: the registry of pages, the caller of a handler, the mapping of refusals, the guard.

Pages and routes stand at the same height; this module is to pages what `app/http.py` is to routes.

Invariants: a handler learns who calls from the HttpOnly cookie of the websocket's handshake and from nothing the browser
sends later; a caller who is not signed in reaches no handler but those of pages registered with `public=True`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any, Concatenate, ParamSpec, TypeVar
from zoneinfo import ZoneInfo

import reflex as rx
from reflex.state import FrontendEventExceptionState, OnLoadInternalState, State, StateUpdate
from reflex_base.event import Event
from reflex_base.registry import RegistrationContext
from reflex_base.utils.format import format_event_handler
from sqlmodel import Session

from app import sign_in_paths, ui_paths
from app.http import SESSION_COOKIE
from app.identity import service as identity
from app.identity.contracts import Actor
from app.identity.second_factor import SecondFactorMissing
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.kernel.errors import AppError, Conflict, InvalidInput, Unauthorized
from components.format import zone_from_cookies

log = logging.getLogger("plumbline.ui")

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound=rx.State)


class NotLoggedIn(Exception):
    """The handler's caller is not signed in; `path` is where to return to."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


@dataclass(frozen=True, slots=True)
class Page:
    """One registered page."""

    route: str
    title: str
    component: Callable[[], rx.Component]
    on_load: Any
    public: bool


@dataclass(slots=True)
class _Registry:
    pages: list[Page] = field(default_factory=list)
    open_while_enrolling: set[str] = field(default_factory=set)


PAGES = _Registry()


def page(
    *, route: str, title: str, on_load: Any = None, public: bool = False
) -> Callable[[Callable[[], rx.Component]], Callable[[], rx.Component]]:
    """Register a page function. Every page that is not public needs an `on_load` handler, which finds out who is there.

    Until that handler answered, the page shows no content, so that prerendered HTML holds none.
    """
    if not public and on_load is None:
        raise ValueError(f"the page {route} needs an on_load handler or must be public")

    def register(component: Callable[[], rx.Component]) -> Callable[[], rx.Component]:
        PAGES.pages.append(Page(route, title, component, on_load, public))
        return component

    return register


def open_while_enrolling(state: type[S]) -> type[S]:
    """Let people reach this state's handlers who have to set up a second factor before anything else."""
    PAGES.open_while_enrolling.add(state.get_full_name())
    return state


class AppState(rx.State):
    """The root of every page's state: who is signed in, and the one way to call a service."""

    user_name: str = ""
    user_email: str = ""
    user_role: str = ""

    async def _call(self, fn: Callable[Concatenate[Session, Actor, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `fn(session, actor, ...)` in a thread and in one transaction; NotLoggedIn when nobody is signed in."""
        return await self._run(True, fn, *args, **kwargs)

    async def _read(self, fn: Callable[Concatenate[Session, Actor, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Like `_call` for a function that writes nothing; such calls never wait for a writer."""
        return await self._run(False, fn, *args, **kwargs)

    def _route_value(self, name: str) -> str:
        """A bracketed part of the address, such as `slug`; empty when this page has none. Sent by the browser."""
        return str(getattr(self, name, "") or "")

    def _zone(self) -> ZoneInfo:
        """The viewer's time zone."""
        return zone_from_cookies(self.router.headers.cookie)

    def _is_connected(self) -> bool:
        """Whether the browser that started a background loop is still there; every such loop asks at each turn."""
        namespace = RegistrationContext.get().app.event_namespace
        return namespace is not None and self.router.session.client_token in namespace.token_to_sid

    async def _run(self, write: bool, fn: Callable[..., R], *args: Any, **kwargs: Any) -> R:
        token, path = session_token(self), current_path(self)
        known: list[Actor] = []
        may_enrol = self.get_full_name() in PAGES.open_while_enrolling

        def transaction() -> R:
            with session_scope(write=write) as session:
                actor = _actor(session, token, may_enrol=may_enrol)
                if actor is None:
                    raise NotLoggedIn(path)
                known.append(actor)
                return fn(session, actor, *args, **kwargs)

        try:
            return await asyncio.to_thread(transaction)
        finally:
            # Also when the service refused: the frame around the refusal shows who was refused.
            if known and (known[0].email, known[0].name, known[0].role) != (self.user_email, self.user_name, self.user_role):
                self.user_email, self.user_name, self.user_role = known[0].email, known[0].name, str(known[0].role)


def session_token(state: rx.State) -> str | None:
    """The session token in the handshake's cookies."""
    cookies: SimpleCookie = SimpleCookie()
    try:
        cookies.load(state.router.headers.cookie or "")
    except CookieError:
        return None
    return cookies[SESSION_COOKIE].value if SESSION_COOKIE in cookies else None


def current_path(state: rx.State) -> str:
    """Path and query of the page the browser shows."""
    url = state.router.url
    return f"{url.path}?{url.query}" if url.query else str(url.path)


def _actor(session: Session, token: str | None, *, may_enrol: bool) -> Actor | None:
    return identity.caller_for_session(session, token, SYSTEM_CLOCK.now(), may_enrol=may_enrol) if token else None


async def signed_in_caller(state: rx.State) -> Actor | None:
    """Who the handshake's cookie stands for; for public pages, whose states are no AppState."""
    return await asyncio.to_thread(_actor_in_own_transaction, session_token(state))


def field_errors(error: AppError, *, taken: str = "") -> dict[str, str]:
    """The refusal as a message per form field: a conflict at the field `taken`, what belongs to no field under the empty name."""
    if isinstance(error, InvalidInput):
        return {error.field or "": error.message}
    return {taken if isinstance(error, Conflict) else "": error.message}


def on_backend_error(exception: Exception):  # type: ignore[no-untyped-def]  # noqa: ANN201  # Reflex evaluates annotations itself
    """What a handler's exception becomes in the browser: the sign-in page, or a message."""
    if isinstance(exception, NotLoggedIn | Unauthorized):
        path = exception.path if isinstance(exception, NotLoggedIn) else ""
        return rx.redirect(sign_in_paths.login(path), replace=True)
    if isinstance(exception, SecondFactorMissing):
        return rx.redirect(ui_paths.SIGN_IN_SECURITY, replace=True)
    if isinstance(exception, AppError):
        return rx.toast.error(exception.message)
    log.error("a page handler failed", exc_info=exception)
    return rx.toast.error("Something went wrong. It was logged; try again.")


@dataclass(slots=True)
class _ReportBudget:
    """How many reports of browsers are written in a minute: anybody may send them, and a log must not be flooded."""

    per_minute: int
    left: int = 0
    until: float = 0.0

    def take(self, now: float) -> bool:
        """Whether one more fits."""
        if now >= self.until:
            self.left, self.until = self.per_minute, now + 60.0
        self.left -= 1
        return self.left >= 0


_reports = _ReportBudget(per_minute=20)


def on_frontend_error(exception: Exception) -> None:
    """A fault that a browser reports is a line in our log, cut to a bearable length."""
    if _reports.take(time.monotonic()):
        log.error("a browser reported: %s", str(exception)[:2000])


class LoginGuard(rx.Middleware):
    """The second lock: decides before any handler runs, whatever that handler does."""

    def __init__(self, open_handlers: frozenset[str]) -> None:
        self._open = open_handlers

    async def preprocess(self, app: rx.App, state: rx.State, event: Event) -> StateUpdate | None:  # type: ignore[override]  # noqa: ARG002
        """Refuse a handler to callers who are not signed in, or have to set up a second factor first; empty a tab's state that
        belongs to another person."""
        if event.name in self._open:
            return None
        actor = await asyncio.to_thread(_actor_in_own_transaction, session_token(state))
        if event.name in _SNAPSHOT_HANDLERS:
            await _forget_other_person(state, actor)
            return None
        if actor is not None and (not actor.has_to_enrol or event.name.rpartition(".")[0] in PAGES.open_while_enrolling):
            return None
        path = current_path(state)
        if actor is not None and path.partition("?")[0] == ui_paths.SIGN_IN_SECURITY:
            return StateUpdate()
        target = sign_in_paths.login(path) if actor is None else ui_paths.SIGN_IN_SECURITY
        return StateUpdate(events=Event.from_event_type(rx.redirect(target, replace=True)))


def open_handlers() -> frozenset[str]:
    """Handlers that callers reach without being signed in: Reflex's own start-up and the loading of public pages."""
    start_up = (
        State.set_is_hydrated,
        OnLoadInternalState.on_load_internal,
        OnLoadInternalState.set_is_hydrated,
        FrontendEventExceptionState.handle_frontend_exception,
    )
    public = (entry.on_load for entry in PAGES.pages if entry.public and entry.on_load is not None)
    return frozenset(format_event_handler(handler) for handler in (*start_up, *public))


# Reflex's own handlers that send the whole state of a tab.
_SNAPSHOT_HANDLERS = frozenset(format_event_handler(handler) for handler in (State.hydrate, State.hydrate_and_load))


def _actor_in_own_transaction(token: str | None) -> Actor | None:
    if not token:
        return None
    with session_scope(write=False) as session:
        return _actor(session, token, may_enrol=True)


async def _forget_other_person(state: rx.State, actor: Actor | None) -> None:
    # A tab keeps its state's key over a sign-out; what it held must not be shown to whoever comes next.
    app_state = await state.get_state(AppState)
    if app_state.user_email and (actor is None or actor.email != app_state.user_email):
        app_state.reset()  # type: ignore[no-untyped-call]
