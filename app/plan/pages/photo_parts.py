"""Parts of the wall of photos: adding to it, its cards, the photo that is open, and the form for a design."""

from __future__ import annotations

from typing import Any

import reflex as rx

from components import button, dialog, dialog_actions, form_field, text_area, text_input, time_text
from components.inline_edit import form_refusal, icon_button


def ways_to_add(state: Any) -> rx.Component:
    """Pictures from the disk, or a design by its link."""
    return rx.el.div(
        rx.el.label(
            rx.icon("upload", size=14, aria_hidden="true"),
            "Add pictures",
            rx.el.input(
                type="file",
                multiple=True,
                accept="image/png,image/jpeg,image/gif,image/webp",
                class_name="sr-only",
                disabled=state.upload_to == "",
                custom_attrs={"data-upload-to": state.upload_to, "data-tells": "upload-note", "data-then": "photos-refresh"},
            ),
            class_name="btn btn-plain upload",
        ),
        button("Attach a Figma design", on_click=state.set_linking(True)),
        rx.el.button(
            "Show new pictures", id="photos-refresh", type="button", on_click=state.load, class_name="sr-only", tab_index=-1
        ),
        rx.el.p(id="upload-note", role="status", class_name="upload-note"),
        class_name="toolbar",
    )


def photo_card(state: Any, card: Any) -> rx.Component:
    """One photo on the wall."""
    picture = rx.cond(
        card.thumbnail != "",
        rx.el.img(src=card.thumbnail, alt="", loading="lazy"),
        rx.icon("pen-tool", size=28, aria_hidden="true"),
    )
    tools = rx.el.span(
        icon_button("chevron-left", f"Move {card.title} forward", state.move(card.id, -1)),
        icon_button("chevron-right", f"Move {card.title} back", state.move(card.id, 1)),
        class_name="row-actions",
    )
    return rx.el.li(
        rx.el.button(
            picture,
            rx.el.span(f"Open {card.title}", class_name="sr-only"),
            type="button",
            on_click=state.open_photo(card.id),
            class_name="photo-open",
        ),
        rx.el.div(rx.el.span(card.title), rx.cond(state.may_edit, tools, rx.fragment()), class_name="photo-line"),
        key=card.id,
        class_name="photo",
    )


def light_box(state: Any) -> rx.Component:
    """The photo that is open, with its remarks."""
    shown = state.shown
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title(shown.title, class_name="dialog-title"),
            rx.dialog.description(shown.note, class_name="dialog-text"),
            rx.cond(
                shown.picture != "",
                rx.el.img(src=shown.picture, alt=shown.title),
                rx.el.p(
                    rx.el.a(
                        "Open the design in Figma", href=shown.link, target="_blank", rel="noopener noreferrer", class_name="link"
                    )
                ),
            ),
            rx.el.ol(rx.foreach(state.remarks, lambda row: _remark(state, row)), class_name="comments", aria_label="Comments"),
            rx.cond(state.may_edit, _remark_form(state), rx.fragment()),
            dialog_actions(
                rx.cond(state.may_edit, button("Delete photo", kind="danger", on_click=state.delete(shown.id)), rx.fragment()),
                button("Close", on_click=state.set_open(False)),
            ),
            class_name="dialog light-box",
        ),
        open=shown.id != "",
        on_open_change=state.set_open,
    )


def _remark(state: Any, row: Any) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.strong(row.who),
            time_text(row.when, row.iso, title=row.title),
            rx.cond(
                state.may_edit,
                rx.fragment(
                    icon_button("reply", f"Answer {row.who}", state.reply_to(row.id)),
                    icon_button("x", f"Delete comment of {row.who}", state.delete_remark(row.id)),
                ),
                rx.fragment(),
            ),
            class_name="comment-head",
        ),
        rx.el.p(row.body, class_name="comment-body"),
        class_name=rx.cond(row.is_reply, "comment comment-reply", "comment"),
    )


def _remark_form(state: Any) -> rx.Component:
    return rx.form(
        rx.cond(state.replying_to != "", rx.el.p(f"Answering {state.replying_to_who}", class_name="muted", role="status")),
        text_area(field_id="remark", name="body", rows=2, aria_label="Comment", placeholder="Comment"),
        form_refusal(state.remark_error),
        rx.el.div(
            rx.cond(state.replying_to != "", button("Do not answer", small=True, on_click=state.reply_to("")), rx.fragment()),
            button(rx.cond(state.replying_to != "", "Answer", "Comment"), type="submit", small=True),
            class_name="form-actions",
        ),
        on_submit=state.remark,
        reset_on_submit=True,
        class_name="comment-form",
    )


def link_dialog(state: Any) -> rx.Component:
    """Asks for the link of a design."""
    return dialog(
        rx.form(
            form_field(
                "Link",
                text_input(field_id="url", name="url", type="url", required=True, auto_focus=True),
                field_id="url",
                hint="A file, prototype or design at figma.com. Nothing is fetched from there.",
                error=state.errors.get("url", ""),
            ),
            form_field("Title (optional)", text_input(field_id="title", name="title"), field_id="title"),
            form_refusal(state.errors.get("", "")),
            dialog_actions(button("Cancel", on_click=state.set_linking(False)), button("Attach", kind="primary", type="submit")),
            on_submit=state.link,
            reset_on_submit=False,
        ),
        title="Attach a Figma design",
        open_=state.is_linking,
        on_open_change=state.set_linking,
    )
