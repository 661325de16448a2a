"""Making the vectors that are missing, a batch at a time; what a background job calls."""

from __future__ import annotations

from collections.abc import Iterator

from app.assistant import repository
from app.assistant.meaning import BATCH, hash_of, text_of, unit
from app.assistant.model_client import Embedder, configured_embedder
from app.kernel.database import session_scope


def embed_plans(embedder: Embedder | None = None, *, most_batches: int = 20) -> int:
    """Embed texts of open branches that have no vector yet, and forget vectors of texts that are gone; how many were embedded.

    Nothing happens where meanings are not compared. The model is asked while no transaction is open. Errors: ModelFailed; what was
    embedded before it is kept.
    """
    embedder = embedder or configured_embedder()
    if embedder is None:
        return 0
    count = 0
    for project_id, missing in _work(embedder.name):
        batches = [missing[start : start + BATCH] for start in range(0, len(missing), BATCH)]
        for batch in batches[:most_batches]:
            vectors = [unit(vector).tobytes() for vector in embedder.embed([text for _, text in batch])]
            with session_scope() as session:
                pairs = zip((text_hash for text_hash, _ in batch), vectors, strict=True)
                repository.store_vectors(session, project_id, embedder.name, dict(pairs))
            count += len(batch)
        most_batches -= min(len(batches), most_batches)
        if most_batches <= 0:
            break
    return count


def _work(model: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Of each project the texts that have no vector, by hash; vectors of texts that are gone go on the way."""
    with session_scope(write=False) as session:
        branches = repository.open_branches(session)
    for project_id, branch_ids in branches.items():
        with session_scope(write=False) as session:
            known = repository.vector_hashes(session, project_id, model)
            wanted: dict[str, str] = {}
            for branch_id in branch_ids:
                for document in repository.documents(session, branch_id):
                    text = text_of(document)
                    wanted[hash_of(text)] = text
            has_others = repository.has_other_models(session, project_id, model)
        if has_others or not known <= wanted.keys():
            with session_scope() as session:
                repository.drop_vectors(session, project_id, model, known - wanted.keys())
        missing = [(text_hash, text) for text_hash, text in wanted.items() if text_hash not in known]
        if missing:
            yield project_id, missing
