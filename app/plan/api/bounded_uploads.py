"""A route whose body is never read beyond its bound, whatever its headers say; the bound of a picture unless it says another."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute
from starlette.types import Message, Receive

from app.kernel.errors import PayloadTooLarge
from app.plan.photos.uploads import largest_upload, too_large

# Boundaries, part headers and a file name around the file.
_ENVELOPE_BYTES = 16_384


class BoundedUploadRoute(APIRoute):
    """Answers 413 as soon as the body is known to be too large."""

    def bound(self) -> tuple[int, PayloadTooLarge]:
        """The most bytes a file may have, and what a larger one is told."""
        return largest_upload(), too_large()

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler with a counted body."""
        handle = super().get_route_handler()

        async def bounded(request: Request) -> Response:
            most, refusal = self.bound()
            most += _ENVELOPE_BYTES
            declared = request.headers.get("content-length", "")
            if declared.isdecimal() and int(declared) > most:
                raise refusal
            return await handle(Request(request.scope, _counted(request.receive, most, refusal)))

        return bounded


def _counted(receive: Receive, most: int, refusal: PayloadTooLarge) -> Receive:
    arrived = 0

    async def counted() -> Message:
        nonlocal arrived
        message = await receive()
        arrived += len(message.get("body", b""))
        if arrived > most:
            # The framework turns any other exception of a body being parsed into a 400.
            raise HTTPException(413, refusal.message)
        return message

    return counted
