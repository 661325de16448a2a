"""One question to a language model: OpenAI's chat completions over the bounded outbound client (contract section 16)."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from app.kernel.errors import AppError
from app.kernel.outbound import AllowList, Outbound, OutboundFailed, resolve_by_system
from app.kernel.settings import Settings, get_settings

LARGEST_ANSWER = 1_048_576
LONGEST_PROMPT = 60_000


class ModelFailed(AppError):
    """The model's server gave no usable answer."""

    status = 502
    code = "model_failed"


class Model(Protocol):
    """Something that answers."""

    def ask(self, system: str, question: str) -> str:
        """The answer as text. ModelFailed when there is none."""
        ...


@dataclass(frozen=True, slots=True)
class ChatModel:
    """A server that speaks chat completions."""

    base_url: str
    model: str
    api_key: str
    max_output_tokens: int
    outbound: Outbound

    def ask(self, system: str, question: str) -> str:
        """The answer as text. ModelFailed for no answer in time, another status than 200, and an answer without text."""
        body = {
            "model": self.model,
            "messages": [{"role": "system", "content": system}, {"role": "user", "content": question[:LONGEST_PROMPT]}],
            "max_tokens": self.max_output_tokens,
            "temperature": 0,
        }
        headers = {"authorization": f"Bearer {self.api_key}"}
        try:
            answer = self.outbound.call("POST", f"{self.base_url}/chat/completions", headers=headers, json_body=body)
        except OutboundFailed as failure:
            raise ModelFailed(f"The model did not answer: {failure.message}") from None
        if not answer.is_success:
            raise ModelFailed(f"The model's server answered with status {answer.status}")
        text = _text(answer.json())
        if not text:
            raise ModelFailed("The model's server answered without a text")
        return text


def configured_model(settings: Settings | None = None) -> ChatModel | None:
    """The model of the settings; None while the assistant is off or has no key.

    The server's own address may be private, since owners run models beside this product; link-local addresses, where clouds hand
    out credentials, stay closed.
    """
    settings = settings or get_settings()
    chosen = settings.ai
    key = chosen.ai_api_key.get_secret_value()
    if not chosen.ai_enabled or not key:
        return None
    base_url = chosen.ai_base_url.rstrip("/")
    host = urlsplit(base_url).hostname or ""
    outbound = Outbound(
        AllowList(f"{settings.outbound.outbound_allow},{host}"),
        resolve=_without_link_local,
        timeout_seconds=float(chosen.ai_timeout_seconds),
        largest_answer=LARGEST_ANSWER,
    )
    return ChatModel(base_url, chosen.ai_model, key, chosen.ai_max_output_tokens, outbound)


def _without_link_local(host: str, port: int) -> list[tuple[str, int]]:
    found = resolve_by_system(host, port)
    if any(ipaddress.ip_address(address.partition("%")[0]).is_link_local for address, _ in found):
        raise OSError("a link-local address")
    return found


def _text(answer: Any) -> str:
    try:
        content = answer["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        return ""
    return content.strip() if isinstance(content, str) else ""
