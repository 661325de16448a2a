"""Every query on second factors, recovery codes and sign-ins that wait for a code. Nothing here decides."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from models.identity import User
from models.second_factors import RecoveryCode, SecondFactor, SignInTicket


def locked_account(session: Session, user_id: str) -> User | None:
    """The account as it stands now, held until the transaction ends: one change of how a person signs in happens at a time."""
    statement = sa.select(User).where(col(User.id) == user_id).with_for_update()
    return session.execute(statement.execution_options(populate_existing=True)).scalar_one_or_none()


def factor_of(session: Session, user_id: str) -> SecondFactor | None:
    """The person's factor as it stands now, confirmed or not."""
    statement = sa.select(SecondFactor).where(col(SecondFactor.user_id) == user_id)
    return session.execute(statement.execution_options(populate_existing=True)).scalar_one_or_none()


def is_confirmed(session: Session, user_id: str) -> bool:
    """Whether the person has a factor that counts."""
    statement = sa.select(col(SecondFactor.user_id)).where(
        col(SecondFactor.user_id) == user_id, col(SecondFactor.confirmed_at).is_not(None)
    )
    return session.execute(statement).first() is not None


def confirmed_holders(session: Session) -> frozenset[str]:
    """Ids of everybody with a factor that counts."""
    statement = sa.select(col(SecondFactor.user_id)).where(col(SecondFactor.confirmed_at).is_not(None))
    return frozenset(session.execute(statement).scalars())


def spend_step(session: Session, user_id: str, step: int) -> bool:
    """Note that the code of this step was used; whether it was still to be had.

    Of two transactions that ask for one step exactly one gets it: the second waits for the first and then finds it spent.
    """
    statement = (
        sa.update(SecondFactor)
        .where(
            col(SecondFactor.user_id) == user_id,
            col(SecondFactor.confirmed_at).is_not(None),
            sa.or_(col(SecondFactor.used_step).is_(None), col(SecondFactor.used_step) < step),
        )
        .values(used_step=step)
        .returning(col(SecondFactor.user_id))
        .execution_options(synchronize_session=False)
    )
    return session.execute(statement).first() is not None


def spend_recovery_code(session: Session, user_id: str, code_hash: str, now: datetime) -> bool:
    """Use the recovery code up; whether there was such a one left."""
    statement = (
        sa.update(RecoveryCode)
        .where(col(RecoveryCode.user_id) == user_id, col(RecoveryCode.code_hash) == code_hash, col(RecoveryCode.used_at).is_(None))
        .values(used_at=now)
        .returning(col(RecoveryCode.id))
        .execution_options(synchronize_session=False)
    )
    return session.execute(statement).first() is not None


def count_unused_codes(session: Session, user_id: str) -> int:
    """How many recovery codes the person has left."""
    statement = (
        sa.select(sa.func.count())
        .select_from(RecoveryCode)
        .where(col(RecoveryCode.user_id) == user_id, col(RecoveryCode.used_at).is_(None))
    )
    return int(session.execute(statement).scalar_one())


def replace_recovery_codes(session: Session, user_id: str, code_hashes: Iterable[str]) -> None:
    """These codes are the person's, and no others."""
    session.execute(sa.delete(RecoveryCode).where(col(RecoveryCode.user_id) == user_id))
    session.add_all([RecoveryCode(user_id=user_id, code_hash=code_hash) for code_hash in code_hashes])
    session.flush()


def delete_factor(session: Session, user_id: str) -> bool:
    """Remove the person's factor, its recovery codes and sign-ins that wait for it; whether there was a factor."""
    session.execute(sa.delete(RecoveryCode).where(col(RecoveryCode.user_id) == user_id))
    delete_tickets_of(session, user_id)
    statement = sa.delete(SecondFactor).where(col(SecondFactor.user_id) == user_id)
    return session.execute(statement.returning(col(SecondFactor.user_id))).first() is not None


def ticket_holder(session: Session, token_hash: str, now: datetime) -> str | None:
    """Whose sign-in waits under this ticket."""
    statement = sa.select(col(SignInTicket.user_id)).where(
        col(SignInTicket.token_hash) == token_hash, col(SignInTicket.expires_at) > now
    )
    return session.execute(statement).scalar_one_or_none()


def take_ticket(session: Session, token_hash: str, now: datetime) -> bool:
    """Use the ticket up; whether it was still good."""
    statement = sa.delete(SignInTicket).where(col(SignInTicket.token_hash) == token_hash, col(SignInTicket.expires_at) > now)
    return session.execute(statement.returning(col(SignInTicket.id))).first() is not None


def delete_tickets_of(session: Session, user_id: str) -> None:
    """Make the person's sign-ins that wait for a code void."""
    session.execute(sa.delete(SignInTicket).where(col(SignInTicket.user_id) == user_id))


def delete_expired_tickets(session: Session, now: datetime) -> None:
    """Remove every ticket that is over."""
    session.execute(sa.delete(SignInTicket).where(col(SignInTicket.expires_at) <= now))
