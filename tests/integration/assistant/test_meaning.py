"""Search by meaning: vectors from a strict stub of the embeddings API, stored by text, compared with a query."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from app.assistant import meaning, service
from app.assistant.model_client import EmbeddingModel, ModelFailed, configured_embedder
from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.clock import FixedClock
from app.kernel.database import session_scope
from app.kernel.setting_groups import AiSettings
from app.kernel.settings import Settings, use_overrides
from app.scans import service as scans
from jobs import embed_plans
from jobs.leadership import Leadership
from models.assistant import SearchVector
from models.plan import Event
from tests.api.plan.workbench import make_world

KEY = "sk-for-tests-only"
CONCEPTS = (("paid", "money", "price", "sum"), ("sent", "posted", "parcel"), ("step", "stage"))


class EmbeddingServer:
    """Refuses what the embeddings API refuses; a text's vector tells which of a few concepts it names."""

    def __init__(self) -> None:
        self.status, self.answer = 200, None
        self.texts: list[str] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                status, answer = service.status, service.answer
                if self.headers.get("authorization") != f"Bearer {KEY}":
                    status, answer = 401, {}
                elif self.path != "/v1/embeddings":
                    status, answer = 404, {}
                elif set(body) != {"model", "input", "encoding_format"} or not all(body["input"]) or len(body["input"]) > 2048:
                    status, answer = 400, {"error": {"message": "Invalid input"}}
                elif answer is None:
                    service.texts += body["input"]
                    data = [
                        {"object": "embedding", "index": place, "embedding": concept_vector(text)}
                        for place, text in enumerate(body["input"])
                    ]
                    answer = {"object": "list", "data": data[::-1], "model": body["model"]}
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"


def concept_vector(text: str) -> list[float]:
    lowered = text.lower()
    return [*(float(any(word in lowered for word in concept)) for concept in CONCEPTS), 0.2]


@pytest.fixture
def server() -> Iterator[EmbeddingServer]:
    made = EmbeddingServer()
    threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield made
    made.server.shutdown()
    made.server.server_close()


def embedder_of(url: str, **changed: Any) -> EmbeddingModel:
    chosen = {"search_embeddings_enabled": True, "ai_base_url": url, "ai_api_key": SecretStr(KEY), "ai_timeout_seconds": 5}
    found = configured_embedder(Settings(ai=AiSettings(**{**chosen, **changed})))
    assert found is not None
    return found


@pytest.fixture
def world(engine):
    with session_scope(engine) as session:
        return make_world(session)


def titles(answer):
    return [hit.title for hit in answer.items]


def stored(engine):
    with session_scope(engine, write=False) as session:
        return {row.text_hash: row.id for row in session.scalars(sa.select(SearchVector))}


def test_it_is_off_until_an_owner_turns_it_on_and_gives_a_key():
    assert configured_embedder(Settings()) is None
    assert configured_embedder(Settings(ai=AiSettings(search_embeddings_enabled=True))) is None
    own = AiSettings(search_embeddings_enabled=True, search_embedding_api_key=SecretStr("own"), ai_api_key=SecretStr("other"))
    found = configured_embedder(Settings(ai=own))
    assert found is not None and found.api_key == "own"


def test_vectors_come_back_in_the_order_of_their_texts(server):
    found = embedder_of(server.url).embed(["money", "parcel"])
    assert found == [concept_vector("money"), concept_vector("parcel")]


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {},
        {"data": []},
        {"data": [{"index": 0}]},
        {"data": [{"index": 1, "embedding": [1.0]}]},
        {"data": [{"index": 0, "embedding": []}]},
        {"data": [{"index": 0, "embedding": ["x"]}]},
    ],
)
def test_an_answer_without_vectors_is_a_failure(server, answer):
    server.answer = answer
    with pytest.raises(ModelFailed):
        embedder_of(server.url).embed(["money"])


def test_a_wrong_key_and_a_vector_of_no_direction_are_failures(server):
    with pytest.raises(ModelFailed, match="401"):
        embedder_of(server.url, ai_api_key=SecretStr("wrong")).embed(["money"])
    with pytest.raises(ModelFailed):
        meaning.unit([0.0, 0.0])


def test_what_no_word_finds_is_found_by_meaning(engine, world, server):
    embedder = embedder_of(server.url)
    before = service.find(SYSTEM_ACTOR, world.slug, "money arrived", embedder=embedder)
    assert (titles(before), before.semantic_used, server.texts) == ([], False, [])

    assert service.embed_plans(embedder) == len(stored(engine)) > 0
    after = service.find(SYSTEM_ACTOR, world.slug, "money arrived", embedder=embedder)

    assert after.semantic_used and titles(after)[0] in ("order_paid", "Sum") and "order_sent" not in titles(after)
    assert all(hit.semantic_used for hit in after.items)
    by_words = service.find(SYSTEM_ACTOR, world.slug, "order_sent", embedder=embedder)
    assert titles(by_words)[0] == "order_sent"


def test_a_text_is_embedded_once_and_forgotten_with_its_entity(engine, world, server):
    embedder = embedder_of(server.url)
    service.embed_plans(embedder)
    sent, before = len(server.texts), stored(engine)
    assert service.embed_plans(embedder) == 0 and len(server.texts) == sent

    with session_scope(engine) as session:
        session.execute(sa.update(Event).where(Event.id == world.event_id).values(name="parcel_lost"))
    assert service.embed_plans(embedder) == 1 and len(server.texts) == sent + 1
    assert "parcel lost" in server.texts[-1] and len(stored(engine)) == len(before)
    assert titles(service.find(SYSTEM_ACTOR, world.slug, "posted", embedder=embedder))[:1] == ["order_sent"]

    other = embedder_of(server.url, search_embedding_model="another")
    assert service.embed_plans(other) == len(before) == len(stored(engine))


def test_values_are_never_sent(engine, world, server):
    service.embed_plans(embedder_of(server.url))
    with session_scope(engine, write=False) as session:
        bodies = list(session.execute(sa.text("SELECT body FROM search_documents WHERE body <> ' ' AND body <> ''")).scalars())
    assert bodies and not any(value in text for body in bodies for value in body.split() for text in server.texts if len(value) > 3)


def test_a_model_that_fails_leaves_the_search_by_words(engine, world, server):
    embedder = embedder_of(server.url)
    service.embed_plans(embedder)
    server.status, server.answer = 500, {}
    found = service.find(SYSTEM_ACTOR, world.slug, "order_paid today", embedder=embedder)
    assert found.semantic_used is False and titles(found)[0] == "order_paid"


def test_vectors_of_another_length_count_for_nothing():
    table = meaning.VectorTable()
    table.add([(1, "a", np.ones(4, dtype=np.float32).tobytes()), (2, "b", np.ones(3, dtype=np.float32).tobytes())])
    assert (list(table.rows), table.newest_id, table.matrix.shape) == (["a"], 2, (1, 4))


def test_the_leader_s_job_embeds_where_meanings_are_compared_and_survives_a_failing_model(engine, world, server):
    leader = Leadership(scans.Holder("here", 1, "one"), 60, FixedClock(datetime(2026, 11, 25, tzinfo=UTC)))
    assert embed_plans.run(leader) == 0
    use_overrides({"search_embeddings_enabled": "true", "ai_base_url": server.url, "ai_api_key": KEY})
    server.status, server.answer = 429, {}
    assert embed_plans.run(leader) == 0
    server.status, server.answer = 200, None
    assert embed_plans.run(leader) == len(stored(engine)) > 0
    late = Leadership(scans.Holder("there", 2, "two"), 60, FixedClock(leader.clock.now() + timedelta(seconds=1)))
    assert embed_plans.run(late) == 0
