"""Routes of second factors: the caller's own, and an owner's help for a member who lost theirs."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request

from app.http import Caller, Db, WaitingCaller, client_address
from app.identity import entrance, service
from app.identity.shapes import (
    RecoveryCodes,
    SecondFactorBegin,
    SecondFactorConfirm,
    SecondFactorEnrolment,
    SecondFactorProof,
    SecondFactorResponse,
)
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import NotFound

router = APIRouter()

OWN = "/api/v1/me/second-factor"


@router.get(OWN, operation_id="get_second_factor", tags=["second-factor"])
def get_second_factor(session: Db, actor: Caller) -> SecondFactorResponse:
    """Whether you are asked for a code when you sign in."""
    view = service.second_factor_of(session, actor)
    return SecondFactorResponse(
        is_on=view.confirmed_at is not None,
        is_required=view.is_required,
        confirmed_at=view.confirmed_at,
        recovery_codes_left=view.recovery_codes_left,
    )


@router.post(OWN, operation_id="begin_second_factor", tags=["second-factor"], status_code=201)
def begin_second_factor(body: SecondFactorBegin, actor: WaitingCaller) -> SecondFactorEnrolment:
    """Get a secret for your authenticator app. It counts once you confirm it; only this answer shows it."""
    return SecondFactorEnrolment.model_validate(entrance.begin_second_factor(actor, body.password, clock=SYSTEM_CLOCK))


@router.post(OWN + "/confirm", operation_id="confirm_second_factor", tags=["second-factor"])
def confirm_second_factor(body: SecondFactorConfirm, session: Db, actor: Caller) -> RecoveryCodes:
    """Turn your second factor on with a code of the app. Your other sessions end."""
    return RecoveryCodes(recovery_codes=service.confirm_second_factor(session, actor, body.code, SYSTEM_CLOCK.now()))


@router.post(OWN + "/recovery-codes", operation_id="renew_recovery_codes", tags=["second-factor"])
def renew_recovery_codes(body: SecondFactorProof, actor: WaitingCaller, request: Request) -> RecoveryCodes:
    """Get fresh recovery codes; the earlier ones are void."""
    address = client_address(request)
    codes = entrance.renew_recovery_codes(actor, body.password, body.code, address=address, clock=SYSTEM_CLOCK)
    return RecoveryCodes(recovery_codes=codes)


@router.post(OWN + "/turn-off", operation_id="turn_off_second_factor", tags=["second-factor"], status_code=204)
def turn_off_second_factor(body: SecondFactorProof, actor: WaitingCaller, request: Request) -> None:
    """Be asked for no code any more."""
    entrance.turn_off_second_factor(actor, body.password, body.code, address=client_address(request), clock=SYSTEM_CLOCK)


@router.delete("/api/v1/users/{user_id}/second-factor", operation_id="reset_second_factor", tags=["second-factor"], status_code=204)
def reset_second_factor(user_id: UUID, session: Db, actor: Caller) -> None:
    """Take the second factor from a member who lost it; their sessions end. Owners."""
    if not service.reset_second_factor(session, actor, str(user_id)):
        raise NotFound("This member has no second factor")
