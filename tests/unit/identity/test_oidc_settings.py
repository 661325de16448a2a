"""What the settings of the sign-in provider accept, and the sentence for each refusal."""

from __future__ import annotations

import pytest

from app.identity.contracts import EntryRefusal
from app.identity.pages.sign_in import MESSAGES
from app.kernel.settings import SettingsError, load_settings


def test_every_refusal_of_a_sign_in_at_the_provider_has_a_sentence():
    told = {refusal for refusal in EntryRefusal if refusal.value.startswith("sso_")}
    assert told <= set(MESSAGES) and len(told) == 8


def test_it_is_offered_once_issuer_and_client_are_set():
    half = load_settings({"PLUMBLINE_OIDC_ISSUER": "https://login.example", "PLUMBLINE_OIDC_ONLY": "true"}).oidc
    assert not half.is_configured and not half.is_only_way
    whole = load_settings({"PLUMBLINE_OIDC_ISSUER": " https://login.example/x ", "PLUMBLINE_OIDC_CLIENT_ID": "plumbline"}).oidc
    assert whole.is_configured and not whole.is_only_way
    assert (whole.oidc_issuer, whole.domains, whole.oidc_role) == ("https://login.example/x", frozenset(), "viewer")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ISSUER", "login.example"),
        ("ISSUER", "ftp://login.example"),
        ("ISSUER", "https://login.example/?a=b"),
        ("ISSUER", "https://[::1"),
        ("SCOPES", "email profile"),
        ("ROLE", "owner"),
        ("NAME", "x" * 41),
    ],
)
def test_what_cannot_work_is_refused_at_the_start(name, value):
    with pytest.raises(SettingsError, match=f"PLUMBLINE_OIDC_{name}"):
        load_settings({f"PLUMBLINE_OIDC_{name}": value})
