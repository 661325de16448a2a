"""Scan configs, their runs, and looks into data sources."""

from __future__ import annotations

from app.scans.builtin import ensure_builtin_scan
from app.scans.leases import SCHEDULER, Holder, acquire, announce_worker, this_process, withdraw_worker
from app.scans.lifecycle import claim_next_job, create_due_jobs, create_job, has_pending_jobs, note_alerts, reap_jobs
from app.scans.look_run import claim_next_look, has_pending_looks, run_look
from app.scans.progress import Transaction
from app.scans.runner import run_job
from app.scans.runs import DEFAULT_TOOLS, RunTools
from app.scans.service.arriving import Arriving, ArrivingProperty, arriving_properties, is_taking_all
from app.scans.service.configs import create_config, delete_config, get_config, list_configs, set_paused, update_config
from app.scans.service.jobs import cancel_job, get_job, list_jobs, request_grouping, request_replay, request_run
from app.scans.service.looks import PreviewRequest, get_look, request_dry_run, request_preview

__all__ = [
    "DEFAULT_TOOLS",
    "SCHEDULER",
    "Arriving",
    "ArrivingProperty",
    "Holder",
    "PreviewRequest",
    "RunTools",
    "Transaction",
    "acquire",
    "announce_worker",
    "arriving_properties",
    "cancel_job",
    "claim_next_job",
    "claim_next_look",
    "create_config",
    "create_due_jobs",
    "create_job",
    "delete_config",
    "ensure_builtin_scan",
    "get_config",
    "get_job",
    "get_look",
    "has_pending_jobs",
    "has_pending_looks",
    "is_taking_all",
    "list_configs",
    "list_jobs",
    "note_alerts",
    "reap_jobs",
    "request_dry_run",
    "request_grouping",
    "request_preview",
    "request_replay",
    "request_run",
    "run_job",
    "run_look",
    "set_paused",
    "this_process",
    "update_config",
    "withdraw_worker",
]
