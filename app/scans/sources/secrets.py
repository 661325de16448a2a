"""Secrets of a connection: which entries are, how they rest in the database, and the mask that stands for them elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from app.kernel.crypto import SecretBox
from app.kernel.errors import InvalidInput
from app.kernel.settings import get_settings
from app.kernel.text import storable
from app.warehouse.declarations import MASK, declaration

MOST_PARAM_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class StoredParams:
    """Extra parameters at rest: `shown` with a mask in place of each secret, and the secrets sealed as one text."""

    shown: dict[str, object] | None
    sealed: str | None


def seal(plain: str) -> str | None:
    """A secret at rest; None for no secret."""
    return _box().seal(plain) if plain else None


def unseal(sealed: str | None) -> str:
    """The secret; empty when there is none. ValueError when it was sealed with another key."""
    return _box().open(sealed) if sealed else ""


def store_params(db_type: str, params: Mapping[str, object] | None, stored: str | None) -> StoredParams:
    """Parameters ready to be kept; a masked secret keeps the value in `stored`. Errors: InvalidInput."""
    if params is None:
        return StoredParams(None, None)
    _check(params)
    kind = declaration(db_type)
    known = secret_params(stored) if MASK in params.values() else {}
    shown: dict[str, object] = {}
    secrets: dict[str, object] = {}
    for name, value in params.items():
        if not kind.is_secret_param(name):
            shown[name] = value
            continue
        secret = known.get(name) if value == MASK else value
        if secret not in (None, ""):
            shown[name], secrets[name] = MASK, secret
    return StoredParams(shown, _box().seal(json.dumps(secrets)) if secrets else None)


def secret_params(sealed: str | None) -> dict[str, object]:
    """The secret entries. ValueError when they were sealed with another key."""
    if not sealed:
        return {}
    opened = json.loads(_box().open(sealed))
    assert isinstance(opened, dict)
    return opened


def _check(params: Mapping[str, object]) -> None:
    try:
        text = json.dumps(params, allow_nan=False)
        _check_texts(params)
    except (ValueError, RecursionError):
        raise InvalidInput("The extra parameters hold a value that cannot be kept", field="extra_params") from None
    if len(text) > MOST_PARAM_BYTES:
        raise InvalidInput(f"The extra parameters are longer than {MOST_PARAM_BYTES} bytes", field="extra_params")


def _check_texts(value: object) -> None:
    match value:
        case str():
            storable(value)
        case Mapping():
            for key, entry in value.items():
                _check_texts(key)
                _check_texts(entry)
        case list():
            for entry in value:
                _check_texts(entry)


def _box() -> SecretBox:
    return SecretBox(get_settings().encryption_keys())
