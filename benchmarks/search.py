"""How fast and how well search finds the parts of a plan.

    python -m benchmarks.search [--entities 10000] [--url postgresql://user@host/empty_database]

Speed: a plan of so many entities, and what the command palette asks while queries are typed letter by letter. A time is that of
the server's whole work for one keystroke: transaction, access check, index brought up to date, ranking, dressing. The first
query reads the index; one after a change takes the change up.

Quality: labelled queries (exact, misspelt, paraphrase) over forty events, alone and among the entities of the plan. Where
PLUMBLINE_SEARCH_EMBEDDINGS_ENABLED, PLUMBLINE_AI_BASE_URL and PLUMBLINE_AI_API_KEY name an embeddings server, the forty events are
also searched by words and meaning.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import Session, col

from app.assistant.index import SearchIndex
from app.assistant.meaning import LEAST_NEARNESS, meaning_of, text_of, unit
from app.assistant.model_client import Embedder, configured_embedder
from app.assistant.postings import Document
from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.database import create_engine, session_scope
from app.migrations import upgrade
from app.palette import MOST_FOUND, palette_entries
from app.projects import service as projects
from models.plan import Event, EventType, PlanBranch
from models.plan_entities import EventTag, FieldDefinition, Variable

LABELLED = Path(__file__).parents[1] / "tests" / "unit" / "assistant" / "labelled_queries.txt"
SETS = ("exact", "misspelt", "paraphrase")
SLUG = "large"
TYPES = 40
OBJECTS, ACTIONS = (part.split() for part in Path(__file__).with_name("search_words.txt").read_text().split("\n\n"))
PLACES = ("from the home page", "in the app", "on the web", "by mail", "by an administrator", "for the first time", "after a retry")
NAMES = ("service", "screen", "device_type", "currency", "amount", "reason", "position", "variant_id", "source", "duration")


def labelled() -> tuple[dict[str, str], dict[str, list[tuple[str, str]]]]:
    """Descriptions by event name, and (query, expected event) by set."""
    events, *queries = LABELLED.read_text().split("\n--\n")
    described = dict(line.split("|", 1) for line in events.strip().splitlines())
    pairs = [[(line.split("|")[0], line.split("|")[1]) for line in part.strip().splitlines()] for part in queries]
    return described, dict(zip(SETS, pairs, strict=True))


def fill(session: Session, entities: int, rng: random.Random) -> str:
    """A plan of about so many entities, the labelled events among them; its branch."""
    project = projects.create_project(session, SYSTEM_ACTOR, "Large", SLUG)
    branch_id = session.execute(sa.select(PlanBranch.id).where(col(PlanBranch.project_id) == project.id)).scalar_one()
    owned = {"project_id": project.id, "branch_id": branch_id}
    types = [EventType(**owned, name=f"area_{place}", display_name=f"Area {place}", order=place) for place in range(TYPES)]
    session.add_all(types)
    session.flush()
    fields = [
        FieldDefinition(
            event_type_id=kind.id, name=name, display_name=name.replace("_", " ").capitalize(), field_type="string", order=place
        )
        for kind in types
        for place, name in enumerate(NAMES)
    ]
    variables = [
        Variable(**owned, name=f"{rng.choice(OBJECTS)}_{rng.choice(OBJECTS)}_{place}", variable_type="string")
        for place in range(entities // 20)
    ]
    described, _ = labelled()
    names = dict(described)
    while len(names) < entities - len(fields) - len(variables) - TYPES:
        thing, other, action = rng.choice(OBJECTS), rng.choice(OBJECTS), rng.choice(ACTIONS)
        names.setdefault(f"{thing}_{other}_{action}", f"The {other} of a {thing} is {action} {rng.choice(PLACES)}")
    events = [
        Event(**owned, event_type_id=rng.choice(types).id, name=name, description=text, order=place)
        for place, (name, text) in enumerate(names.items())
    ]
    session.add_all([*fields, *variables, *events])
    session.flush()
    tagged = rng.sample(events, len(events) // 5)
    session.add_all([EventTag(event_id=event.id, name=rng.choice(ACTIONS)) for event in tagged])
    return branch_id


def keystrokes(rng: random.Random, count: int) -> list[str]:
    """What the palette is asked while people type names, parts of them, and words with a slip."""
    asked = []
    while len(asked) < count:
        words = f"{rng.choice(OBJECTS)} {rng.choice(OBJECTS)} {rng.choice(ACTIONS)}"
        if rng.random() < 0.3:
            place = rng.randrange(1, len(words) - 1)
            words = words[:place] + words[place + 1 :]
        asked += [words[:length] for length in range(1, rng.randrange(6, len(words) + 1))]
    return asked[:count]


def quality(find: Callable[[str], Sequence[str]], pairs: Sequence[tuple[str, str]]) -> tuple[float, float, float]:
    """hit@1, mean reciprocal rank and recall at what the palette shows."""
    ranks = []
    for query, expected in pairs:
        found = list(find(query))[:MOST_FOUND]
        ranks.append(found.index(expected) + 1 if expected in found else 0)
    count = len(ranks)
    return (
        sum(rank == 1 for rank in ranks) / count,
        sum(1 / rank for rank in ranks if rank) / count,
        sum(rank > 0 for rank in ranks) / count,
    )


def by_meaning(index: SearchIndex, documents: Sequence[Document], embedder: Embedder) -> Callable[[str], Sequence[str]]:
    """A search of the documents by words and by meaning."""
    vectors = [unit(vector) for vector in embedder.embed([text_of(document) for document in documents])]

    def find(text: str) -> Sequence[str]:
        found = meaning_of(text, embedder)
        near = (
            {}
            if found is None
            else {
                document.entity_id: value
                for document, vector in zip(documents, vectors, strict=True)
                if (value := float(vector @ found.vector)) >= LEAST_NEARNESS
            }
        )
        return [hit.document.title for hit in index.best(text, nearness=near)[0]]

    return find


def milliseconds(work: Callable[[], object]) -> float:
    """How long the work takes."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entities", type=int, default=10_000)
    parser.add_argument("--queries", type=int, default=600)
    parser.add_argument("--url", default="")
    chosen = parser.parse_args()
    rng = random.Random(7)
    with tempfile.TemporaryDirectory() as folder:
        url = chosen.url or f"sqlite:///{folder}/plumbline.db"
        upgrade(url)
        engine = create_engine(url)
        with session_scope(engine) as session:
            fill(session, chosen.entities, rng)

        def find(words: str) -> list[str]:
            with session_scope(engine, write=False) as session:
                return [entry["label"] for entry in palette_entries(session, SYSTEM_ACTOR, SLUG, words, "")]

        def change() -> None:
            with session_scope(engine) as session:
                session.execute(sa.update(Event).where(col(Event.name) == "refund_issued").values(description="Money went back"))

        print(f"{chosen.entities} entities, {url.split(':')[0]}")
        print(f"first query, reads the index   {milliseconds(lambda: find('order')):8.1f} ms")
        change()
        print(f"first query after a change     {milliseconds(lambda: find('order')):8.1f} ms")
        times = sorted(milliseconds(lambda text=text: find(text)) for text in keystrokes(rng, chosen.queries))
        print(
            f"a keystroke                    {statistics.median(times):8.1f} ms median, "
            f"{times[int(len(times) * 0.95)]:.1f} ms p95, {times[-1]:.1f} ms slowest of {len(times)}"
        )
        described, sets = labelled()
        documents = [
            Document(place, "event", name, None, name, "", text, "", is_archived=False)
            for place, (name, text) in enumerate(described.items(), start=1)
        ]
        index = SearchIndex()
        index.add(documents)
        ways: dict[str, Callable[[str], Sequence[str]]] = {
            "40 events": lambda text: [hit.document.title for hit in index.search(text)],
            f"among {chosen.entities}": find,
        }
        if embedder := configured_embedder():
            ways["40, and meaning"] = by_meaning(index, documents, embedder)
        print("\n" + " " * 12 + "".join(f"{way:^26}" for way in ways))
        print(f"{'queries':12}" + f"{'hit@1':>8}{'MRR':>8}{f'rec@{MOST_FOUND}':>8}  " * len(ways))
        for name, pairs in sets.items():
            figures = [quality(way, pairs) for way in ways.values()]
            print(f"{name:12}" + "  ".join("".join(f"{figure:8.2f}" for figure in row) for row in figures))


if __name__ == "__main__":
    main()
