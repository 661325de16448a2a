"""Compression-based detection: the contract's vectors E.1 and E.2, calibration, tokens."""

from __future__ import annotations

import json
import random
import uuid

import pytest

from app.compression.lines import canonical, numbers_of
from app.compression.novelty import SIGNIFICANT, distance, entropy, explain, judge
from app.compression.numbers import Spread, indicators


def request_line(generator: random.Random) -> str:
    return json.dumps(
        {
            "level": "info",
            "path": generator.choice(["/cart", "/pay", "/items", "/login", "/search"]),
            "method": generator.choice(["GET", "POST"]),
            "status": generator.choice([200, 200, 200, 201, 304, 404]),
            "duration": generator.randrange(20, 80),
            "user": f"u{generator.randrange(50)}",
        }
    )


def strange_line(generator: random.Random) -> str:
    junk = "".join(generator.choice("abcdefghijklmnopqrstuvwxyz{}();<>") for _ in range(90))
    return f"Traceback at {junk} NullPointer in worker.{generator.choice('xyz')}({generator.randrange(900)})"


def lines(count: int, seed: int, make=request_line) -> list[str]:
    generator = random.Random(seed)
    return [canonical(make(generator)) for _ in range(count)]


def test_the_same_bytes_are_near_and_empty_ones_are_an_error():
    data = "\n".join(lines(200, 1)).encode()

    assert distance(data, data) < 0.1 and entropy(b"") == 0 and entropy(b"ab") == 1
    for pair in ((b"", data), (data, b"")):
        with pytest.raises(ValueError):
            distance(*pair)
    with pytest.raises(ValueError):
        judge([], ["x"])


def test_more_of_the_same_is_no_anomaly_however_far_its_distance():
    found = judge(lines(200, 1), lines(40, 2))

    assert not found.is_anomaly and found.severity == "low" and found.ncd > 0.7


@pytest.mark.parametrize("strange", [40, 10, 4])
def test_foreign_lines_are_found_also_among_usual_ones(strange):
    window = lines(40 - strange, 2) + lines(strange, 3, strange_line)
    found = judge(lines(200, 1), window)

    assert found.is_anomaly and found.p_value <= SIGNIFICANT and found.severity in ("medium", "high", "critical")
    assert judge(lines(200, 1), window) == found, "the same lines give the same verdict"
    assert "unlike its baseline" in explain(found) and f"{found.p_value:.4f}" in explain(found)


def test_false_alarms_stay_within_what_the_test_promises():
    alarms = sum(judge(lines(100, 2 * seed), lines(20, 2 * seed + 1)).is_anomaly for seed in range(60))

    assert alarms <= 2


@pytest.mark.parametrize("seed", range(6))
def test_two_foreign_lines_among_twenty_are_found_against_a_hundred(seed):
    window = lines(18, 2 * seed + 1) + lines(2, 9000 + seed, strange_line)
    found = judge(lines(100, 2 * seed), window)

    assert found.is_anomaly, explain(found)
    assert found.p_value <= SIGNIFICANT or (found.foreign_lines == 2 and "2 lines are unlike every line" in explain(found))


def test_one_rare_line_is_no_anomaly():
    assert not any(judge(lines(100, seed), lines(19, 50 + seed) + lines(1, seed, strange_line)).is_anomaly for seed in range(3))


def test_other_ids_and_times_are_no_news():
    def event(number: int, seed: int) -> str:
        generator = random.Random(seed * 10_000 + number)
        moment = f"2026-05-{1 + seed:02d}T10:{number % 60:02d}:00Z"
        identifier = str(uuid.UUID(int=generator.getrandbits(128)))
        return canonical(json.dumps({"id": identifier, "at": moment, "path": "/pay", "step": number % 7}))

    found = judge([event(number, 1) for number in range(1000)], [event(number, 2) for number in range(1000)])

    assert not found.is_anomaly


def test_numbers_that_moved_without_another_digit_are_the_companion_s_to_find():
    generator = random.Random(5)
    before = [{"duration": float(generator.randrange(20, 80))} for _ in range(200)]
    after = [{"duration": float(generator.randrange(82, 99))} for _ in range(20)]

    (found,) = indicators(before, after)
    assert (found.name, found.unit) == ("duration", "ms") and found.value > found.threshold > 50
    assert indicators(before, before[:20]) == []
    assert indicators(before[:29], after) == [], "too few values to know what is usual"
    assert [one.value for one in indicators(before, [*before[:19], {"duration": 15_000.0}])]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ('{"b": 1, "a": "2026-05-01T10:00:00.123Z"}', '{"a":"<TIME>","b":1}'),
        ('{"api_key": "sk", "user": {"password": "x"}}', '{"api_key":"<REDACTED>","user":{"password":"<REDACTED>"}}'),
        (
            '{"monkey": "a", "apiKey": "k", "session_token": "t"}',
            '{"apiKey":"<REDACTED>","monkey":"a","session_token":"<REDACTED>"}',
        ),
        ("ip 10.0.0.1 took 12345 ms", "ip <IP> took <INT> ms"),
        ("mail ana@example.org at https://x.example/a?b=1", "mail <EMAIL> at <URL>"),
        ("id 123e4567-e89b-12d3-a456-426614174000", "id <UUID>"),
        ("sum d41d8cd98f00b204e9800998ecf8427e ok", "sum <HASH> ok"),
    ],
)
def test_what_is_unique_by_nature_becomes_a_token(line, text):
    assert canonical(line) == text


def test_spread_and_paths():
    spread = Spread()
    for value in (2, 4, 4, 4, 5, 5, 7, 9):
        spread.add(value)
    assert spread.mean == 5 and abs(spread.deviation - 2.138) < 0.001
    assert numbers_of({"a": 1, "b": {"c": 2.5, "d": True, "e": [1]}}) == {"a": 1.0, "b.c": 2.5}
