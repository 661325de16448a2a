"""The review of a branch as a state machine (contract 11.2)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.kernel.errors import Conflict


class BranchStatus(StrEnum):
    """Where a branch stands; main carries `merged`."""

    DRAFT = "draft"
    READY_FOR_REVIEW = "ready_for_review"
    CHANGES_REQUESTED = "changes_requested"
    APPROVED = "approved"
    MERGED = "merged"
    CLOSED = "closed"


class BranchAction(StrEnum):
    """What a person does to a branch under review."""

    SUBMIT = "submit"
    REQUEST_CHANGES = "request_changes"
    APPROVE = "approve"
    REOPEN = "reopen"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Transition:
    """`clears` means that approvals and stored conflict choices no longer speak about what the branch holds."""

    allowed_from: frozenset[BranchStatus]
    to: BranchStatus
    clears: bool = False
    records_approval: bool = False


TRANSITIONS: dict[BranchAction, Transition] = {
    BranchAction.SUBMIT: Transition(
        frozenset({BranchStatus.DRAFT, BranchStatus.CHANGES_REQUESTED}), BranchStatus.READY_FOR_REVIEW, clears=True
    ),
    BranchAction.REQUEST_CHANGES: Transition(
        frozenset({BranchStatus.READY_FOR_REVIEW, BranchStatus.APPROVED}), BranchStatus.CHANGES_REQUESTED, clears=True
    ),
    BranchAction.APPROVE: Transition(frozenset({BranchStatus.READY_FOR_REVIEW}), BranchStatus.APPROVED, records_approval=True),
    BranchAction.REOPEN: Transition(
        frozenset({BranchStatus.APPROVED, BranchStatus.CHANGES_REQUESTED, BranchStatus.CLOSED}), BranchStatus.DRAFT, clears=True
    ),
    BranchAction.CLOSE: Transition(
        frozenset({BranchStatus.DRAFT, BranchStatus.READY_FOR_REVIEW, BranchStatus.CHANGES_REQUESTED, BranchStatus.APPROVED}),
        BranchStatus.CLOSED,
    ),
}


def transition(status: BranchStatus, action: BranchAction) -> Transition:
    """The transition the action makes. Conflict, naming action and status, when it is not allowed from there."""
    found = TRANSITIONS[action]
    if status not in found.allowed_from:
        raise Conflict(f"Cannot {action.value} a branch that is {status.value}")
    return found
