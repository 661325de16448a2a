"""Under which names records say whose they are, and how a user id is recognised and blotted out. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from typing import Any, Final

NAMES: Final = (
    "user_id", "userId", "user.id", "enduser.id", "uid", "distinct_id", "distinctId", "$user_id", "$distinct_id",
    "$anon_distinct_id", "anonymous_id", "anonymousId", "previousId", "alias", "actor_id", "actorId", "actor", "user", "email",
    "actor_email", "user_email",
)  # fmt: skip
"""Members of a record, at any depth, that name a person. `actor` and `user` may also be objects with an `id`."""
ERASED: Final = "[erased]"


def is_identity(column: str) -> bool:
    """Whether a column or property path ends in a name of a person."""
    return column in NAMES or column.rpartition(".")[2] in NAMES


def pattern_of(ids: Iterable[str]) -> str:
    """A regular expression, for Python and for the event store, that finds one of the ids as a person's in JSON text.

    Finds them in JSON within JSON texts and in text that was cut; a number counts as the id when it has the same digits.
    """
    texts = forms_of(ids)
    forms = "|".join(sorted(map(re.escape, texts)))
    digits = "|".join(sorted(one for one in texts if re.fullmatch(r"-?[0-9]+", one)))
    quote = r'\\*"'
    value = rf"(?:{quote}(?:{forms}){quote}" + (rf"|(?:{digits})(?:[\s,}}\]]|$))" if digits else ")")
    names = "|".join(map(re.escape, NAMES))
    member = rf"{quote}(?:{names}){quote}\s*:\s*{value}"
    return rf"{member}|{quote}(?:actor|user){quote}\s*:\s*\{{[^{{}}]*{quote}id{quote}\s*:\s*{value}"


def forms_of(ids: Iterable[str]) -> set[str]:
    """How the ids stand in JSON text, and in JSON text within JSON text, by whatever encoder."""
    once = {form[1:-1] for one in ids for form in (json.dumps(one), json.dumps(one, ensure_ascii=False))}
    return once | {json.dumps(form, ensure_ascii=False)[1:-1] for form in once}


def redacted(value: Any, ids: Collection[str], pattern: re.Pattern[str]) -> Any:
    """The JSON value with every text that is one of the ids, or says so in JSON, blotted out."""
    if isinstance(value, dict):
        return {name: redacted(item, ids, pattern) for name, item in value.items()}
    if isinstance(value, list):
        return [redacted(item, ids, pattern) for item in value]
    if isinstance(value, str):
        if value in ids:
            return ERASED
        return pattern.sub(lambda found: without_ids(found[0], forms_of(ids)), value)
    return value


def without_ids(value: Any, ids: Collection[str]) -> Any:
    """The JSON value with every occurrence of the ids in its texts blotted out."""
    if isinstance(value, dict):
        return {name: without_ids(item, ids) for name, item in value.items()}
    if isinstance(value, list):
        return [without_ids(item, ids) for item in value]
    if isinstance(value, str):
        for one in sorted(ids, key=len, reverse=True):
            value = value.replace(one, ERASED)
    return value
