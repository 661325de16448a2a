"""The container files agree with each other and with the settings; no container is run here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from app.kernel.settings import entries, load_settings

ROOT = Path(__file__).resolve().parents[2]
KNOWN = {entry.variable for entry in entries()} | {f"{entry.variable}_FILE" for entry in entries() if entry.is_secret}
FILES = ["Dockerfile", "compose.yaml", "docs/operations.md"]
# Read by the command, no setting of the server.
OF_THE_COMMAND = {"PLUMBLINE_API_KEY"}


@pytest.fixture
def compose():
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


def interpolated(value, environment):
    """What compose makes of `${NAME:-default}` and `${NAME:?message}`."""

    def look_up(match):
        name, default = match[1], match[3] if match[2] == ":-" else ""
        return environment.get(name) or default

    return re.sub(r"\$\{(\w+)(:-|:\?)([^}]*)\}", look_up, value)


@pytest.mark.parametrize("name", FILES)
def test_every_variable_named_is_a_setting(name):
    named = set(re.findall(r"PLUMBLINE_[A-Z0-9_]*[A-Z0-9]", (ROOT / name).read_text()))
    assert named
    assert named - KNOWN - OF_THE_COMMAND == set()


def test_one_service_runs_by_default_and_each_profile_adds_its_own(compose):
    profiles = {name: service.get("profiles", []) for name, service in compose["services"].items()}
    assert profiles == {"plumbline": [], "postgres": ["postgres"], "clickhouse": ["clickhouse"], "kafka": ["kafka"]}
    needed = compose["services"]["plumbline"]["depends_on"]
    assert all(condition["required"] is False for condition in needed.values())
    assert set(needed) == set(profiles) - {"plumbline"}


def test_every_volume_used_is_declared_and_only_loopback_is_published(compose):
    used = {mount.split(":")[0] for service in compose["services"].values() for mount in service.get("volumes", [])}
    assert used == set(compose["volumes"])
    published = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_the_settings_load_with_nothing_but_the_two_secrets(compose):
    secrets = {"PLUMBLINE_SECRET_KEY": "s" * 40, "PLUMBLINE_ENCRYPTION_KEYS": "e" * 40}
    variables = compose["services"]["plumbline"]["environment"]
    settings = load_settings({name: interpolated(value, secrets) for name, value in variables.items()})
    assert settings.is_production
    assert settings.eventstore_is_embedded
    assert settings.database_url_resolved.startswith("sqlite:")
    assert settings.kafka.kafka_topic == "driftlock-events"


def test_the_lines_of_the_handbook_point_to_services_of_the_profiles(compose):
    text = (ROOT / "docs/operations.md").read_text()
    hosts = set(re.findall(r"@(\w+):(?:5432|8123)/plumbline", text)) | set(re.findall(r"KAFKA_BROKERS=(\w+):9092", text))
    assert hosts == set(compose["services"]) - {"plumbline"}


def test_the_image_runs_as_nobody_in_particular_with_one_volume_and_a_readiness_check():
    text = (ROOT / "Dockerfile").read_text()
    last_stage = text[text.rindex("\nFROM ") :]
    assert "\nUSER plumbline\n" in last_stage
    assert re.findall(r"^VOLUME (.*)$", last_stage, re.M) == ["/data"]
    assert "PLUMBLINE_DATA_DIR=/data" in last_stage
    assert "/readyz" in last_stage
    assert re.findall(r"^EXPOSE (.*)$", last_stage, re.M) == ["8000 4317"]
    assert re.findall(r"^FROM (\S+)", text, re.M) == ["python:3.11-slim"] * 2
    assert "--constraint constraints.txt" in text


def test_what_holds_secrets_or_state_is_not_sent_to_the_build():
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".git", ".env", ".data", ".venv", ".web"} <= set(ignored)
