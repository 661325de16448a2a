"""The parts of a branch's review: steps, checks, people, conflicts, changes, discussion."""

from __future__ import annotations

from typing import Any

import reflex as rx

from components import button, empty_state, section, text_area, time_text
from components.diff_view import diff_view
from components.inline_edit import icon_button


def steps(state: Any) -> rx.Component:
    """The steps of the review that are allowed now, and the merge."""
    view = state.view
    step = rx.foreach(
        view.actions,
        lambda action: rx.el.button(
            action.label,
            type="button",
            on_click=state.step(action.key),
            class_name=rx.cond(action.is_primary, "btn btn-primary", "btn btn-plain"),
        ),
    )
    merge = rx.cond(
        view.is_approved & view.may_edit,
        button(rx.icon("git-merge", size=14), "Merge into main", kind="primary", on_click=state.merge),
        rx.fragment(),
    )
    return rx.fragment(step, merge)


def problems(state: Any) -> rx.Component:
    """Why the merge was refused."""
    return rx.cond(
        state.problems.length() > 0,
        rx.el.div(
            rx.el.p(rx.el.strong("The merge was refused.")),
            rx.el.ul(rx.foreach(state.problems, rx.el.li), class_name="consequences"),
            class_name="notice notice-bad",
            role="alert",
        ),
        rx.fragment(),
    )


def checks_section(view: Any) -> rx.Component:
    """What the merge needs, met or open."""
    return section("Merge needs", rx.el.ul(rx.foreach(view.checks, _check), class_name="checks"))


def _check(check: Any) -> rx.Component:
    return rx.el.li(
        rx.cond(
            check.is_met,
            rx.icon("circle-check", size=16, aria_hidden="true"),
            rx.icon("circle-dashed", size=16, aria_hidden="true"),
        ),
        rx.el.span(check.label, rx.el.span(rx.cond(check.is_met, " (met)", " (open)"), class_name="sr-only")),
        rx.foreach(check.notes, lambda note: rx.el.p(note, class_name="check-note")),
        class_name=rx.cond(check.is_met, "check check-met", "check check-open"),
    )


def reviewers_section(state: Any) -> rx.Component:
    """Who is asked and who has approved."""
    view = state.view
    ask = rx.el.select(
        rx.el.option("Ask somebody to review", value=""),
        rx.foreach(view.members, lambda member: rx.el.option(member[1], value=member[0])),
        value="",
        on_change=state.ask_reviewer,
        aria_label="Ask somebody to review",
        class_name="input select",
    )
    return section(
        "Reviewers",
        rx.cond(
            view.reviewers.length() > 0,
            rx.el.ul(rx.foreach(view.reviewers, lambda row: _reviewer(state, row)), class_name="people"),
            rx.el.p("Nobody is asked yet.", class_name="muted away-note"),
        ),
        rx.cond(view.may_edit & view.is_open & (view.members.length() > 0), rx.el.div(ask, class_name="aside-form"), rx.fragment()),
    )


def _reviewer(state: Any, row: Any) -> rx.Component:
    return rx.el.li(
        rx.el.span(row.name, rx.el.span(row.verdict, class_name="cell-sub")),
        rx.cond(
            row.has_approved,
            rx.icon("circle-check", size=16, aria_hidden="true", class_name="approved"),
            rx.cond(
                state.view.may_edit & state.view.is_open,
                icon_button("x", f"Do not ask {row.name}", state.drop_reviewer(row.user_id)),
                rx.fragment(),
            ),
        ),
        class_name="person",
    )


def conflicts_section(state: Any) -> rx.Component:
    """Attributes changed on both sides, each with its choice."""
    view = state.view
    return rx.cond(
        view.conflicts.length() > 0,
        section(
            "Conflicts",
            rx.foreach(view.conflicts, lambda row: _conflict(state, row)),
            note=rx.cond(
                view.may_edit,
                "main and the branch both changed these; say whose value stays",
                "main and the branch both changed these; editors say whose value stays",
            ),
        ),
        rx.fragment(),
    )


def _conflict(state: Any, row: Any) -> rx.Component:
    sides = (("ours", "Main", row.ours), ("theirs", "This branch", row.theirs))
    return rx.el.div(
        rx.el.p(rx.el.strong(row.event_type), ": ", row.label),
        rx.el.p("Before: ", row.base, class_name="conflict-note"),
        rx.el.div(
            *[
                rx.cond(
                    state.view.may_edit & state.view.is_open,
                    rx.el.button(
                        *_side(row, key, side, value),
                        type="button",
                        aria_pressed=rx.cond(row.choice == key, "true", "false"),
                        on_click=state.choose(row.event_type, row.attribute, key),
                        class_name="choice",
                    ),
                    rx.el.div(
                        *_side(row, key, side, value, rx.el.span("Chosen:", class_name="sr-only")),
                        class_name=rx.cond(row.choice == key, "choice choice-chosen", "choice"),
                    ),
                )
                for key, side, value in sides
            ],
            class_name="choices",
            role="group",
            aria_label=f"{row.label} of {row.event_type}",
        ),
        rx.cond(
            state.view.may_edit,
            rx.fragment(),
            rx.el.p(rx.cond(row.choice == "", "Nobody has chosen yet.", ""), class_name="conflict-note"),
        ),
        class_name="conflict",
    )


def _side(row: Any, key: str, side: str, value: Any, *told: rx.Component) -> list[rx.Component]:
    """One side's value with a tick on the chosen one, which `told` says in words where no pressed button does."""
    chosen = rx.fragment(rx.icon("circle-check", size=13, aria_hidden="true"), *told)
    return [
        rx.el.span(rx.cond(row.choice == key, chosen, rx.fragment()), side, class_name="choice-side"),
        rx.el.span(value),
    ]


def changes_section(view: Any, revisions_link: rx.Component, plan_link: rx.Component) -> rx.Component:
    """What the branch would change on main."""
    nothing = empty_state("No changes yet", "Edit events, fields or variables on this branch; they appear here.", plan_link)
    return section(
        "Changes",
        rx.cond(
            view.is_merged,
            empty_state("This branch is merged", "Compare two revisions to see what it changed.", revisions_link),
            diff_view(view.groups, old="Main", new="This branch", empty=nothing),
        ),
        note=rx.cond(view.is_merged, "", view.counted),
    )


def discussion(state: Any) -> rx.Component:
    """The threads and the form for another remark."""
    view = state.view
    return section(
        "Discussion",
        rx.cond(
            view.comments.length() > 0,
            rx.el.ol(rx.foreach(view.comments, lambda row: _comment(state, row)), class_name="comments", aria_label="Comments"),
            rx.cond(view.may_edit, rx.fragment(), rx.el.p("No comments yet.", class_name="muted away-note")),
        ),
        rx.cond(view.may_edit & (state.reply_to == ""), _comment_form(state, "comment", "Comment", "Comment"), rx.fragment()),
    )


def _comment(state: Any, row: Any) -> rx.Component:
    tools = rx.el.div(
        button("Reply", kind="quiet", small=True, on_click=state.reply(row.id), aria_label=f"Reply to {row.who}"),
        button(
            "Delete", kind="quiet", small=True, on_click=state.delete_comment(row.id), aria_label=f"Delete comment of {row.who}"
        ),
        class_name="comment-tools",
    )
    return rx.el.li(
        rx.el.div(rx.el.strong(row.who), time_text(row.when, row.iso, title=row.title), class_name="comment-head"),
        rx.el.p(row.body, class_name="comment-body"),
        rx.cond(state.view.may_edit, tools, rx.fragment()),
        rx.cond(state.reply_to == row.id, _comment_form(state, "reply", "Your reply", "Reply"), rx.fragment()),
        class_name=rx.cond(row.is_reply, "comment comment-reply", "comment"),
    )


def _comment_form(state: Any, field_id: str, label: str, action: str) -> rx.Component:
    return rx.form(
        text_area(field_id=field_id, name="body", rows=2, aria_label=label, placeholder=label, auto_focus=field_id == "reply"),
        rx.cond(state.comment_error != "", rx.el.p(state.comment_error, role="alert", class_name="field-error"), rx.fragment()),
        rx.el.div(
            button(action, type="submit", small=True),
            button("Cancel", kind="quiet", small=True, on_click=state.reply("")) if field_id == "reply" else rx.fragment(),
            class_name="form-actions",
        ),
        on_submit=state.comment,
        reset_on_submit=True,
        class_name="comment-form",
    )
