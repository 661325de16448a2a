"""The one family of refusals. Services raise them; each surface maps them to its own error dialect at its border."""

from __future__ import annotations

from collections.abc import Mapping


class AppError(Exception):
    """A refusal with a stable code, an HTTP status and a sentence for the person who caused it.

    `detail` replaces the sentence on surfaces whose contract wants an object there.
    """

    status = 400
    code = "bad_request"

    def __init__(self, message: str, *, detail: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail


class BadRequest(AppError):
    """The request is understood and makes no sense here."""


class Unauthorized(AppError):
    """Nobody is signed in, or the credential is unknown, expired or revoked."""

    status = 401
    code = "unauthorized"


class Forbidden(AppError):
    """The caller is known and may not do this."""

    status = 403
    code = "forbidden"


class NotFound(AppError):
    """The thing does not exist, or is not the caller's to know of."""

    status = 404
    code = "not_found"


class Conflict(AppError):
    """The request collides with the present state."""

    status = 409
    code = "conflict"


class Gone(AppError):
    """The thing existed and can no longer be used."""

    status = 410
    code = "gone"


class PayloadTooLarge(AppError):
    """The body is over the documented bound."""

    status = 413
    code = "payload_too_large"


class UnsupportedMedia(AppError):
    """The body is of a type this route does not read."""

    status = 415
    code = "unsupported_media_type"


class InvalidInput(AppError):
    """Input that breaks a rule, with the message at the field it belongs to."""

    status = 422
    code = "invalid_input"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class TooManyRequests(AppError):
    """A rate limit or a quota is used up; `retry_after_seconds` is at least 1."""

    status = 429
    code = "rate_limit_exceeded"

    def __init__(self, message: str, *, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = max(1, retry_after_seconds)


class Unavailable(AppError):
    """A part the answer depends on does not respond at the moment; a later try may succeed."""

    status = 503
    code = "unavailable"

    def __init__(self, message: str, *, retry_after_seconds: int = 1) -> None:
        super().__init__(message)
        self.retry_after_seconds = max(1, retry_after_seconds)
