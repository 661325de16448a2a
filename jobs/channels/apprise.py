"""Services that the optional package Apprise knows, each call of theirs by the product's own way out.

Apprise calls with `requests`. The modules of the allowed services get a stand-in for it, whose sessions hand every call to
`Outbound`: addresses are judged and pinned, redirects are not followed, and time and size are bounded.
"""

from __future__ import annotations

import sys
from contextvars import ContextVar
from typing import Any, Final
from urllib.parse import urlsplit

from app.alerting.apprise_rules import SERVICES, is_installed, scheme_of
from app.alerting.delivery_contracts import Parcel, SendOutcome
from app.kernel.outbound import Answer, Outbound, OutboundFailed, OutboundKind
from jobs.channels.snapshot import cut, message_of

_LONGEST_SUBJECT: Final = 200
_OWN_HEADERS: Final = frozenset({"accept-encoding", "connection", "content-length", "user-agent", "transfer-encoding"})


class _Way:
    """The calls of one message: how they go out, and how the last one ended."""

    def __init__(self, calls: Outbound) -> None:
        self.calls = calls
        self.failure: OutboundFailed | None = None
        self.answer: Answer | None = None

    def call(self, method: str, url: str, headers: dict[str, str], body: bytes | None) -> Answer:
        parts = urlsplit(url)
        if parts.scheme != "https" and not self.calls.is_exempt(parts.hostname or "", parts.port or 80):
            raise OutboundFailed(OutboundKind.REFUSED_ADDRESS, "Only HTTPS is called")
        self.answer = self.calls.call(method, url, headers=headers, content=body)
        return self.answer


_way: ContextVar[_Way | None] = ContextVar("apprise_way", default=None)


def send(parcel: Parcel, calls: Outbound) -> SendOutcome:
    """Hand the message to the service. Raises OutboundFailed."""
    if not is_installed():
        return SendOutcome(False, "The package Apprise is not installed in this instance", "not_configured")
    service = _service(parcel.target.fields.apprise_url or "")
    if service is None:
        return SendOutcome(False, "Apprise does not understand the address", "not_configured")
    message = message_of(parcel)
    text = f"{message.text}\n\n{message.link}" if message.link else message.text
    way = _Way(calls)
    token = _way.set(way)
    try:
        is_sent = service.notify(body=text, title=cut(" ".join(message.subject.split()), _LONGEST_SUBJECT))
    finally:
        _way.reset(token)
    if is_sent:
        return SendOutcome(True)
    if way.failure is not None:
        raise way.failure
    if way.answer is not None:
        raise way.answer.failure(f"The service answered with status {way.answer.status}")
    return SendOutcome(False, "Apprise did not send the message", "internal")


def _service(url: str) -> Any:
    """The service behind the address, with its calls put behind our way out; None for what is not allowed."""
    from apprise import Apprise, AppriseAsset
    from apprise.common import OverflowMode

    module = SERVICES.get(scheme_of(url))
    if module is None:
        return None
    asset = AppriseAsset(async_mode=False, secure_logging=True, storage_mode="memory")
    found = Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
    if found is None or type(found).__module__ != f"apprise.plugins.{module}":
        return None
    found.overflow_mode = OverflowMode.SPLIT
    sys.modules[type(found).__module__].requests = _stand_in()  # type: ignore[attr-defined]
    return found


def _stand_in() -> Any:
    import requests
    from requests.adapters import BaseAdapter

    class Adapter(BaseAdapter):
        """Hands calls to the way out of the message that is being sent in this thread."""

        def send(self, request: Any, *_: Any, **__: Any) -> Any:
            way = _way.get()
            if way is None:
                raise requests.ConnectionError("no message is being sent")
            headers = {name: str(value) for name, value in request.headers.items() if name.lower() not in _OWN_HEADERS}
            body = request.body.encode() if isinstance(request.body, str) else request.body
            try:
                answer = way.call(request.method, request.url, headers, body)
            except OutboundFailed as failure:
                way.failure = failure
                raise requests.ConnectionError(failure.message) from None
            response = requests.Response()
            response.status_code, response.url, response.request = answer.status, request.url, request
            response.headers.update(answer.headers)
            response._content = answer.body
            return response

        def close(self) -> None:
            pass

    class Session(requests.Session):
        """A session without the environment's proxies whose every call goes through the adapter."""

        def __init__(self) -> None:
            super().__init__()
            self.trust_env = False
            for prefix in ("https://", "http://"):
                self.mount(prefix, Adapter())

        def request(self, method: Any, url: Any, *args: Any, **named: Any) -> Any:
            return super().request(method, url, *args, **{**named, "allow_redirects": False, "proxies": None})

    class StandIn:
        """`requests` for the modules of services."""

        def __getattr__(self, name: str) -> Any:
            if name == "Session":
                return Session
            if name in ("request", "get", "post", "put", "patch", "delete", "head", "options"):
                return getattr(Session(), name)
            return getattr(requests, name)

    return StandIn()
