"""Every route of every area, found by walking the routers: nobody gets in without signing in, no key leaves its project."""

from __future__ import annotations

import re
import uuid

import pytest

from app.identity.contracts import ApiKeyScope, UserRole
from app.kernel.database import session_scope
from tests.conftest import area_routers
from tests.factories import make_api_key, make_project, make_user

INVITED = "/api/v1/auth/invitations/{token}"
RESET = "/api/v1/auth/password-reset"
PUBLIC = {
    "/api/v1/auth/status",
    "/api/v1/auth/register",
    "/api/v1/auth/login",
    f"{RESET}/request",
    f"{RESET}/confirm",
    INVITED,
    f"{INVITED}/accept",
}
FORMS = "/session/"
VICTIM = "victim"


def _routes() -> list[tuple[str, str]]:
    return sorted(
        (method, route.path)
        for router in area_routers()
        for route in router.routes
        for method in route.methods
        if method not in ("HEAD", "OPTIONS")
    )


ROUTES = [(method, path) for method, path in _routes() if path.startswith("/api/") and path not in PUBLIC]
# The other surfaces have keys and error dialects of their own; people sign up and in under /auth.
SURFACES = [(method, path) for method, path in _routes() if not path.startswith(("/api/", "/auth/", FORMS))]
OF_PROJECTS = [(method, path) for method, path in ROUTES if "{slug}" in path]
OF_THE_INSTANCE = [(method, path) for method, path in ROUTES if "{slug}" not in path]


def concrete(path: str) -> str:
    return re.sub(r"\{[^}]*\}", str(uuid.uuid4()), path.replace("{slug}", VICTIM))


@pytest.fixture
def stranger(engine) -> dict[str, str]:
    """An owner's write key that is bound to a project of its own; `victim` is somebody else's."""
    with session_scope(engine) as session:
        owner = make_user(session, role=UserRole.OWNER)
        own = make_project(session)
        make_project(session, slug=VICTIM)
        _, token = make_api_key(session, owner, scope=ApiKeyScope.WRITE, project=own)
    return {"Authorization": f"Bearer {token}"}


def test_there_are_routes_to_check_and_projects_are_always_named_by_slug():
    assert len(OF_PROJECTS) >= 4
    wrong = [path for _, path in ROUTES if re.search(r"/projects/\{(?!slug\})", path)]
    assert not wrong, "a key bound to a project is checked against the path parameter `slug`"


def test_a_key_bound_to_another_project_is_refused_on_every_route(client, stranger):
    answers = {(method, path): client.request(method, concrete(path), json={}, headers=stranger) for method, path in ROUTES}
    wrong = {route: (answer.status_code, answer.text[:200]) for route, answer in answers.items() if answer.status_code != 403}
    assert not wrong
    assert {answer.json()["detail"] for answer in answers.values()} == {"API key is scoped to a single project"}


def test_nobody_is_let_in_anonymously_on_any_route(client, stranger):
    answers = {(method, path): client.request(method, concrete(path), json={}) for method, path in ROUTES}
    wrong = {route: (answer.status_code, answer.text[:200]) for route, answer in answers.items() if answer.status_code != 401}
    assert not wrong


def test_no_other_surface_lets_anybody_in_without_a_key(client):
    answers = {(method, path): client.request(method, concrete(path), json={}) for method, path in SURFACES}
    wrong = {
        route: (answer.status_code, answer.text[:200]) for route, answer in answers.items() if answer.status_code not in (401, 403)
    }
    assert answers and not wrong


def test_an_unknown_project_is_not_found_on_every_reading_route(client, member):
    headers = member(UserRole.OWNER).headers
    reading = [path for method, path in OF_PROJECTS if method == "GET" and not path.endswith("/ai/status")]  # says so itself
    answers = {path: client.get(concrete(path), headers=headers).status_code for path in reading}
    assert {path: status for path, status in answers.items() if status not in (404, 422)} == {}
