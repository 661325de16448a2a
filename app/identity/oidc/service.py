"""What is decided about people who come from a provider: which account they enter, and whether they may."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session

from app.identity import policy
from app.identity import repository as accounts
from app.identity import service as identity
from app.identity.contracts import OPERATOR_EMAIL, Actor, EntryRefusal, SignedIn, SignInOrigin, UserRole
from app.identity.oidc import repository
from app.identity.oidc.contracts import Attempt, OidcRefused, Person
from app.identity.passwords import UNUSABLE
from app.identity.service.callers import actor_for
from app.kernel.crypto import keyed_hash, random_token
from app.kernel.errors import NotFound
from app.kernel.setting_groups import OidcSettings
from app.kernel.settings import get_settings
from models.identity import User
from models.single_sign_on import ExternalIdentity, OidcAttempt

ATTEMPT_LASTS: Final = timedelta(minutes=10)
SECRET_CHARACTERS: Final = 43
_NOBODY: Final = "single sign-on"


def begin(session: Session, *, issuer: str, next_path: str, now: datetime) -> tuple[str, str, str]:
    """Note that a browser leaves for the provider: fresh state, nonce and PKCE verifier."""
    repository.delete_expired_attempts(session, now)
    state, nonce, verifier = (random_token(SECRET_CHARACTERS) for _ in range(3))
    row = OidcAttempt(
        state_hash=_hash(state),
        verifier_hash=_hash(verifier),
        nonce=nonce,
        issuer=issuer,
        next_path=next_path,
        expires_at=now + ATTEMPT_LASTS,
    )
    accounts.add(session, row)
    return state, nonce, verifier


def take_attempt(session: Session, *, state: str, verifier: str, now: datetime) -> Attempt:
    """The attempt that this browser began, which is used up. Wants a transaction of its own: it stays used when the rest fails.

    Errors: OidcRefused for one that is unknown, another browser's, used before or too old.
    """
    row = repository.take_attempt(session, _hash(state), _hash(verifier))
    if row is None or row.expires_at <= now:
        reason = "state: unknown here, used before, or of another browser" if row is None else "state: too old"
        raise OidcRefused(EntryRefusal.SSO_OVER, reason)
    return Attempt(row.issuer, row.nonce, row.next_path)


def enter(session: Session, person: Person, settings: OidcSettings, now: datetime, origin: SignInOrigin) -> SignedIn:
    """Sign the person in: to the account their subject entered before, else to the one with their verified email.

    Without an account an open invitation makes one, or the setting for newcomers. Errors: OidcRefused.
    """
    user = repository.user_of(session, person.issuer, person.subject)
    _check_domain(person.email or (user.email if user else ""), settings)
    if user is None:
        user = _first_time(session, person, settings, now)
    return identity.open_session_for(session, user.id, now, origin, issuer=person.issuer)


def note_refusal(session: Session, refused: OidcRefused, issuer: str, origin: SignInOrigin) -> None:
    """Keep in the audit trail that somebody was turned away, and why."""
    actor = Actor(user_id=None, email=refused.email or _NOBODY, name=refused.email or _NOBODY, role=UserRole.VIEWER)
    payload = {"reason": refused.reason[:500], "issuer": issuer, "address": origin.address[:64]}
    identity.record_audit(session, actor, "session.refuse", "session", "oidc", payload=payload)


def unlink(session: Session, actor: Actor, email: str) -> int:
    """Forget the subjects that enter an account, so that the next one with its verified email does; how many there were.

    The account's sessions end. For owners and the command line. Errors: NotFound.
    """
    actor.require_owner()
    user = accounts.user_by_email(session, policy.normal_email(email))
    if user is None:
        raise NotFound("There is no account with this address")
    count = repository.delete_identities_of(session, user.id)
    accounts.delete_sessions_of(session, user.id)
    identity.record_audit(session, actor, "user.unlink_identity", "user", user.id, payload={"email": user.email, "count": count})
    return count


def _check_domain(email: str, settings: OidcSettings) -> None:
    domain = email.rpartition("@")[2].lower()
    if email and settings.domains and domain not in settings.domains:
        raise OidcRefused(EntryRefusal.SSO_FOREIGN_DOMAIN, "email: its domain is not allowed", email=email)


def _first_time(session: Session, person: Person, settings: OidcSettings, now: datetime) -> User:
    """The account that the verified email stands for, which the subject enters from now on."""
    if not person.email:
        raise OidcRefused(EntryRefusal.SSO_UNVERIFIED_EMAIL, "email: missing or not verified by the provider")
    accounts.lock_membership(session)
    known = repository.user_of(session, person.issuer, person.subject)
    if known is not None:
        return known  # the same person came twice at once
    email = policy.normal_email(person.email)
    user = accounts.user_by_email(session, email)
    if user is None:
        user = _newcomer(session, person, email, settings, now)
    elif user.email == OPERATOR_EMAIL or repository.subject_of(session, person.issuer, user.id) is not None:
        # An address that the provider gave to somebody else must not hand over the account of who had it before.
        raise OidcRefused(EntryRefusal.SSO_TAKEN, "email: its account is entered by another subject", email=person.email)
    accounts.add(session, ExternalIdentity(issuer=person.issuer, subject=person.subject, user_id=user.id, created_at=now))
    payload = {"issuer": person.issuer, "subject": person.subject}
    identity.record_audit(session, actor_for(user), "user.link_identity", "user", user.id, payload=payload)
    return user


def _newcomer(session: Session, person: Person, email: str, settings: OidcSettings, now: datetime) -> User:
    invitation = repository.open_invitation_to(session, email, now)
    # The first account owns the instance; it is made at the sign-up page, by whoever set the server up.
    if invitation is None and not (settings.oidc_newcomers and identity.has_owner(session)):
        raise OidcRefused(EntryRefusal.SSO_NO_ACCOUNT, "email: no account and no invitation", email=person.email)
    role = invitation.role if invitation else settings.oidc_role
    user = User(email=email, name=person.name, password_hash=UNUSABLE, role=role, created_at=now, updated_at=now)
    accounts.add(session, user)
    payload: dict[str, object] = {"role": role, "issuer": person.issuer}
    if invitation:
        payload["invited_by"] = invitation.invited_by
        accounts.delete_invitations(session, invitation_id=invitation.id)
    identity.record_audit(
        session, actor_for(user), "invitation.accept" if invitation else "user.register", "user", user.id, payload=payload
    )
    return user


def _hash(secret: str) -> str:
    return keyed_hash(get_settings().secret_key(), secret)
