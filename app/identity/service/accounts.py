"""Signing up, in and out; members and their roles."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from app.identity import password_repository, policy, repository, second_factor_repository
from app.identity.contracts import OPERATOR_EMAIL, Actor, Credential, SignedIn, SignInOrigin, UserRole, UserView, Via
from app.identity.passwords import UNUSABLE
from app.identity.service.audit import record_audit
from app.identity.service.callers import actor_for, session_hash
from app.identity.service.second_factor import demand_code
from app.identity.service.turns import delete_idle_turns
from app.kernel.crypto import random_token
from app.kernel.errors import Conflict, Forbidden, NotFound, Unauthorized
from app.kernel.settings import get_settings
from models.identity import User, UserSession

BAD_CREDENTIALS = "Invalid email or password"
UNKNOWN_ORIGIN = SignInOrigin()


def has_owner(session: Session) -> bool:
    """Whether anybody has signed up yet."""
    return repository.count_owners(session) > 0


def is_registration_open(session: Session) -> bool:
    """Whether a newcomer may sign up: the first person always may, later ones when the setting says so and passwords count."""
    settings = get_settings()
    return (settings.security.registration_open and not settings.oidc.is_only_way) or not has_owner(session)


def delete_expired(session: Session, now: datetime) -> None:
    """Delete sessions, half sign-ins and links for a password that are over, and rate buckets of clients long gone."""
    repository.delete_expired_sessions(session, now)
    second_factor_repository.delete_expired_tickets(session, now)
    password_repository.delete_expired_resets(session, now)
    delete_idle_turns(session, now)


def register(
    session: Session, *, email: str, password_hash: str, name: str | None, now: datetime, origin: SignInOrigin = UNKNOWN_ORIGIN
) -> SignedIn:
    """Create an account and sign it in. The first becomes owner, also when two arrive at once.

    Errors: Forbidden when sign-up is closed, Conflict when the email has an account.
    """
    repository.lock_membership(session)
    owned = has_owner(session)
    if not is_registration_open(session):
        raise Forbidden("Registration is closed")
    email = policy.normal_email(email)
    if email == OPERATOR_EMAIL or repository.user_by_email(session, email) is not None:
        raise Conflict("Email already registered")
    role = policy.role_of_newcomer(has_owner=owned)
    user = User(email=email, name=name, password_hash=password_hash, role=role, created_at=now, updated_at=now)
    repository.add(session, user)
    if not owned:
        _retire_operator(session, user)
    record_audit(session, actor_for(user), "user.register", "user", user.id, payload={"role": role.value})
    return open_session(session, user, now, origin)


def find_credential(session: Session, email: str) -> Credential:
    """What to check a password against. Never says whether the email is known."""
    user = repository.user_by_email(session, policy.normal_email(email))
    if user is None:
        return Credential(None, None)
    return Credential(user.id, user.password_hash, second_factor_repository.is_confirmed(session, user.id))


def login(
    session: Session, credential: Credential, now: datetime, origin: SignInOrigin = UNKNOWN_ORIGIN, code: str | None = None
) -> SignedIn:
    """Open a session for the account whose password was just checked; `code` is of its second factor.

    Unauthorized when the account or its password changed since the check. CodeRequired and CodeRefused as `demand_code`.
    """
    # Held: a change of the password ends every session that was opened before it, so none may be half open meanwhile.
    user = second_factor_repository.locked_account(session, credential.user_id) if credential.user_id else None
    if user is None or user.password_hash != credential.password_hash:
        raise Unauthorized(BAD_CREDENTIALS)
    demand_code(session, user, code, now)
    return _sign_in(session, user, now, origin)


def open_session_for(
    session: Session, user_id: str, now: datetime, origin: SignInOrigin = UNKNOWN_ORIGIN, *, issuer: str
) -> SignedIn:
    """Open a session for somebody whom the identity provider `issuer` vouches for: neither password nor code is asked for here.

    Errors: Unauthorized when the account is gone.
    """
    user = repository.user_by_id(session, user_id)
    if user is None:
        raise Unauthorized("Not authenticated")
    return _sign_in(session, user, now, origin, issuer=issuer)


def logout(session: Session, actor: Actor, token: str | None) -> None:
    """Delete the session of this cookie; a caller with a key has none."""
    if token and actor.via is Via.SESSION:
        repository.delete_session(session, session_hash(token))
        record_audit(session, actor, "session.delete", "user", actor.user_id or "")


def get_me(session: Session, actor: Actor) -> UserView:
    """The caller's own account."""
    user = repository.user_by_id(session, actor.user_id) if actor.user_id else None
    if user is None:
        raise Unauthorized("Not authenticated")
    return view_of(user)


def list_users(session: Session, actor: Actor, *, limit: int = 200, offset: int = 0) -> list[UserView]:
    """Members, oldest first, for anybody signed in."""
    actor.require_reach(None)
    return [view_of(user) for user in repository.list_users(session, limit, offset)]


def update_role(session: Session, actor: Actor, user_id: str, role: UserRole) -> UserView:
    """Give a member another role and end their sessions at once.

    Owners only. Errors: NotFound, BadRequest for the last owner's demotion.
    """
    actor.require_owner()
    repository.lock_membership(session)
    user = repository.user_by_id(session, user_id)
    if user is None:
        raise NotFound("User not found")
    session.refresh(user)  # another change may have gone before while this one waited for the lock
    old = UserRole(user.role)
    if old is role:
        return view_of(user)
    policy.check_role_change(old, role, owner_count=repository.count_owners(session))
    user.role = role
    repository.delete_sessions_of(session, user.id)
    record_audit(session, actor, "user.update_role", "user", user.id, payload={"from": old.value, "to": role.value})
    session.flush()
    return view_of(user)


def operator_account(session: Session, now: datetime) -> User:
    """Whom a key made at the command line acts for: the oldest owner, before the first sign-up an account of its own."""
    repository.lock_membership(session)
    found = repository.oldest_owner(session) or repository.user_by_email(session, OPERATOR_EMAIL)
    if found is None:
        found = User(
            email=OPERATOR_EMAIL,
            name="Operator",
            password_hash=UNUSABLE,
            role=UserRole.EDITOR,
            created_at=now,
            updated_at=now,
        )
        repository.add(session, found)
    return found


def view_of(user: User) -> UserView:
    """The account without its password."""
    return UserView(user.id, user.email, user.name, UserRole(user.role), user.created_at, user.updated_at)


def _retire_operator(session: Session, owner: User) -> None:
    """Keys made before anybody signed up pass to the first owner, who can see and revoke them."""
    operator = repository.user_by_email(session, OPERATOR_EMAIL)
    if operator is not None:
        repository.hand_over_keys(session, operator.id, owner.id)
        session.delete(operator)


def _sign_in(session: Session, user: User, now: datetime, origin: SignInOrigin, *, issuer: str = "") -> SignedIn:
    """A session for an account that existed before; its expired sessions go."""
    repository.delete_sessions_of(session, user.id, expired_before=now)
    record_audit(session, actor_for(user), "session.create", "user", user.id, payload={"issuer": issuer} if issuer else None)
    return open_session(session, user, now, origin)


def open_session(session: Session, user: User, now: datetime, origin: SignInOrigin) -> SignedIn:
    """Sign the account in: a session row, and the token that only its cookie will know."""
    token = random_token(policy.SESSION_CHARACTERS)
    expires_at = now + timedelta(hours=get_settings().security.session_hours)
    row = UserSession(
        user_id=user.id,
        token_hash=session_hash(token),
        address=_fitting(origin.address, 64),
        user_agent=_fitting(origin.user_agent, 400),
        created_at=now,
        expires_at=expires_at,
    )
    repository.add(session, row)
    return SignedIn(view_of(user), token, expires_at)


def _fitting(text: str, length: int) -> str:
    return text.replace("\0", "")[:length]
