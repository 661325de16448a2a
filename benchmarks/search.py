"""How fast and how well search finds the parts of a plan.

    python -m benchmarks.search [--entities 10000] [--url postgresql://user@host/empty_database] [--embeddings http://host/v1]

Speed: a plan of so many entities, and what the command palette asks while queries are typed letter by letter. A time is that of
the server's whole work for one keystroke: transaction, access check, index brought up to date, ranking, dressing. The first
query reads the index; one after a change takes the change up.

Quality: labelled queries (exact, misspelt, paraphrase) over forty events, alone and among the entities of the plan. With
`--embeddings` the paraphrases are also asked by meaning, with vectors of that server (model and key from PLUMBLINE_SEARCH_...).
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

from app.assistant.index import Document, SearchIndex
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
OBJECTS = """
    account address advert article basket booking button campaign card carousel catalogue category chat checkout comment
    consent contract coupon course customer dashboard delivery device discount document draft email export feed file filter
    flight folder form friend gallery game gift group guide header help image import inbox invoice item job journey label
    landing ledger level link list listing location lottery mail map match member menu message modal name news note notice
    offer onboarding option order page panel partner password payment permission photo plan player playlist poll popup post
    price privacy product profile promo quiz rating receipt referral region report request reservation return review reward
    role room route sale schedule screen search seat section session setting share shelf shipment shop signup slot sort
    source stage statement step stock store stream subscription survey tab table tag task team template term theme thread
    ticket tile tip tour transfer trial tutorial upload user variant vendor video view visit voucher wallet widget wishlist
""".split()
ACTIONS = """
    accepted added approved archived assigned attached blocked cancelled changed checked clicked closed collapsed completed
    confirmed copied created declined deleted delivered dismissed displayed downloaded dragged edited enabled entered expanded
    expired failed finished focused hidden hovered ignored imported installed invited joined launched left loaded locked
    merged moved muted opened paid paused pinned played printed published purchased rated read received refreshed rejected
    removed renamed replied reported requested reset resized restored resumed retried saved scanned scheduled scrolled
    selected sent shared shown skipped sorted started stopped submitted swiped synced tapped toggled tracked translated typed
    undone unlocked updated uploaded verified viewed voted zoomed
""".split()
PLACES = "from the home page|in the app|on the web|by mail|by an administrator|for the first time|after a retry|in the background"
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
    places = PLACES.split("|")
    while len(names) < entities - len(fields) - len(variables) - TYPES:
        thing, other, action = rng.choice(OBJECTS), rng.choice(OBJECTS), rng.choice(ACTIONS)
        names.setdefault(f"{thing}_{other}_{action}", f"The {other} of a {thing} is {action} {rng.choice(places)}")
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
        index = SearchIndex()
        index.add(
            Document(place, "event", name, None, name, "", text, "", is_archived=False)
            for place, (name, text) in enumerate(described.items(), start=1)
        )
        print(f"\n{'':12}{'40 events':^26}{f'among {chosen.entities}':^26}")
        print(f"{'queries':12}" + f"{'hit@1':>8}{'MRR':>8}{f'rec@{MOST_FOUND}':>8}  " * 2)
        for name, pairs in sets.items():
            alone = quality(lambda text: [hit.document.title for hit in index.search(text)], pairs)
            print(f"{name:12}" + "  ".join("".join(f"{figure:8.2f}" for figure in row) for row in (alone, quality(find, pairs))))


if __name__ == "__main__":
    main()
