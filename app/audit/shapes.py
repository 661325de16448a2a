"""Records and forms of the audit log; keys in camel case or with underscores, unknown ones refused (contract D.1, D.2)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

_NUMBERS: Final = frozenset(
    {"event_duration", "total_duration", "latency", "affected_resources", "cpu_usage", "memory_usage", "event_stage", "stage"}
)
_WORDS: Final = frozenset(
    {"category", "application", "environment", "method", "status", "level", "event_id", "event_name", "event_type"}
    | {"actor_origin", "resource_id", "resource_name", "resource_type"}
)
# As requests may write them, so also in camel case.
RESERVED: Final = frozenset(written for name in _NUMBERS | _WORDS for written in (name, to_camel(name)))
# A name is one segment of an address.
_DEEPEST: Final = 100
_METRIC: Final = re.compile(r"[^/\x00-\x1f\x7f]{1,100}")


class Camel(BaseModel):
    """Camel case outside, underscores inside."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", allow_inf_nan=False)


def _no_spaces(text: str) -> str:
    if not text or any(character.isspace() for character in text):
        raise ValueError("must be text without spaces")
    return text


def _password(text: str) -> str:
    kinds = (r"[a-z]", r"[A-Z]", r"\d", r"[^\w\s]")
    if not all(re.search(kind, text) for kind in kinds):
        raise ValueError("needs a lower-case and an upper-case letter, a digit and a special character")
    return text


def _shallow(value: Any) -> Any:
    level, depth = [value], 0
    while level := [inner for item in level if isinstance(item, dict | list) for inner in _inside(item)]:
        depth += 1
        if depth > _DEEPEST:
            raise ValueError(f"is nested more than {_DEEPEST} levels deep")
    return value


def _inside(item: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return item.values() if isinstance(item, dict) else item


def _is_number(value: object) -> bool:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # a whole number larger than any the metric can hold
        return False


def _email(text: str) -> str:
    from email_validator import EmailNotValidError, validate_email

    try:
        return validate_email(text, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as fault:
        raise ValueError(str(fault)) from None


Word = Annotated[str, Field(max_length=255), AfterValidator(_no_spaces)]
Username = Annotated[str, Field(min_length=5, max_length=32, pattern=r"^[A-Za-z0-9_.@-]+$")]
Password = Annotated[str, Field(min_length=8, max_length=64), AfterValidator(_password)]
Email = Annotated[str, Field(max_length=320), AfterValidator(_email)]
Text = Annotated[str, Field(min_length=1, max_length=1000)]
Detail = Annotated[dict[str, Any], AfterValidator(_shallow)]


class SourceInformation(Camel):
    """Where a record comes from."""

    application: Word
    environment: Word


class EventInformation(Camel):
    """What happened. `stage` is what the client says; the server counts itself."""

    name: Text
    type: Text
    stage: int = 1
    total_duration: Annotated[float, Field(gt=0)] | None = None
    affected_resources: int = Field(0, ge=0)
    latency: Annotated[float, Field(gt=0)] | None = None
    cpu_usage: Annotated[float, Field(ge=0, le=100)] | None = None
    memory_usage: Annotated[float, Field(ge=0, le=100)] | None = None
    detail: Detail | None = None
    description: str | None = Field(None, max_length=10_000)


class ActorInformation(Camel):
    """Who did it."""

    origin: Text
    detail: Detail | None = None


class ResourceInformation(Camel):
    """What it was done to."""

    id: str | None = Field(None, max_length=1000)
    name: str | None = Field(None, max_length=1000)
    type: str | None = Field(None, max_length=1000)
    detail: Detail | None = None


class Metadata(Camel):
    """One more fact; a metric is a number that queries can sum up."""

    is_metric: bool = False
    name: Text
    value: Annotated[Any, AfterValidator(_shallow)]

    @model_validator(mode="after")
    def _check(self) -> Metadata:
        if self.is_metric:
            if not _is_number(self.value):
                raise ValueError("the value of a metric is a number")
            if self.name in RESERVED or not _METRIC.fullmatch(self.name):
                raise ValueError("a metric cannot have this name")
        return self


class RecordIn(Camel):
    """A record as a client sends it."""

    category: Word
    source_information: SourceInformation
    method: Text
    status: Text
    level: Text
    event: EventInformation
    actor: ActorInformation
    resource: ResourceInformation | None = None
    metadata: list[Metadata] | None = Field(None, max_length=200)


class SignUpForm(Camel):
    """A new account."""

    username: Username
    email: Email
    password: Password
    repeat_password: str

    @model_validator(mode="after")
    def _check(self) -> SignUpForm:
        if self.password != self.repeat_password:
            raise ValueError("the passwords do not match")
        return self


class LoginForm(Camel):
    """Name and password; the rules of sign-up hold here too."""

    username: Username
    password: Password


class EmailForm(Camel):
    """The address of an account."""

    email: Email


class NewPasswordForm(Camel):
    """A new password, twice."""

    new_password: Password
    repeat_password: str

    @model_validator(mode="after")
    def _check(self) -> NewPasswordForm:
        if self.new_password != self.repeat_password:
            raise ValueError("the passwords do not match")
        return self


class ChangePasswordForm(NewPasswordForm):
    """The current password as well."""

    password: str = Field(max_length=64)
