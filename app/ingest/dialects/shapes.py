"""What the dialects have in common: the event in the shape of contract A.2, and faults of a whole body."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from app.kernel.errors import BadRequest

Json = dict[str, Any]
DEEPEST_TEXT: Final = 500
LONGEST_ID: Final = 128

_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class DialectBatch:
    """The events of a request in the shape of contract A.2, and the key when the body carried one."""

    events: list[Json]
    token: str = ""


@dataclass(slots=True)
class EventBuilder:
    """Collects the members of one event; what is empty is left out, so that the rules see it as absent."""

    members: Json = field(default_factory=dict)

    def put(self, name: str, value: object) -> None:
        """Set the member unless the value is empty."""
        if value is not None and value != "":
            self.members[name] = value


def decoded_json(body: bytes) -> Any:
    """The body as JSON values. BadRequest when it is none."""
    try:
        return _decode(body)
    except RecursionError:
        raise BadRequest("the body is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"the body is not JSON: {error}") from None


def mapping_of(value: object) -> Mapping[str, Any]:
    """The value when it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def text_of(value: object) -> str:
    """A text or number as text of at most 500 characters, everything else as none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value)[:DEEPEST_TEXT]


def first_text(values: Mapping[str, Any], names: Iterable[str]) -> str:
    """The text under the first of the names that has one, see `text_of`."""
    return next((text for name in names if (text := text_of(values.get(name)))), "")


def taken_text(values: Json, names: Iterable[str]) -> str:
    """As `first_text`, and takes it out of the values."""
    for name in names:
        if text := text_of(values.get(name)):
            del values[name]
            return text
    return ""


def id_of(value: object) -> str:
    """A text or number as the id of an event. One that is too long is replaced by its digest: cut off, two ids could become one,
    and the second event would be taken for a repetition of the first."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    text = str(value)
    return text if len(text) <= LONGEST_ID else hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def no_event(sent: object) -> Json:
    """Something that is no event of its dialect, as what the rules refuse and quarantine."""
    return {"service": None, "custom_attributes": {"sent": sent}}
