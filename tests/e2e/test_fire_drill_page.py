"""A fire drill is set up, fails where nothing listens, and the page names the stage that broke."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sa
from playwright.sync_api import Page, expect
from sqlmodel import col

from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import create_engine, session_scope
from models.alerting import AlertDrillRun
from models.projects import Project
from tests.e2e.conftest import OpenPage, Person
from tests.e2e.plan_api import Api
from tests.e2e.server import RunningServer
from tests.e2e.test_alerting_rules_page import look


def arrive_twice(server: RunningServer, slug: str) -> None:
    """Two earlier drills that arrived."""
    now = SYSTEM_CLOCK.now()
    with session_scope(create_engine(f"sqlite:///{server.data_dir / 'plumbline.db'}")) as session:
        project_id = session.scalars(sa.select(col(Project.id)).where(col(Project.slug) == slug)).one()
        for days, seconds in [(2, (0.6, 2, 2.5, 6, 7)), (1, (0.5, 2, 3, 8, 11))]:
            began = now - timedelta(days=days)
            moments = [began + timedelta(seconds=second) for second in seconds]
            names = ("ingested_at", "counted_at", "detected_at", "decided_at", "delivered_at")
            session.add(
                AlertDrillRun(
                    project_id=project_id, outcome="passed", bucket=began, started_at=began, finished_at=moments[-1],
                    canary_project_id="", scan_config_id="", rule_id="", destination_name="Drills",
                    **dict(zip(names, moments, strict=True)),
                )
            )  # fmt: skip


def test_a_drill_is_set_up_run_and_its_broken_stage_named(
    open_page: OpenPage, owner: Person, slug: str, api: Api, server: RunningServer, check_accessibility: Callable[[Page], None]
) -> None:
    page = open_page(f"/p/{slug}/fire-drill", owner)
    expect(page.get_by_text("There is nobody to tell yet")).to_be_visible()
    for name in ("Drills", "Second channel"):
        api.send("POST", "/alert-destinations", {"type": "webhook", "name": name, "target_url": "https://hooks.example.invalid/x"})
    page.reload()
    expect(page.get_by_text("No drill yet")).to_be_visible()
    page.get_by_label("Arrives at").select_option(label="Drills (Webhook)")
    page.get_by_label("When it does not arrive, tell").select_option(label="Drills (Webhook)")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#backup_destination_id-error")).to_contain_text("must be another destination")
    page.get_by_label("When it does not arrive, tell").select_option(label="Second channel (Webhook)")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Fire drill saved")).to_be_visible()
    page.get_by_role("button", name="Run now").click()
    row = page.get_by_role("row").nth(1)
    expect(row).to_contain_text(re.compile("Under way|Failed at|Arrived"))
    expect(row).to_contain_text("Failed at", timeout=120_000)
    expect(row).to_contain_text("by hand")
    expect(page.get_by_text("No drill has arrived yet")).to_be_visible()
    arrive_twice(server, slug)
    page.reload()
    expect(page.get_by_role("figure").first).to_be_visible()
    expect(page.get_by_role("table", name="Drills, newest first")).to_contain_text("Arrived")
    look(page, "fire-drill", check_accessibility)
