"""ClickHouse's HTTP interface over the embedded engine, so that one client works for both kinds of event store.

Covers what the product's client sends: statements in the address, the body or a form, `param_` values, settings, rows for
INSERT, error codes, the summary header. Not covered: sessions, compression, external tables, progress headers.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl

from app.eventstore.engine import Answer, Engine, EngineError
from app.eventstore.statement import NOT_IMPLEMENTED, Refused, read_statement

log = logging.getLogger("plumbline.store")

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

MAX_BODY_BYTES = 268_435_456
_AUTHENTICATION_FAILED = 516
_TOO_LARGE = 307

# Parameters of the HTTP interface itself; every other one is a setting of the statement.
_TRANSPORT_PARAMETERS = frozenset(
    {
        "buffer_size", "client_protocol_version", "compress", "database", "decompress", "default_format",
        "enable_http_compression", "http_headers_progress_interval_ms", "password", "query", "query_id", "quota_key", "role",
        "send_progress_in_http_headers", "session_check", "session_id", "session_timeout", "user", "wait_end_of_query",
    }
)  # fmt: skip
_CONTENT_TYPES = {"Native": "application/octet-stream", "JSON": "application/json"}


class HttpError(Exception):
    """An answer other than 200, with ClickHouse's code for it."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class ClickHouseFront:
    """The ASGI application. Every statement needs the secret; only `/ping` tells strangers that somebody listens."""

    def __init__(self, engine: Engine, secret: str) -> None:
        self._engine = engine
        self._secret = secret.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI event; requests never raise."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            try:
                await self._request(scope, receive, send)
            except (HttpError, EngineError, Refused) as error:
                await _send_error(send, error)
            except Exception:
                log.exception("a statement ended in an unexpected error")
                await _send_error(send, HttpError(500, 1002, "Code: 1002. DB::Exception: internal error of the store process"))

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/ping":
            await _send(send, 200, b"Ok.\n", [])
            return
        headers = {bytes(name).lower(): bytes(value) for name, value in scope["headers"]}
        if not self._is_authorised(headers):
            raise HttpError(403, _AUTHENTICATION_FAILED, "Code: 516. DB::Exception: wrong secret. (AUTHENTICATION_FAILED)")
        encoding = headers.get(b"content-encoding", b"identity")
        if encoding != b"identity":
            raise Refused(NOT_IMPLEMENTED, "compressed bodies are not read here")
        body = await _read_body(receive)
        parameters = dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True))
        if headers.get(b"content-type", b"").startswith(b"application/x-www-form-urlencoded"):
            parameters.update(parse_qsl(body.decode(), keep_blank_values=True))
            body = b""
        elif headers.get(b"content-type", b"").startswith(b"multipart/form-data"):
            parameters.update(_form_fields(headers[b"content-type"], body))
            body = b""
        if not body and "query" not in parameters:
            await _send(send, 200, b"Ok.\n", [])
            return
        answer = await self._run(parameters, body)
        await _send(send, 200, answer.data, _answer_headers(answer, parameters.get("query_id", "")))

    async def _run(self, parameters: Mapping[str, str], body: bytes) -> Answer:
        statement = read_statement(parameters.get("query", ""), body, parameters.get("default_format", "TabSeparated"))
        settings = {
            name: value for name, value in parameters.items() if name not in _TRANSPORT_PARAMETERS and not name.startswith("param_")
        }
        bound = {name.removeprefix("param_"): value for name, value in parameters.items() if name.startswith("param_")}
        return await asyncio.get_running_loop().run_in_executor(
            self._engine.executor,
            lambda: self._engine.run(statement, database=parameters.get("database"), settings=settings, parameters=bound),
        )

    def _is_authorised(self, headers: Mapping[bytes, bytes]) -> bool:
        offered = headers.get(b"x-clickhouse-key")
        scheme, _, encoded = headers.get(b"authorization", b"").partition(b" ")
        if offered is None and scheme.lower() == b"basic":
            try:
                offered = base64.b64decode(encoded.strip(), validate=True).partition(b":")[2]
            except binascii.Error:
                offered = None
        return hmac.compare_digest(offered or b"", self._secret)


def _form_fields(content_type: bytes, body: bytes) -> dict[str, str]:
    """The text fields of a form in parts, in which clients send statements whose parameters are too long for an address."""
    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + content_type + b"\r\n\r\n" + body)
    found = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        value = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(value, bytes):
            found[name] = value.decode()
    return found


async def _read_body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HttpError(400, _TOO_LARGE, "Code: 307. DB::Exception: the client left before the end of its body")
        part = message.get("body", b"")
        parts.append(part)
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise HttpError(413, _TOO_LARGE, f"Code: 307. DB::Exception: the body is over {MAX_BODY_BYTES} bytes")
        if not message.get("more_body", False):
            return b"".join(parts)


def _answer_headers(answer: Answer, query_id: str) -> list[tuple[str, str]]:
    summary = {
        "read_rows": str(answer.read_rows),
        "written_rows": str(answer.written_rows),
        "elapsed_ns": str(answer.elapsed_ns),
    }
    headers = [("x-clickhouse-summary", json.dumps(summary)), ("x-clickhouse-query-id", query_id)]
    if answer.output_format is not None:
        headers.append(("x-clickhouse-format", answer.output_format))
    headers.append(("content-type", _CONTENT_TYPES.get(answer.output_format or "", "text/plain; charset=UTF-8")))
    return headers


async def _send_error(send: Send, error: HttpError | EngineError | Refused) -> None:
    match error:
        case HttpError():
            status, message = error.status, str(error)
        case Refused():
            status, message = 400, f"Code: {error.code}. DB::Exception: {error}"
        case EngineError():
            status, message = 500, str(error)
    await _send(send, status, message.encode(), [("x-clickhouse-exception-code", str(error.code))])


async def _send(send: Send, status: int, body: bytes, headers: Iterable[tuple[str, str]]) -> None:
    fields = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers]
    fields += [(b"x-clickhouse-timezone", b"UTC"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return
