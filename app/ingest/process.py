"""The pipeline of this process, for its own routes and for the other surfaces that store records through it."""

from __future__ import annotations

import asyncio
from typing import Any

from app.identity.contracts import IngestPrincipal
from app.ingest.kafka import KafkaSource
from app.ingest.pipeline import Pipeline
from app.ingest.records import RecordLines
from app.kernel.errors import Unavailable

_KEEP_SECONDS = 60.0


class Process:
    """Holds the pipeline, none before the start and after the stop of the process, and what feeds it beside HTTP."""

    pipeline: Pipeline | None = None
    kafka: KafkaSource | None = None
    grpc: Any = None


def running_pipeline() -> Pipeline:
    """The pipeline of this process. Errors: Unavailable while there is none."""
    if Process.pipeline is None:
        raise Unavailable("the server is starting or stopping", retry_after_seconds=2)
    return Process.pipeline


def take_request(principal: IngestPrincipal) -> None:
    """One request of the tenant's minute, for routes of the event API beside ingest. Errors: TooManyRequests."""
    if Process.pipeline is not None:
        Process.pipeline.take_request(principal)


def expire_keys() -> None:
    """What keys may do has changed: this process asks at their next use, others follow within seconds."""
    pipeline = Process.pipeline
    if pipeline is not None:
        pipeline.loop.call_soon_threadsafe(pipeline.keys.expire)


async def keep(records: RecordLines, *, is_waiting: bool = False) -> bool | None:
    """Make the records durable; on the event loop of the process. See `Pipeline.keep`."""
    return await running_pipeline().keep(records, is_waiting=is_waiting)


def keep_from_thread(records: RecordLines, *, is_waiting: bool = False) -> bool | None:
    """`keep` for routes and jobs that run in a thread; blocks until the records are on disk."""
    pipeline = running_pipeline()
    waiting = asyncio.run_coroutine_threadsafe(pipeline.keep(records, is_waiting=is_waiting), pipeline.loop)
    return waiting.result(timeout=_KEEP_SECONDS)
