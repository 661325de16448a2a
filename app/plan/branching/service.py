"""Branches, reviews, merges and revisions as one surface."""

from __future__ import annotations

from app.plan.branching.branches import create_branch, delete_branch, diff_branch, get_branch, list_branches
from app.plan.branching.merges import branch_conflicts, delete_resolution, merge_branch, save_resolution
from app.plan.branching.reviews import (
    add_reviewer,
    create_comment,
    delete_comment,
    list_comments,
    remove_reviewer,
    transition_branch,
)
from app.plan.branching.revisions import create_revision, diff_revisions, get_revision, list_revisions, newest_revision_id

__all__ = [
    "add_reviewer",
    "branch_conflicts",
    "create_branch",
    "create_comment",
    "create_revision",
    "delete_branch",
    "delete_comment",
    "delete_resolution",
    "diff_branch",
    "diff_revisions",
    "get_branch",
    "get_revision",
    "list_branches",
    "list_comments",
    "list_revisions",
    "merge_branch",
    "newest_revision_id",
    "remove_reviewer",
    "save_resolution",
    "transition_branch",
]
