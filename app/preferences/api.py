"""Routes tagged settings (contract section 17)."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from app.assistant import service as assistant
from app.http import Caller, Db, WaitingOwner
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.preferences import service
from app.preferences.catalogue import KEYS
from app.preferences.mail_probe import send_probe
from app.preferences.service import SettingsView
from app.preferences.shapes import (
    AiSettingsResponse,
    AiSettingsTestRequest,
    AiSettingsUpdate,
    ServiceSettingsResponse,
    ServiceSettingsUpdate,
    SettingsTestResponse,
)

router = APIRouter(tags=["settings"])

SETTINGS = "/api/v1/settings"


@router.get(SETTINGS, operation_id="get_service_settings")
def get_service_settings(session: Db, actor: Caller) -> ServiceSettingsResponse:
    """Every setting with where its value comes from. Owners."""
    return _whole(service.get_settings_view(session, actor))


@router.put(SETTINGS, operation_id="put_service_settings")
def put_service_settings(body: ServiceSettingsUpdate, actor: WaitingOwner) -> ServiceSettingsResponse:
    """Change the keys that are sent. Owners."""
    return _whole(_change(actor, _sent(body)))


@router.patch(SETTINGS, operation_id="patch_service_settings")
def patch_service_settings(body: ServiceSettingsUpdate, actor: WaitingOwner) -> ServiceSettingsResponse:
    """The same as PUT. Owners."""
    return _whole(_change(actor, _sent(body)))


@router.delete(SETTINGS + "/overrides/{name}", operation_id="clear_setting_override")
def clear_setting_override(name: str, actor: WaitingOwner) -> ServiceSettingsResponse:
    """Give one key back to the environment. Owners."""
    with session_scope() as session:
        view = service.clear_override(session, actor, name)
    _refresh()
    return _whole(view)


@router.get(SETTINGS + "/ai", operation_id="get_ai_settings")
def get_ai_settings(session: Db, actor: Caller) -> AiSettingsResponse:
    """The assistant's settings. Owners."""
    return _ai(service.get_settings_view(session, actor))


@router.put(SETTINGS + "/ai", operation_id="put_ai_settings")
def put_ai_settings(body: AiSettingsUpdate, actor: WaitingOwner) -> AiSettingsResponse:
    """Change the keys that are sent. Owners."""
    return _ai(_change(actor, body.model_dump(exclude_none=True)))


@router.post(SETTINGS + "/ai/test", operation_id="test_ai_settings")
def test_ai_settings(actor: WaitingOwner, body: AiSettingsTestRequest | None = None) -> SettingsTestResponse:
    """Ask the model something; a fault is told, not raised. Owners."""
    asked = body or AiSettingsTestRequest.model_validate({})
    is_fine, message = assistant.try_model(actor, asked.prompt)
    return SettingsTestResponse(ok=is_fine, message=message)


@router.post(SETTINGS + "/email/test", operation_id="test_email_settings")
def test_email_settings(actor: WaitingOwner) -> SettingsTestResponse:
    """Send yourself a mail; a fault is told, not raised. Owners."""
    is_fine, message = send_probe(actor)
    return SettingsTestResponse(ok=is_fine, message=message)


def _change(actor: Actor, changes: dict[str, Any]) -> SettingsView:
    with session_scope() as session:
        view = service.change_settings(session, actor, changes, SYSTEM_CLOCK.now())
    _refresh()
    return view


def _refresh() -> None:
    with session_scope(write=False) as session:
        service.refresh(session)


def _sent(body: BaseModel) -> dict[str, Any]:
    sections = body.model_dump(exclude_none=True)
    return {name: value for section in sections.values() for name, value in section.items()}


def _whole(view: SettingsView) -> ServiceSettingsResponse:
    sections = ServiceSettingsResponse.model_fields
    sources = {name: source for name, source in view.sources.items() if name.partition(".")[0] in sections}
    names = [name for name in view.overridden if KEYS[name].section in sections]
    return ServiceSettingsResponse.model_validate({**view.sections, "overridden_fields": names, "sources": sources})


def _ai(view: SettingsView) -> AiSettingsResponse:
    sources = {name: source for name, source in view.sources.items() if name.startswith("ai.")}
    names = [name for name in view.overridden if f"ai.{name}" in sources]
    return AiSettingsResponse.model_validate({"ai": view.sections["ai"], "overridden_fields": names, "sources": sources})
