"""The model client against a strict server on a real socket, as a vendor or a broken machine would answer."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import SecretStr

from app.assistant.model_client import LARGEST_ANSWER, ChatModel, ModelFailed, configured_model
from app.kernel.setting_groups import AiSettings
from app.kernel.settings import Settings

KEY = "sk-for-tests-only"


class ChatServer:
    """Refuses what chat completions refuse; else answers with `status` and `answer`. `is_mute` never answers."""

    def __init__(self) -> None:
        self.status, self.headers, self.is_mute = 200, {}, False
        self.answer: bytes = completion("A text.")
        self.seen: list[tuple[str, Any]] = []
        self.released = threading.Event()
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                service.seen.append((self.path, body))
                if service.is_mute:
                    service.released.wait(30)
                    return
                status, answer = service.status, service.answer
                if self.headers.get("authorization") != f"Bearer {KEY}":
                    status, answer = 401, b'{"error": {"message": "Incorrect API key"}}'
                elif self.path != "/v1/chat/completions":
                    status, answer = 404, b"{}"
                elif set(body) != {"model", "messages", "max_tokens", "temperature"} or body["max_tokens"] < 1:
                    status, answer = 400, b'{"error": {"message": "Unrecognized request argument"}}'
                self.send_response(status)
                for name, value in service.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                with contextlib.suppress(OSError):  # the client hangs up on an answer that is too large
                    self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"


def completion(text: object) -> bytes:
    return json.dumps({"choices": [{"index": 0, "message": {"role": "assistant", "content": text}}]}).encode()


@pytest.fixture
def server() -> Iterator[ChatServer]:
    made = ChatServer()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield made
    made.released.set()
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def model_of(url: str, **changed: Any) -> ChatModel:
    chosen = {"ai_enabled": True, "ai_base_url": url, "ai_api_key": SecretStr(KEY), "ai_timeout_seconds": 5, **changed}
    model = configured_model(Settings(ai=AiSettings(**chosen)))
    assert model is not None
    return model


def failure_of(model: ChatModel) -> str:
    with pytest.raises(ModelFailed) as failed:
        model.ask("Be brief.", "What is this?")
    assert KEY not in failed.value.message
    return failed.value.message


def test_a_question_goes_out_with_its_budget_and_the_text_comes_back(server):
    assert model_of(server.url + "/", ai_model="small", ai_max_output_tokens=50).ask("Be brief.", "What is this?") == "A text."
    [(path, body)] = server.seen
    assert path == "/v1/chat/completions"
    assert (body["model"], body["max_tokens"]) == ("small", 50)
    assert [message["role"] for message in body["messages"]] == ["system", "user"]


@pytest.mark.parametrize("changed", [{"ai_enabled": False}, {"ai_api_key": SecretStr("")}])
def test_nothing_is_asked_while_it_is_off_or_has_no_key(server, changed):
    chosen = {"ai_enabled": True, "ai_base_url": server.url, "ai_api_key": SecretStr(KEY), **changed}
    assert configured_model(Settings(ai=AiSettings(**chosen))) is None


@pytest.mark.parametrize(
    "answer",
    [b"<html>", b"", b"[]", b"{}", b'{"choices": []}', completion(None), completion("  "), completion([1]), b"\xff\xfe"],
)
def test_an_answer_without_a_text_is_a_failure(server, answer):
    server.answer = answer
    failure_of(model_of(server.url))


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_another_status_is_told_without_the_server_s_words(server, status):
    server.status, server.answer = status, b"internal: " + KEY.encode()
    assert str(status) in failure_of(model_of(server.url))


def test_a_mute_server_is_given_up_after_the_timeout(server):
    server.is_mute = True
    failure_of(model_of(server.url, ai_timeout_seconds=1))


def test_an_endless_answer_is_cut_off(server):
    server.answer = completion("a" * (LARGEST_ANSWER + 1))
    failure_of(model_of(server.url))


def test_a_redirect_does_not_take_the_key_elsewhere(server):
    server.status, server.headers = 307, {"location": f"{server.url}/elsewhere"}
    failure_of(model_of(server.url))
    assert len(server.seen) == 1


def test_a_wrong_key_fails(server):
    failure_of(model_of(server.url, ai_api_key=SecretStr("sk-wrong")))


def test_the_address_where_clouds_hand_out_credentials_stays_closed():
    failure_of(model_of("http://169.254.169.254/v1", ai_timeout_seconds=1))
