"""Makes the vectors that search by meaning wants, on instances where an owner turned that on."""

from __future__ import annotations

import logging

from app.assistant import service as assistant
from app.kernel.errors import AppError
from app.kernel.settings import get_settings
from app.kernel.telemetry import JOB_RUNS
from jobs.leadership import Leadership

log = logging.getLogger("plumbline.jobs")


def run(leadership: Leadership) -> int:
    """One pass, where this process leads; how many texts were embedded. A model that fails is asked again in the next pass."""
    if not get_settings().ai.search_embeddings_enabled:
        return 0
    with leadership.turn() as session:
        leads = session is not None
    if not leads:
        return 0
    try:
        count = assistant.embed_plans()  # outside the transaction: the model may be slow
    except AppError as failure:
        log.warning("plans cannot be embedded", extra={"reason": failure.message})
        JOB_RUNS.labels(job="embed_plans", result="failed").inc()
        return 0
    JOB_RUNS.labels(job="embed_plans", result="completed").inc()
    return count
