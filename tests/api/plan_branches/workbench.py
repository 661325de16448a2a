"""A project with a branch under review, revisions and photos, and one call of each operation that succeeds in it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sqlmodel import Session

from app.identity.contracts import SYSTEM_ACTOR
from app.plan.branching import service
from app.plan.branching.views import BranchView
from app.plan.photos import files
from app.plan.photos.storage import LOCAL, photo_key
from models.attachments import EventPhoto, EventPhotoComment
from models.branches import BranchApproval, BranchComment, BranchReviewer, MergeResolution
from models.plan import PlanBranch
from tests.api.plan.workbench import make_world
from tests.factories import make_user
from tests.unit.plan_photos.pictures import picture


@dataclass(frozen=True)
class ReviewWorld:
    """Ids of what the operations name in their paths, and of what their bodies hold."""

    slug: str
    project_id: str
    event_id: str
    branch_id: str
    user_id: str
    comment_id: str
    resolution_id: str
    revision_id: str
    compare_to: str
    photo_id: str
    other_photo_id: str
    photo_comment_id: str
    newcomer_id: str

    @property
    def base(self) -> str:
        """Where the project's routes begin."""
        return f"/api/v1/projects/{self.slug}"

    @property
    def branch(self) -> str:
        """The branch's routes."""
        return f"{self.base}/branches/{self.branch_id}"

    @property
    def photos(self) -> str:
        """The photos of the event."""
        return f"{self.base}/events/{self.event_id}/photos"

    def path(self, operation: dict[str, Any]) -> str:
        """The operation's path in this world."""
        values = asdict(self)
        if "photo" in operation["id"]:
            values["comment_id"] = self.photo_comment_id
        return operation["path"].format(**values)


def make_review_world(session: Session) -> ReviewWorld:
    """A project with one of everything on main, and an approved branch of it that changes nothing."""
    plan = make_world(session)
    event = plan.event_id
    photo = EventPhoto(
        event_id=event, project_id=plan.project_id, original_filename="cart.png", content_type="image/png", size_bytes=3,
        storage_backend=LOCAL,
    )  # fmt: skip
    photo.storage_key = photo_key(event, photo.id, "png")
    files.local_storage().put(photo.storage_key, picture(), "image/png")
    other = EventPhoto(
        event_id=event, project_id=plan.project_id, kind="figma", original_filename="Figma frame", sort_order=1,
        content_type="application/x-figma-embed", external_url="https://www.figma.com/file/abc/Cart",
    )  # fmt: skip
    session.add_all([photo, other])
    session.flush()
    photo_comment = EventPhotoComment(photo_id=photo.id, user_id=plan.user_id, body="Nice")
    session.add(photo_comment)
    session.flush()
    old = service.create_revision(session, SYSTEM_ACTOR, plan.slug, "First")
    new = service.create_revision(session, SYSTEM_ACTOR, plan.slug, "Second")
    branch = approved(session, make_branch(session, plan.slug).id, plan.user_id)
    comment = BranchComment(branch_id=branch.id, user_id=plan.user_id, body="Why?")
    resolution = MergeResolution(
        branch_id=branch.id,
        entity_type="event_type",
        entity_name="shop",
        field_name="color",
        choice="ours",
        resolved_by=plan.user_id,
    )
    session.add_all([BranchReviewer(branch_id=branch.id, user_id=plan.user_id), comment, resolution])
    session.flush()
    return ReviewWorld(
        slug=plan.slug, project_id=plan.project_id, event_id=event, branch_id=branch.id, user_id=plan.user_id,
        comment_id=comment.id, resolution_id=resolution.id, revision_id=new.summary.id, compare_to=old.summary.id,
        photo_id=photo.id, other_photo_id=other.id, photo_comment_id=photo_comment.id, newcomer_id=make_user(session).id,
    )  # fmt: skip


def make_branch(session: Session, slug: str, name: str = "work") -> BranchView:
    """A branch of main as it is now."""
    return service.create_branch(session, SYSTEM_ACTOR, slug, name)


def approved(session: Session, branch_id: str, *user_ids: str) -> PlanBranch:
    """The branch, approved by these people."""
    branch = session.get_one(PlanBranch, branch_id)
    branch.status = "approved"
    session.add_all([branch, *(BranchApproval(branch_id=branch_id, user_id=user_id) for user_id in user_ids)])
    session.flush()
    return branch
