"""How a message leaves: one module per channel, all behind `send` (contract 12.5)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Final

from app.alerting.delivery_contracts import Parcel, SendOutcome
from app.alerting.vocabulary import DestinationType
from app.kernel.outbound import Outbound, OutboundFailed, outbound
from jobs.channels import apprise, email, jira, linear, slack, telegram, webhook

Send = Callable[[Parcel, Outbound], SendOutcome]
log = logging.getLogger("plumbline.alerting")

CHANNELS: Final[Mapping[DestinationType, Send]] = {
    DestinationType.SLACK: slack.send,
    DestinationType.TELEGRAM: telegram.send,
    DestinationType.WEBHOOK: webhook.send,
    DestinationType.EMAIL: email.send,
    DestinationType.JIRA: jira.send,
    DestinationType.LINEAR: linear.send,
    DestinationType.APPRISE: apprise.send,
}


def send(parcel: Parcel, calls: Outbound | None = None) -> SendOutcome:
    """Send the message and tell how it went; never raises. Takes seconds and belongs outside every transaction."""
    try:
        return CHANNELS[parcel.target.type](parcel, calls or outbound())
    except OutboundFailed as failure:
        return SendOutcome(
            False,
            failure.message,
            failure.kind.value,
            is_temporary=failure.is_temporary,
            retry_after_seconds=failure.retry_after_seconds,
        )
    except Exception as fault:  # noqa: BLE001 - a fault of ours must end as a noted attempt, not as a lost delivery
        # Only the type: the text may hold a token.
        log.error("a message could not be sent", extra={"reason": type(fault).__name__, "delivery": parcel.delivery_id})
        return SendOutcome(False, "The message could not be sent because of a fault in Plumbline", "internal")
