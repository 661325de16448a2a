"""The frame of our own pages: which destinations the rail offers, who is looking, which project is open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict

import reflex as rx
from sqlmodel import Session

from app import security_paths, ui_paths
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.palette import PaletteState
from app.projects import service as projects
from app.projects.contracts import ProjectView
from app.ui import AppState
from components.format import zone_label
from components.shell import Crumb, NavGroup, NavItem, Viewer, shell


class ProjectChoice(TypedDict):
    """One entry of the project switcher."""

    name: str
    href: str


class ProjectState(AppState):
    """The parent of every state of a page under `/p/[slug]`: the open project and the others one can switch to."""

    project_name: str = ""
    project_choices: list[ProjectChoice] = []
    plan_query: str = ""
    zone_name: str = ""
    """The viewer's zone in a few characters, for what says which clock is meant."""

    def _slug(self) -> str:
        """The slug in the address. It comes from the browser; services decide whether the caller may know the project."""
        return self._route_value("slug")

    def _branch(self) -> str:
        """The working branch the address names, empty for main. It comes from the browser; services judge it."""
        return str(self.router.url.query_parameters.get("branch", ""))[:64]

    async def _enter(self) -> ProjectView:
        """Load what the frame shows; NotFound for a project that is not there. Call it first in `on_load`."""
        project, choices = await self._read(_project_and_choices, self._slug())
        query = ui_paths.branch_query(self._branch())
        if self.plan_query != query:
            self.plan_query = query
        if self.project_name != project.name:
            self.project_name = project.name
        if self.project_choices != choices:
            self.project_choices = choices
        zone_name = zone_label(self._zone(), SYSTEM_CLOCK.now())
        if self.zone_name != zone_name:
            self.zone_name = zone_name
        return project


def _project_and_choices(session: Session, actor: Actor, slug: str) -> tuple[ProjectView, list[ProjectChoice]]:
    project = projects.get_project(session, actor, slug)
    listed = projects.list_projects(session, actor)
    return project, [{"name": entry.name, "href": ui_paths.project_overview(entry.slug)} for entry in listed]


def workspace_frame(*children: Any, active: str, crumbs: Sequence[Crumb] = ()) -> rx.Component:
    """The frame of pages that belong to no project: `active` is home, members or api-keys."""
    return _frame(*children, active=active, groups=[_workspace()], crumbs=crumbs)


def project_frame(
    *children: Any, active: str, crumbs: Sequence[Crumb] = (), tools: rx.Component | None = None, banner: rx.Component | None = None
) -> rx.Component:
    """The frame of a page of the open project; `crumbs` follow the project's own.

    `active` is the key of an item of the rail. `tools` stand in the top bar, `banner` runs across the page beneath it.
    """
    slug = slug_var()
    steps = [Crumb(ProjectState.project_name, ui_paths.project_overview(slug) if crumbs else None), *crumbs]
    return _frame(
        *children,
        active=active,
        groups=[*_project(slug), _workspace()],
        crumbs=steps,
        project_name=ProjectState.project_name,
        projects=ProjectState.project_choices,
        palette_results=PaletteState.found,
        on_palette_search=PaletteState.search,
        tools=tools,
        banner=banner,
    )


def slug_var() -> Any:
    """The slug in the address as a variable of the browser, for links."""
    return rx.State.slug  # type: ignore[attr-defined]  # Reflex adds it for the route `/p/[slug]`


def _frame(*children: Any, active: str, groups: Sequence[NavGroup], crumbs: Sequence[Crumb], **more: Any) -> rx.Component:
    return shell(
        *children,
        active=active,
        groups=groups,
        viewer=Viewer(name=AppState.user_name, email=AppState.user_email, role=AppState.user_role),
        home_href=ui_paths.HOME,
        crumbs=crumbs,
        ready=AppState.user_email != "",
        **more,
    )


def _project(slug: Any) -> list[NavGroup]:
    return [
        _plan(slug, ProjectState.plan_query),
        NavGroup(
            "Observe",
            [
                NavItem("overview", "Overview", ui_paths.project_overview(slug), "activity", "o"),
                NavItem("inbox", "Inbox", ui_paths.project_inbox(slug), "inbox", "i"),
                NavItem("monitoring", "Monitoring", ui_paths.project_monitoring(slug), "chart-line", "w"),
                NavItem("heatmap", "Heatmap", ui_paths.project_heatmap(slug), "grid-3x3", "h"),
                NavItem("releases", "Releases", ui_paths.project_releases(slug), "rocket"),
                NavItem("distribution", "Distribution", ui_paths.project_distribution(slug), "chart-bar-stacked"),
                NavItem("activity", "Activity", ui_paths.project_activity(slug), "newspaper"),
                NavItem("sources", "Sources", ui_paths.project_sources(slug), "antenna"),
                NavItem("live", "Live events", ui_paths.project_live(slug), "radio", "l"),
                NavItem("logs", "Logs", ui_paths.project_logs(slug), "scroll-text", "g"),
            ],
        ),
        NavGroup(
            "Govern",
            [
                NavItem("checks", "Plan checks", ui_paths.project_checks(slug), "shield-check", "c"),
                NavItem("drifts", "Drifts", ui_paths.project_drifts(slug), "git-compare", "x"),
                NavItem("unplanned", "Unplanned events", ui_paths.project_unplanned(slug), "circle-help", "n"),
                NavItem("coverage", "Coverage", ui_paths.project_coverage(slug), "percent", "q"),
                NavItem("scans", "Scans", ui_paths.project_scans(slug), "scan-line", "s"),
                NavItem("keys", "Ingest keys", ui_paths.project_keys(slug), "key-round", "k"),
                NavItem("erasures", "Erasures", ui_paths.project_erasures(slug), "user-x"),
                NavItem("developer", "Developer", ui_paths.project_developer(slug), "code"),
            ],
        ),
        NavGroup(
            "Alert",
            [
                NavItem("monitors", "Monitors", ui_paths.project_monitors(slug), "radar"),
                NavItem("rules", "Rules", ui_paths.project_rules(slug), "bell-ring"),
                NavItem("destinations", "Destinations", ui_paths.project_destinations(slug), "send"),
                NavItem("deliveries", "Deliveries", ui_paths.project_deliveries(slug), "mail-check"),
                NavItem("fire-drill", "Fire drill", ui_paths.project_fire_drill(slug), "siren"),
            ],
        ),
        NavGroup(
            "Secure",
            [
                NavItem("security", "Security", security_paths.project_security(slug), "shield", "z"),
                NavItem("security-alerts", "Security alerts", security_paths.project_security_alerts(slug), "siren", "j"),
                NavItem("security-events", "Security events", security_paths.project_security_events(slug), "fingerprint"),
                NavItem("actors", "Actors", security_paths.project_actors(slug), "user-search"),
                NavItem("threat-models", "Threat models", security_paths.project_threat_models(slug), "crosshair"),
                NavItem("audit", "Audit records", ui_paths.project_audit(slug), "file-clock"),
            ],
        ),
    ]


def _plan(slug: Any, query: Any) -> NavGroup:
    """Pages of the plan; those that show a branch keep the one that is open."""
    return NavGroup(
        "Plan",
        [
            NavItem("events", "Events", f"{ui_paths.project_events(slug)}{query}", "list-tree", "e"),
            NavItem("event-types", "Event types", f"{ui_paths.project_event_types(slug)}{query}", "shapes", "t"),
            NavItem("variables", "Variables", f"{ui_paths.project_variables(slug)}{query}", "braces", "v"),
            NavItem("relations", "Relations", f"{ui_paths.project_relations(slug)}{query}", "waypoints", "y"),
            NavItem("meta-fields", "Meta fields", f"{ui_paths.project_meta_fields(slug)}{query}", "tags", "f"),
            NavItem("branches", "Branches", ui_paths.project_branches(slug), "git-branch", "b"),
            NavItem("plan-rules", "Plan rules", ui_paths.project_plan_rules(slug), "scale", "u"),
            NavItem("revisions", "Revisions", ui_paths.project_revisions(slug), "history", "r"),
            NavItem("ask", "Ask", ui_paths.project_ask(slug), "messages-square"),
        ],
    )


def _workspace() -> NavGroup:
    return NavGroup(
        "Workspace",
        [
            NavItem("home", "Projects", ui_paths.HOME, "layout-grid", "p"),
            NavItem("members", "Members", ui_paths.MEMBERS, "users", "m"),
            NavItem("tenants", "Tenants", ui_paths.TENANTS, "building-2"),
            NavItem("data-sources", "Data sources", ui_paths.DATA_SOURCES, "database", "d"),
            NavItem("api-keys", "API keys", ui_paths.API_KEYS, "key-square", "a"),
            NavItem("audit-log", "Audit log", ui_paths.AUDIT_LOG, "scroll"),
            NavItem("sessions", "Sessions", ui_paths.SESSIONS, "monitor-smartphone"),
            NavItem("sign-in-security", "Sign-in security", ui_paths.SIGN_IN_SECURITY, "lock-keyhole"),
            NavItem("settings", "Settings", ui_paths.SETTINGS, "settings-2"),
            NavItem("health", "Health", ui_paths.HEALTH, "heart-pulse"),
        ],
    )
