"""What identity decides, as one surface: callers, accounts, keys, tenants and the audit trail."""

from __future__ import annotations

from app.identity.policy import Allowance
from app.identity.service.accounts import (
    BAD_CREDENTIALS,
    delete_expired,
    find_credential,
    get_me,
    has_owner,
    is_registration_open,
    list_users,
    login,
    logout,
    open_session_for,
    register,
    update_role,
)
from app.identity.service.api_keys import create_api_key, create_operator_key, list_api_keys, revoke_api_key
from app.identity.service.audit import get_audit_entry, list_audit, list_audit_actions, record_audit, record_key_audit, shown_filter
from app.identity.service.callers import caller_for_session, resolve_caller
from app.identity.service.ingest_keys import (
    create_ingest_key,
    create_tenant,
    ingest_principal_for,
    is_operator_key,
    list_ingest_keys,
    revoke_ingest_key,
    tenant_plan,
)
from app.identity.service.invitations import (
    accept_invitation,
    create_invitation,
    list_invitations,
    preview_invitation,
    revoke_invitation,
)
from app.identity.service.password import (
    change_password,
    create_mailed_reset,
    create_reset_link,
    password_holders,
    reset_holder,
    reset_password,
)
from app.identity.service.second_factor import (
    begin_second_factor,
    confirm_second_factor,
    credential_for_change,
    note_refused_code,
    renew_recovery_codes,
    reset_second_factor,
    second_factor_holders,
    second_factor_of,
    take_code_turn,
    turn_off_second_factor,
)
from app.identity.service.sign_ins import end_other_sign_ins, end_sign_in, list_sign_ins
from app.identity.service.tickets import issue_ticket, redeem_ticket, ticket_holder
from app.identity.service.turns import take_turn

__all__ = [
    "BAD_CREDENTIALS",
    "Allowance",
    "accept_invitation",
    "begin_second_factor",
    "caller_for_session",
    "change_password",
    "confirm_second_factor",
    "create_api_key",
    "create_ingest_key",
    "create_invitation",
    "create_mailed_reset",
    "create_operator_key",
    "create_reset_link",
    "create_tenant",
    "credential_for_change",
    "delete_expired",
    "end_other_sign_ins",
    "end_sign_in",
    "find_credential",
    "get_audit_entry",
    "get_me",
    "has_owner",
    "ingest_principal_for",
    "is_operator_key",
    "is_registration_open",
    "issue_ticket",
    "list_api_keys",
    "list_audit",
    "list_audit_actions",
    "list_ingest_keys",
    "list_invitations",
    "list_sign_ins",
    "list_users",
    "login",
    "logout",
    "note_refused_code",
    "open_session_for",
    "password_holders",
    "preview_invitation",
    "record_audit",
    "record_key_audit",
    "redeem_ticket",
    "register",
    "renew_recovery_codes",
    "reset_holder",
    "reset_password",
    "reset_second_factor",
    "resolve_caller",
    "revoke_api_key",
    "revoke_ingest_key",
    "revoke_invitation",
    "second_factor_holders",
    "second_factor_of",
    "shown_filter",
    "take_code_turn",
    "take_turn",
    "tenant_plan",
    "ticket_holder",
    "turn_off_second_factor",
    "update_role",
]
