"""Databases are installed whole or not at all; lists are taken only when they look right."""

from __future__ import annotations

import gzip
import http.server
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from app.cli.main import app as command
from app.kernel.outbound import AllowList, Outbound
from app.security.intelligence import Databases, enrich
from app.security.intelligence.install import InstallFailed, download_addresses, install_download, install_file
from app.security.intelligence.sources import Source, refresh_lists
from tests.unit.security_intelligence.conftest import nested

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
TODAY = NOW.date()


def packed_answer(body: bytes) -> httpx.Response:
    return httpx.Response(200, stream=httpx.ByteStream(body))


@pytest.fixture
def database(write_database):
    return write_database("made.mmdb", "DBIP-City-Lite", {"81.2.69.0/24": nested("GB", "London", 51.5, -0.12)})


@pytest.mark.parametrize("is_packed", [False, True])
def test_file_is_installed_packed_or_not(database, tmp_path, is_packed):
    source = database
    if is_packed:
        source = tmp_path / "made.mmdb.gz"
        source.write_bytes(gzip.compress(database.read_bytes()))
    installed = install_file(source, tmp_path / "geo")
    assert (installed.path.name, installed.kind) == ("made.mmdb", "DBIP-City-Lite")
    assert enrich("81.2.69.5", databases=Databases(tmp_path / "geo")).city == "London"


def test_file_that_is_no_database_leaves_the_folder_as_it_was(database, tmp_path):
    install_file(database, tmp_path / "geo")
    wrong = tmp_path / "other" / "made.mmdb"
    wrong.parent.mkdir()
    wrong.write_bytes(b"not a database")
    with pytest.raises(InstallFailed):
        install_file(wrong, tmp_path / "geo")
    with pytest.raises(InstallFailed):
        install_file(tmp_path / "missing.mmdb", tmp_path / "geo")
    assert [path.name for path in (tmp_path / "geo").iterdir()] == ["made.mmdb"]
    assert enrich("81.2.69.5", databases=Databases(tmp_path / "geo")).city == "London"


def test_download_falls_back_to_the_month_before_and_keeps_the_attribution(database, tmp_path):
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return packed_answer(gzip.compress(database.read_bytes())) if len(asked) > 1 else httpx.Response(404)

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        installed = install_download(client, "city", tmp_path / "geo", date(2026, 1, 1))
    assert asked == list(download_addresses("city", date(2026, 1, 1)))
    assert [url[-19:-8] for url in asked] == ["ite-2026-01", "ite-2025-12"]
    assert installed.path.name == "dbip-city-lite.mmdb"
    assert "https://db-ip.com" in (tmp_path / "geo" / "ATTRIBUTION").read_text()


@pytest.mark.parametrize("cut", [10, -10])
def test_download_that_breaks_off_installs_nothing(database, tmp_path, cut):
    packed = gzip.compress(database.read_bytes())[:cut]
    with httpx.Client(transport=httpx.MockTransport(lambda _: packed_answer(packed))) as client, pytest.raises(InstallFailed):
        install_download(client, "city", tmp_path / "geo", TODAY)
    assert list((tmp_path / "geo").iterdir()) == []


def test_command_installs_into_the_data_folder(database, tmp_path, monkeypatch):
    monkeypatch.setenv("PLUMBLINE_DATA_DIR", str(tmp_path / "data"))
    done = CliRunner().invoke(command, ["geoip", "install", "--file", str(database)])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "data" / "geo" / "made.mmdb").exists()
    assert CliRunner().invoke(command, ["geoip", "install", "--file", str(tmp_path / "missing.mmdb")]).exit_code == 1


class Published:
    """A source on loopback whose answers a test sets."""

    def __init__(self) -> None:
        self.status, self.body, self.tag, self.calls = 200, b"", '"1"', 0
        published = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                published.calls += 1
                is_known = self.headers.get("if-none-match") == published.tag
                self.send_response(304 if is_known else published.status)
                self.send_header("etag", published.tag)
                self.send_header("content-length", "0" if is_known else str(len(published.body)))
                self.end_headers()
                if not is_known:
                    self.wfile.write(published.body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.sources = (Source("vpn-test.txt", f"http://127.0.0.1:{self.server.server_port}/list"),)


@pytest.fixture
def published():
    found = Published()
    yield found
    found.server.shutdown()
    found.server.server_close()


def rows(count: int) -> bytes:
    return "\n".join(f"45.{number // 256}.{number % 256}.0/24" for number in range(count)).encode()


def refresh(folder: Path, published: Published, at: datetime = NOW, allow: str = "127.0.0.0/8"):
    return [one.result for one in refresh_lists(folder, Outbound(AllowList(allow)), lambda: at, sources=published.sources)]


def test_list_is_fetched_once_a_day_and_only_when_it_changed(published, tmp_path):
    published.body = rows(200)
    assert refresh(tmp_path, published) == ["updated"]
    assert refresh(tmp_path, published, NOW + timedelta(hours=23)) == []
    assert refresh(tmp_path, published, NOW + timedelta(hours=25)) == ["unchanged"]
    assert published.calls == 2
    assert enrich("45.0.7.7", databases=Databases(tmp_path)).is_vpn


@pytest.mark.parametrize("body", [rows(99), b"<html>sorry</html>", b""])
def test_list_that_lost_most_of_its_rows_is_refused_and_tried_again_in_an_hour(published, tmp_path, body):
    published.body = rows(200)
    refresh(tmp_path, published)
    published.body, published.tag = body, '"2"'
    later = NOW + timedelta(days=2)
    assert refresh(tmp_path, published, later) == ["refused"]
    assert (tmp_path / "vpn-test.txt").read_bytes() == rows(200)
    assert refresh(tmp_path, published, later + timedelta(minutes=30)) == []
    published.body = rows(150)
    assert refresh(tmp_path, published, later + timedelta(hours=1)) == ["updated"]


def test_source_that_fails_or_is_not_public_changes_nothing(published, tmp_path):
    published.body, published.status = rows(200), 500
    assert refresh(tmp_path, published) == ["failed"]
    assert refresh(tmp_path, published, NOW + timedelta(days=1), allow="") == ["failed"]
    assert not (tmp_path / "vpn-test.txt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["vpn-test.txt.etag"]
