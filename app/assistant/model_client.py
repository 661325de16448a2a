"""Questions to a language model and texts to an embedding model: OpenAI's chat completions and embeddings over the bounded
outbound client (contract section 16)."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from app.kernel.errors import AppError
from app.kernel.outbound import AllowList, Outbound, OutboundFailed, resolve_by_system
from app.kernel.settings import Settings, get_settings

LARGEST_ANSWER = 1_048_576
LARGEST_VECTORS = 8_388_608
MOST_DIMENSIONS = 8192
LONGEST_EMBEDDING_SECONDS = 10.0
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


class Embedder(Protocol):
    """Something that turns texts into vectors. `address` and `name` say whose vectors they are."""

    @property
    def address(self) -> str:
        """Where it is."""
        ...

    @property
    def name(self) -> str:
        """The model; only vectors of one model can be compared."""
        ...

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """A vector for each text, in their order. ModelFailed when there are none."""
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


@dataclass(frozen=True, slots=True)
class EmbeddingModel:
    """A server that speaks embeddings."""

    address: str
    name: str
    api_key: str
    outbound: Outbound

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """A vector for each text, in their order. ModelFailed for no answer in time, and for anything but as many vectors."""
        body = {"model": self.name, "input": list(texts), "encoding_format": "float"}
        headers = {"authorization": f"Bearer {self.api_key}"}
        try:
            answer = self.outbound.call("POST", f"{self.address}/embeddings", headers=headers, json_body=body)
        except OutboundFailed as failure:
            raise ModelFailed(f"The embedding model did not answer: {failure.message}") from None
        if not answer.is_success:
            raise ModelFailed(f"The embedding model's server answered with status {answer.status}")
        return _vectors(answer.json(), len(texts))


def configured_embedder(settings: Settings | None = None) -> EmbeddingModel | None:
    """The embedding model of the settings, at the address of the language model; None while meanings are not compared."""
    settings = settings or get_settings()
    chosen = settings.ai
    key = chosen.search_embedding_api_key.get_secret_value() or chosen.ai_api_key.get_secret_value()
    if not chosen.search_embeddings_enabled or not key:
        return None
    outbound = _outbound(settings, min(float(chosen.ai_timeout_seconds), LONGEST_EMBEDDING_SECONDS), LARGEST_VECTORS)
    return EmbeddingModel(chosen.ai_base_url.rstrip("/"), chosen.search_embedding_model, key, outbound)


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
    outbound = _outbound(settings, float(chosen.ai_timeout_seconds), LARGEST_ANSWER)
    return ChatModel(chosen.ai_base_url.rstrip("/"), chosen.ai_model, key, chosen.ai_max_output_tokens, outbound)


def _outbound(settings: Settings, timeout_seconds: float, largest_answer: int) -> Outbound:
    host = urlsplit(settings.ai.ai_base_url).hostname or ""
    return Outbound(
        AllowList(f"{settings.outbound.outbound_allow},{host}"),
        resolve=_without_link_local,
        timeout_seconds=timeout_seconds,
        largest_answer=largest_answer,
    )


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


def _vectors(answer: Any, count: int) -> list[list[float]]:
    try:
        found = {int(item["index"]): [float(number) for number in item["embedding"]] for item in answer["data"]}
    except (KeyError, IndexError, TypeError, ValueError):
        raise ModelFailed("The embedding model's server answered without vectors") from None
    widths = {len(vector) for vector in found.values()}
    if sorted(found) != list(range(count)) or len(widths) != 1 or not 1 <= widths.pop() <= MOST_DIMENSIONS:
        raise ModelFailed("The embedding model's server answered with other vectors than were asked for")
    return [found[place] for place in range(count)]
