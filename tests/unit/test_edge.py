"""What the outermost application decides by itself; everything behind it is a stand-in that tells who was asked."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient

from app import edge_headers, event_api
from app.edge import Edge
from app.http import area_app
from app.kernel.settings import Settings
from app.kernel.telemetry import HTTP_REQUESTS


def stand_in(name: str, status: int = 200, headers: tuple[tuple[bytes, bytes], ...] = ()):
    async def application(scope, receive, send):
        assert scope["type"] == "http"
        request_id = scope["state"]["request_id"]
        seen = (b"x-seen", f"{name} {scope['method']} {scope['path']} {request_id}".encode())
        await send({"type": "http.response.start", "status": status, "headers": [seen, (b"content-type", b"text/plain"), *headers]})
        await send({"type": "http.response.body", "body": name.encode()})

    return application


def failing(_scope, _receive, _send):
    raise RuntimeError("broken")


@pytest.fixture
def client(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path) -> Iterator[TestClient]:
    page = tmp_path / "build" / "client" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text('<script>start()</script><script src="/x.js"></script><script type="module" async="">go()</script>')
    monkeypatch.setattr(edge_headers, "WEB_DIR", tmp_path)
    edge_headers._page_policy.cache_clear()
    plan, projects = APIRouter(), APIRouter()

    @projects.get("/api/v1/projects")
    def list_projects() -> str:
        return "projects"

    @projects.get("/api/v1/projects/{slug}")
    def get_project(slug: str) -> str:
        return f"project {slug}"

    @projects.post("/session/login")
    def login() -> str:
        return "signed in"

    @plan.get("/api/v1/projects/{slug}/events")
    def list_events(slug: str) -> str:
        return f"events of {slug}"

    @plan.get("/api/v1/projects/{slug}/broken")
    def broken(slug: str) -> str:
        raise RuntimeError("broken")

    areas = [(area_app("projects", projects), [projects]), (area_app("plan", plan), [plan])]
    edge = Edge(ingest=stand_in("ingest"), areas=areas, operations=stand_in("operations"), pages=stand_in("pages"))
    yield TestClient(edge, base_url="http://plumbline.test", follow_redirects=False, raise_server_exceptions=False)
    edge_headers._page_policy.cache_clear()


def test_each_path_reaches_its_application(client: TestClient) -> None:
    assert client.post("/v1/events").text == "ingest"
    assert client.get("/api/v1/projects").json() == "projects"
    assert client.get("/api/v1/projects/shop").json() == "project shop"
    assert client.get("/api/v1/projects/shop/events").json() == "events of shop"
    assert client.get("/healthz").text == "operations"
    assert client.get("/api/docs/static/swagger-ui.css").text == "operations"
    assert client.get("/p/shop").text == "pages"


def test_a_trailing_slash_means_the_same_api_path(client: TestClient) -> None:
    assert client.get("/api/v1/projects/shop/events/").json() == "events of shop"


def test_unknown_api_paths_and_wrong_methods_are_told_in_json(client: TestClient) -> None:
    for path in ("/api/v1/nothing", "/v1/nothing", "/api", "/session/nothing", "/_upload", "/_all_routes"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"}), path
    assert client.delete("/api/v1/projects").status_code == 405


def test_an_unknown_path_of_a_surface_is_told_in_the_surface_s_own_words() -> None:
    events = APIRouter()
    events.add_api_route("/v1/anomalies", lambda: "anomalies", methods=["GET"])
    areas = [(event_api.application(events), [events])]
    edge = Edge(ingest=stand_in("ingest"), areas=areas, operations=stand_in("operations"), pages=stand_in("pages"))
    client = TestClient(edge, base_url="http://plumbline.test")
    for path in ("/v1/nothing", "/v1/events/7", "/driftlock", "/driftlock/nothing", "/driftlock/v1/nothing"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found"), path
    assert client.post("/v1/events/").text == client.post("/driftlock/v1/events").text == "ingest"
    wrong = client.put("/v1/anomalies")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET")


def test_head_is_answered_like_get_without_a_body(client: TestClient) -> None:
    answer = client.head("/api/v1/projects")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len('"projects"'))


def test_a_page_gets_a_slash_so_that_the_file_server_does_not_redirect(client: TestClient) -> None:
    assert client.get("/p/shop").headers["x-seen"].startswith("pages GET /p/shop/ ")
    assert client.get("/favicon.svg").headers["x-seen"].startswith("pages GET /favicon.svg ")


def test_the_root_leads_to_the_project_list(client: TestClient) -> None:
    answer = client.get("/")
    assert (answer.status_code, answer.headers["location"]) == (307, "/home")


def test_the_request_id_of_the_client_is_echoed_and_handed_on(client: TestClient) -> None:
    answer = client.get("/p/shop", headers={"X-Request-ID": "mine-7"})
    assert answer.headers["x-request-id"] == "mine-7"
    assert answer.headers["x-seen"].endswith(" mine-7")


@pytest.mark.parametrize("sent", ["", "x" * 129, "two words", "tab\there"])
def test_a_request_id_that_could_spoil_a_log_is_replaced(client: TestClient, sent: str) -> None:
    answer = client.get("/p/shop", headers={"X-Request-ID": sent})
    assert answer.headers["x-request-id"] not in ("", sent)


def test_every_application_but_ingest_gets_the_security_headers(client: TestClient) -> None:
    for path in ("/p/shop", "/api/v1/projects", "/healthz", "/nothing.txt", "/api/nothing"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["x-frame-options"] == "DENY", path
        assert headers["referrer-policy"] == "same-origin", path
    assert "x-frame-options" not in client.post("/v1/events").headers
    assert "x-request-id" in client.post("/v1/events").headers


def test_pages_allow_their_own_inline_scripts_by_digest_and_no_others(client: TestClient) -> None:
    policy = client.get("/p/shop").headers["content-security-policy"]
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert scripts.count("'sha256-") == 2
    assert "'unsafe-inline'" not in scripts
    assert "frame-ancestors 'none'" in policy


def test_only_files_named_by_content_are_kept_by_the_browser(client: TestClient) -> None:
    assert client.get("/assets/page-1a2b.js").headers["cache-control"] == "public, max-age=31536000, immutable"
    assert client.get("/p/shop").headers["cache-control"] == "no-cache"
    assert client.get("/api/v1/projects").headers["cache-control"] == "no-store"


def test_a_missing_asset_is_not_remembered(settings: Settings) -> None:
    edge = Edge(ingest=failing, areas=[], operations=failing, pages=stand_in("pages", status=404))
    assert TestClient(edge).get("/assets/gone.js").headers["cache-control"] == "no-store"


def test_a_header_that_the_application_set_itself_stays(settings: Settings) -> None:
    own = ((b"cache-control", b"max-age=5"),)
    edge = Edge(ingest=failing, areas=[], operations=failing, pages=stand_in("pages", headers=own))
    assert TestClient(edge).get("/assets/x.js").headers["cache-control"] == "max-age=5"


@pytest.mark.parametrize("origin", ["http://elsewhere.example", "null", "http://plumbline.test.elsewhere.example", ""])
def test_a_form_of_another_site_is_refused(client: TestClient, origin: str) -> None:
    answer = client.post("/session/login", headers={"Origin": origin})
    assert answer.status_code == 403


def test_a_form_of_our_own_site_and_a_client_without_origin_are_let_in(client: TestClient) -> None:
    assert client.post("/session/login", headers={"Origin": "http://plumbline.test"}).status_code == 200
    assert client.post("/session/login").status_code == 200


def test_an_exception_becomes_500_with_the_request_id_and_is_logged_once(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "plumbline"):
        answer = client.get("/api/v1/projects/shop/broken", headers={"X-Request-ID": "r1"})
    assert answer.status_code == 500
    assert answer.json() == {"detail": "Internal server error", "request_id": "r1"}
    assert [record.message for record in caplog.records if record.name.startswith("plumbline")] == ["request failed"]


def test_an_application_that_fails_before_it_answers_is_answered_for(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    edge = Edge(ingest=failing, areas=[], operations=failing, pages=failing)
    answer = TestClient(edge).get("/healthz")
    assert (answer.status_code, answer.json()["detail"]) == (500, "Internal server error")
    assert "request failed" in caplog.text


def test_requests_are_counted_and_invented_methods_share_one_series(client: TestClient) -> None:
    def count(method: str, status: str) -> float:
        return HTTP_REQUESTS.labels(method, status)._value.get()

    before, other = count("GET", "404"), count("OTHER", "200")
    client.get("/api/nothing")
    client.request("BREW", "/p/shop")
    assert count("GET", "404") == before + 1
    assert count("OTHER", "200") == other + 1


def test_routes_of_two_areas_below_one_prefix_are_told_apart() -> None:
    from app.route_tree import RouteTree

    plan, metrics = FastAPI(title="plan"), FastAPI(title="metrics")
    tree = RouteTree()
    tree.add("/api/v1/projects/{slug}/events", plan)
    tree.add("/api/v1/projects/{slug}/events/{event_id}", plan)
    tree.add("/api/v1/projects/{slug}/events/{event_id}/metrics", metrics)
    tree.add("/api/v1/projects/{slug}/events/tags", plan)
    tree.prune()
    assert tree.find("/api/v1/projects/shop/events/7/metrics") is metrics
    assert tree.find("/api/v1/projects/shop/events/7") is plan
    assert tree.find("/api/v1/projects/shop/events/tags") is plan
    assert tree.find("/api/v1/projects/shop/nothing") is None
    assert tree.find("/api/v1/elsewhere") is None
