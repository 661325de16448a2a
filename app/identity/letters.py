"""What identity writes to people by mail. Links begin with the public address of the settings, never with what a request says."""

from __future__ import annotations

from app import sign_in_paths
from app.identity.contracts import UserRole
from app.kernel.mail import Letter
from app.kernel.settings import get_settings


def reset_link(token: str) -> str:
    """The whole address under which the holder of the token chooses another password."""
    return get_settings().base_url + sign_in_paths.reset_password(token)


def reset_letter(email: str, token: str) -> Letter:
    """To somebody who does not remember their password."""
    return Letter(
        email,
        "Choose another password for Plumbline",
        f"Somebody asked for another password for {email} at {get_settings().base_url}.\n\n"
        f"If it was you, choose one here within 60 minutes:\n{reset_link(token)}\n\n"
        "The link works once. If it was not you, do nothing: your password stays as it is.\n",
    )


def invitation_letter(email: str, role: UserRole, invited_by: str, token: str) -> Letter:
    """To somebody who is invited."""
    base = get_settings().base_url
    return Letter(
        email,
        "You are invited to Plumbline",
        f"{invited_by} invites you to Plumbline at {base} as {role.value}.\n\n"
        f"Open your account here within seven days:\n{base}{sign_in_paths.invitation(token)}\n\n"
        "The link works once. If you do not know who invites you, do nothing.\n",
    )
