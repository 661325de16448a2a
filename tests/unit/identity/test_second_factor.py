"""One-time codes against the vectors of RFC 6238, their time window, and recovery codes."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from app.identity import second_factor as factor

RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()
NOW = datetime(2026, 11, 25, 9, 30, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_rfc_6238_appendix_b(seconds, code):
    step = factor.step_of(datetime.fromtimestamp(seconds, UTC))
    assert factor.code_at(RFC_SECRET, step, digits=8) == code
    assert factor.code_at(RFC_SECRET, step) == code[2:]


@pytest.mark.parametrize(("drift", "fits"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_off_by_one_step_either_way(drift, fits):
    step = factor.step_of(NOW) + drift
    assert factor.matching_step(RFC_SECRET, factor.code_at(RFC_SECRET, step), NOW) == (step if fits else None)


def test_a_code_of_a_used_step_or_an_earlier_one_does_not_fit():
    step = factor.step_of(NOW)
    code, earlier, later = (factor.code_at(RFC_SECRET, step + drift) for drift in (0, -1, 1))
    assert factor.matching_step(RFC_SECRET, code, NOW, after=step) is None
    assert factor.matching_step(RFC_SECRET, earlier, NOW, after=step) is None
    assert factor.matching_step(RFC_SECRET, later, NOW, after=step) == step + 1
    assert factor.matching_step(RFC_SECRET, code, NOW + timedelta(seconds=30), after=step - 1) == step


@pytest.mark.parametrize("typed", ["123 456", "123456 ", "123-456", "123\u00a0456"])
def test_blanks_and_dashes_are_no_part_of_a_code(typed):
    assert factor.plain_code(typed) == "123456"
    assert factor.is_totp_code(factor.plain_code(typed))


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "12345a", "١٢٣٤٥٦", "１２３４５６"])
def test_other_text_is_no_code_of_an_app(typed):
    assert not factor.is_totp_code(factor.plain_code(typed))


def test_secrets_have_160_bits_and_recovery_codes_are_ten_different_ones():
    assert len(base64.b32decode(factor.new_secret())) == 20
    codes = factor.new_recovery_codes()
    assert len(set(codes)) == len(codes) == 10
    assert all(len(factor.plain_code(code)) == 16 for code in codes)
    assert not set("".join(codes)) & set("il1o0")


def test_a_recovery_code_is_hashed_as_it_is_typed_and_never_kept():
    code = factor.new_recovery_codes()[0]
    assert factor.recovery_hash(factor.plain_code(code.upper().replace("-", " "))) == factor.recovery_hash(factor.plain_code(code))
    assert factor.plain_code(code) not in factor.recovery_hash(factor.plain_code(code))


def test_the_address_for_apps_names_the_account_and_carries_the_parameters():
    parts = urlsplit(factor.enrolment_uri(RFC_SECRET, "ada+x@example.com"))
    assert (parts.scheme, parts.netloc, parts.path) == ("otpauth", "totp", "/Plumbline:ada%2Bx@example.com")
    asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert asked == {"secret": RFC_SECRET, "issuer": "Plumbline", "algorithm": "SHA1", "digits": "6", "period": "30"}


def test_the_picture_needs_no_other_host_and_has_a_quiet_zone():
    picture = factor.qr_picture(factor.enrolment_uri(RFC_SECRET, "ada@example.com"))
    assert picture.startswith("data:image/svg+xml")
    drawn = unquote(picture)
    assert 'fill="#fff"' in drawn or "fill='#fff'" in drawn
