"""Writes the demo shop's plan and the work on it: before the scan what the shop plans, after it what people did since."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from app.demo import plan_story as told
from app.demo import repository
from app.demo.pictures import WIREFRAMES, draw_form
from app.demo.story import EVENTS, ShopEvent, Timeline
from app.identity.contracts import SYSTEM_ACTOR, Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.ids import new_id
from app.plan import service as plan
from app.plan.branching import service as branching
from app.plan.contracts import EventStatus
from app.plan.drafts import AnnotationDraft, EventDraft, RelationDraft
from app.plan.photos import files
from app.plan.photos import service as photos
from app.plan.photos.imaging import SafeImage, make_safe
from app.plan.photos.storage import StoredFile, photo_key, thumbnail_key
from app.plan.review import BranchAction
from app.plan.views import EventTypeDetail
from app.plan.vocabulary import AnnotationScope
from app.projects.contracts import ProjectView
from models.plan_entities import EventChange, EventFieldValue, EventMetaValue, EventTag, VariableContext


@dataclass(frozen=True, slots=True)
class Picture:
    """A wireframe whose files are stored already."""

    photo_id: str
    filename: str
    image: SafeImage
    file: StoredFile
    thumbnail: StoredFile


@contextmanager
def pictures_for(event_id: str) -> Iterator[list[Picture]]:
    """Wireframes drawn and stored for the event. When the block fails, their files are removed again. No transaction is open."""
    backend, drawn = files.chosen_backend(), []
    try:
        for form in WIREFRAMES:
            photo_id, image = new_id(), make_safe(draw_form(form))
            picture = StoredFile(backend, photo_key(event_id, photo_id, image.extension))
            drawn.append(Picture(photo_id, form.filename, image, picture, StoredFile(backend, thumbnail_key(event_id, photo_id))))
            files.storage(backend).put(picture.key, image.data, image.content_type)
            files.storage(backend).put(drawn[-1].thumbnail.key, image.thumbnail, "image/webp")
        yield drawn
    except BaseException:
        files.remove_unreferenced([file for picture in drawn for file in (picture.file, picture.thumbnail)])
        raise


@contextmanager
def dated(session: Session, project_id: str, moment: datetime) -> Iterator[None]:
    """Whatever of the project's plan is written within gets `moment` as the instant it was made or changed."""
    since = SYSTEM_CLOCK.now()
    yield
    session.flush()
    repository.date_rows(session, project_id, since=since, moment=moment)
    session.expire_all()


class PlanBuilder:
    """The plan of one demo project, within the transaction of `session`; in the name of `user_id` when somebody is known."""

    def __init__(self, session: Session, project: ProjectView, timeline: Timeline, user_id: str | None) -> None:
        self._session, self._project, self._slug, self._timeline = session, project, project.slug, timeline
        self._author: Actor = replace(SYSTEM_ACTOR, user_id=user_id)

    def write_definitions(self, event_ids: Mapping[str, str]) -> None:
        """Fields, variables, meta fields, relations and owners, and what the events (ids by name) say with them."""
        for event_type in self._event_types().values():
            plan.bulk_create_fields(self._session, self._author, self._slug, event_type.id, told.FIELDS.get(event_type.name, ()))
        for draft in told.META_FIELDS:
            plan.create_meta_field(self._session, self._author, self._slug, draft)
        for name, variable in told.VARIABLES.items():
            plan.create_variable(
                self._session, self._author, self._slug, name, variable_type=variable.type, description=variable.description
            )
        types = self._event_types()
        for source, source_field, target, target_field, text in told.RELATIONS:
            draft_relation = RelationDraft(
                types[source].id, types[target].id, _field(types[source], source_field), _field(types[target], target_field),
                description=text,
            )  # fmt: skip
            plan.create_relation(self._session, self._author, self._slug, draft_relation)
        user_id = self._author.user_id
        if user_id is not None:
            for name in told.OWNED:
                plan.add_owner(self._session, self._author, self._slug, types[name].id, user_id)
            repository.own_events(self._session, [event_ids[event.name] for event in EVENTS if event.source in told.OWNED], user_id)
        self._write_events(event_ids, types)

    def _write_events(self, event_ids: Mapping[str, str], types: Mapping[str, EventTypeDetail]) -> None:
        metas = {meta.name: meta.id for meta in plan.list_meta_fields(self._session, self._author, self._slug)}
        variables = {row.name: row.id for row in plan.list_variables(self._session, self._author, self._slug)}
        for number, event in enumerate(event for event in EVENTS if event.name in event_ids):
            event_id = event_ids[event.name]
            self._session.add_all(EventTag(event_id=event_id, name=tag) for tag in told.TAGS[event.name])
            notes = told.meta_values(number, event.source)
            self._session.add_all(EventMetaValue(event_id=event_id, meta_field_id=metas[key], value=notes[key]) for key in metas)
            for field_name, value in told.VALUES.get(event.name, {}).items():
                field_id = _field(types[event.source], field_name)
                self._session.add(EventFieldValue(event_id=event_id, field_definition_id=field_id, value=value))
                self._session.add(_context(event_id, field_id, field_name, value, variables))
            self._session.add_all(self._history(event_id, event))

    def _history(self, event_id: str, event: ShopEvent) -> Iterator[EventChange]:
        tags = ", ".join(sorted(told.TAGS[event.name]))
        lines: list[tuple[str, str | None, str | None]] = [
            ("description", plan.SCAN_DESCRIPTION, event.description),
            ("tags", None, tags),
        ]
        if event.status != EventStatus.IN_REVIEW:
            lines.append(("status", EventStatus.IN_REVIEW.value, event.status))
        for name, before, after in lines:
            yield EventChange(event_id=event_id, user_id=self._author.user_id, field_name=name, old_value=before, new_value=after)

    def write_work(self, event_ids: Mapping[str, str], pictures: list[Picture]) -> None:
        """Revisions, pictures, annotations, a merged branch, and one under review that main has moved away from since."""
        with self._ago(told.FIRST_REVISION_DAYS):
            branching.create_revision(self._session, self._author, self._slug, told.FIRST_REVISION)
        with self._ago(told.PHOTO_DAYS):
            self._write_pictures(event_ids[told.PICTURED], pictures)
        self._annotate(told.RELEASE_DAYS, told.RELEASE, told.RELEASE_TEXT, "#2563eb", None)
        self._annotate(told.CAMPAIGN_DAYS, told.CAMPAIGN, told.CAMPAIGN_TEXT, "#d97706", event_ids["coupon_applied"])
        self._annotate(told.NEWEST_RELEASE_DAYS, told.NEWEST_RELEASE, told.NEWEST_TEXT, "#2563eb", None)
        self._write_merged_branch()
        self._write_working_branch()
        with self._ago(told.RECOLOR_DAYS):
            checkout = self._event_types()["checkout"].id
            plan.update_event_type(self._session, self._author, self._slug, checkout, {"color": told.MAIN_COLOR})
            branching.create_revision(self._session, self._author, self._slug, told.SECOND_REVISION)

    def _write_pictures(self, event_id: str, pictures: list[Picture]) -> None:
        for picture in pictures:
            photos.add_photo(
                self._session, self._author, self._slug, event_id,
                photo_id=picture.photo_id, filename=picture.filename, image=picture.image,
                picture=picture.file, thumbnail=picture.thumbnail,
            )  # fmt: skip
        photos.create_comment(self._session, self._author, self._slug, event_id, pictures[0].photo_id, told.PHOTO_COMMENT)

    def _annotate(self, days: float, label: str, text: str, color: str, event_id: str | None) -> None:
        scope = None if event_id is None else AnnotationScope.EVENT
        bucket = self._timeline.current_hour - timedelta(hours=round(24 * days))
        with dated(self._session, self._project.id, bucket):
            draft = AnnotationDraft(bucket, label, text, color, scope, event_id)
            plan.create_annotation(self._session, self._author, self._slug, draft)

    def _write_merged_branch(self) -> None:
        with self._ago(told.MERGED_BEGUN_DAYS):
            branch = self._branch(told.MERGED_BRANCH, told.MERGED_DESCRIPTION)
            refund = self._event("refund_issued", branch)
            plan.update_event(
                self._session, self._author, self._slug, refund,
                {"description": told.REFUND_DESCRIPTION, "tags": told.REFUND_TAGS}, branch=branch,
            )  # fmt: skip
            payments = self._event_types(branch)["payments"]
            plan.update_field(
                self._session, self._author, self._slug, payments.id, _field(payments, "amount"),
                {"contract_max_value": told.HIGHEST_PAYMENT}, branch=branch,
            )  # fmt: skip
        with self._ago(told.MERGED_DAYS):
            self._review(branch, BranchAction.SUBMIT, BranchAction.APPROVE)
            branching.merge_branch(self._session, self._author, self._slug, branch)

    def _write_working_branch(self) -> None:
        session, author, slug = self._session, self._author, self._slug
        with self._ago(told.WORKING_BEGUN_DAYS):
            branch = self._branch(told.WORKING_BRANCH, told.WORKING_DESCRIPTION)
            types = self._event_types(branch)
            checkout, payments = types["checkout"], types["payments"]
            values = [(_field(checkout, name), value) for name, value in told.EXPRESS_VALUES.items()]
            draft = EventDraft(checkout.id, told.EXPRESS_EVENT, told.EXPRESS_DESCRIPTION, tags=("funnel",), field_values=values)
            plan.create_event(session, author, slug, draft, branch=branch)
            started = self._event("checkout_started", branch)
            plan.update_event(session, author, slug, started, {"description": told.CHECKOUT_DESCRIPTION}, branch=branch)
            method = next(field for field in payments.field_definitions if field.name == "method")
            options = [*(method.enum_options or ()), told.EXPRESS_METHOD]
            plan.update_field(session, author, slug, payments.id, method.id, {"enum_options": options}, branch=branch)
            plan.update_event_type(session, author, slug, checkout.id, {"color": told.BRANCH_COLOR}, branch=branch)
        with self._ago(told.SUBMITTED_DAYS):
            self._review(branch, BranchAction.SUBMIT)
            if author.user_id is not None:
                branching.add_reviewer(session, author, slug, branch, author.user_id)
        with self._ago(told.QUESTION_DAYS):
            question = branching.create_comment(session, author, slug, branch, told.QUESTION)
        with self._ago(told.ANSWER_DAYS):
            branching.create_comment(session, author, slug, branch, told.ANSWER, question.id)

    def _branch(self, name: str, description: str) -> str:
        return branching.create_branch(self._session, self._author, self._slug, name, description).id

    def _review(self, branch: str, *actions: BranchAction) -> None:
        for action in actions:
            branching.transition_branch(self._session, self._author, self._slug, branch, action)

    def _event_types(self, branch: str | None = None) -> dict[str, EventTypeDetail]:
        found = plan.list_event_type_details(self._session, self._author, self._slug, branch=branch)
        return {event_type.name: event_type for event_type in found}

    def _event(self, name: str, branch: str) -> str:
        events = plan.list_event_details(self._session, self._author, self._slug, branch=branch).items
        return next(event.id for event in events if event.source_name == name)

    def _ago(self, days: int) -> AbstractContextManager[None]:
        return dated(self._session, self._project.id, self._timeline.current_hour - timedelta(days=days))


def _field(event_type: EventTypeDetail, name: str) -> str:
    return next(field.id for field in event_type.field_definitions if field.name == name)


def _context(event_id: str, field_id: str, column: str, value: str, variables: Mapping[str, str]) -> VariableContext:
    name = value.removeprefix("${").removesuffix("}")
    variable = told.VARIABLES[name]
    return VariableContext(
        variable_id=variables[name],
        event_id=event_id,
        field_definition_id=field_id,
        source_column=column,
        value_kind=variable.kind.value,
        observed_count=variable.observed_count,
        values=list(variable.values),
    )
