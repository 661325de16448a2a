"""Values under a sensitivity label: what a project does with them, and which names its labels reach."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from app.ingest.decode import TWICE_SENT
from app.ingest.dialects.names import all_names
from app.plan.contracts import FieldRules

MASK: Final = "[masked]"
_HMAC_CHARACTERS: Final = 32


class Treatment(StrEnum):
    """What happens to a value whose field carries a sensitivity label."""

    PASS = "pass"  # noqa: S105 - let through
    MASK = "mask"
    HMAC = "hmac"
    DROP = "drop"


_STRICTNESS: Final = (Treatment.PASS, Treatment.HMAC, Treatment.MASK, Treatment.DROP)


class Treatments(dict[str, Treatment]):
    """What happens to values, by name or dotted path. Where several labels reach a name, the strictest treatment holds."""

    __slots__ = ("_paths",)

    def __init__(self, labelled: Iterable[tuple[str, Treatment]] = ()) -> None:
        super().__init__()
        for name, treatment in labelled:
            self[name] = max(self.get(name, Treatment.PASS), treatment, key=_STRICTNESS.index)
        self._paths: dict[str, list[str]] = {}
        for name in self:
            if "." in name:
                self._paths.setdefault(name.rpartition(".")[2], []).append(name)

    def of(self, name: str, path: str) -> Treatment | None:
        """What happens to the value of this name within the object at `path`, which ends with a dot unless it is empty. A label on
        a path holds wherever the path ends so, as one on a name holds at any depth."""
        found = self.get(name) or self.get(name.removeprefix(TWICE_SENT))
        if found is None and path and self._paths:
            whole = f".{path}{name}"
            for label in self._paths.get(name.rpartition(".")[2], ()):
                if len(label) > len(name) and whole.endswith(f".{label}"):
                    return self[label]
        return found


def treatments_of(fields: Iterable[FieldRules], sensitivity: Mapping[str, Treatment]) -> Treatments:
    """What happens to the values of an event type with these fields, under every name that its events may have them by."""
    labelled = [(field.name, sensitivity.get(field.sensitivity, Treatment.PASS)) for field in fields]
    return Treatments(
        (reached, treatment) for name, treatment in labelled if treatment is not Treatment.PASS for reached in all_names(name)
    )


def pseudonym(secret: bytes, value: object) -> str:
    """What stands for a value that is pseudonymised: the same for the same value and secret."""
    text = str(value).encode("utf-8", "surrogatepass")
    return hmac.new(secret, text, hashlib.sha256).hexdigest()[:_HMAC_CHARACTERS]
