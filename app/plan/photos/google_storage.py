"""Files in a Google Cloud Storage bucket, through its JSON API; needs the extra `gcs` for the credentials."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import httpx

from app.kernel.errors import Unavailable

ADDRESS = "https://storage.googleapis.com"
_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
_TIMEOUT_SECONDS = 30

Token = Callable[[], str]


class GoogleStorage:
    """A bucket. `token` gives a valid access token each time it is asked."""

    def __init__(self, bucket: str, token: Token, client: httpx.Client | None = None) -> None:
        self._bucket = quote(bucket, safe="")
        self._token = token
        self._client = client or httpx.Client(base_url=ADDRESS, timeout=_TIMEOUT_SECONDS)

    def put(self, key: str, data: bytes, content_type: str) -> None:
        """Keep the bytes under the key."""
        self._ask(
            "POST",
            f"/upload/storage/v1/b/{self._bucket}/o",
            params={"uploadType": "media", "name": key},
            content=data,
            headers={"Content-Type": content_type},
        )

    def get(self, key: str) -> bytes | None:
        """The bytes, None when there is no such file."""
        answer = self._ask("GET", self._path(key), params={"alt": "media"})
        return None if answer.status_code == httpx.codes.NOT_FOUND else answer.content

    def delete(self, key: str) -> None:
        """Forget the file."""
        self._ask("DELETE", self._path(key))

    def _path(self, key: str) -> str:
        return f"/storage/v1/b/{self._bucket}/o/{quote(key, safe='')}"

    def _ask(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **details: Any) -> httpx.Response:
        try:
            answer = self._client.request(
                method, path, headers={"Authorization": f"Bearer {self._token()}", **(headers or {})}, **details
            )
        except httpx.HTTPError as error:
            raise Unavailable(f"The store of photos does not respond: {type(error).__name__}") from error
        if answer.is_success or (answer.status_code == httpx.codes.NOT_FOUND and method != "POST"):
            return answer
        raise Unavailable(f"The store of photos answered {answer.status_code}")


def application_token() -> Token:
    """Tokens of the application default credentials, refreshed when they run out. Errors: Unavailable without the extra."""
    try:
        auth = importlib.import_module("google.auth")
        transport = importlib.import_module("google.auth.transport.requests")
    except ImportError as error:
        raise Unavailable("Photos in a bucket need the extra: pip install 'plumbline[gcs]'") from error
    credentials, _ = auth.default(scopes=[_SCOPE])
    turn = threading.Lock()

    def token() -> str:
        with turn:
            if not credentials.valid:
                credentials.refresh(transport.Request())
            return str(credentials.token)

    return token
