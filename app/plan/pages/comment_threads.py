"""Threads of remarks, about a branch or under a photo, as finished texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from app.plan.branching.views import CommentView
from app.plan.photos.views import PhotoCommentView
from components.format import ago, iso_utc, local_time


@dataclass(frozen=True)
class CommentRow:
    """A remark; replies follow what they answer."""

    id: str
    who: str
    body: str
    when: str
    iso: str
    title: str
    is_reply: bool
    thread: str


def comment_rows(
    found: Sequence[CommentView | PhotoCommentView], names: Mapping[str, str], zone: ZoneInfo, now: datetime
) -> list[CommentRow]:
    """Threads in the order they began, each with its replies; a reply to a reply joins the thread."""
    parents = {comment.id: comment.parent_id for comment in found}

    def root(comment_id: str) -> str:
        parent = parents.get(comment_id)
        return root(parent) if parent in parents and parent is not None else comment_id

    places = {comment.id: index for index, comment in enumerate(found)}
    ordered = sorted(found, key=lambda comment: (places[root(comment.id)], places[comment.id]))
    return [
        CommentRow(
            id=comment.id,
            who=names.get(comment.user_id or "", "somebody who left"),
            body=comment.body,
            when=ago(comment.created_at, now),
            iso=iso_utc(comment.created_at),
            title=local_time(comment.created_at, zone, now=now),
            is_reply=root(comment.id) != comment.id,
            thread=root(comment.id),
        )
        for comment in ordered
    ]
