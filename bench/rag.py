"""Answers from a knowledge base, compared with the same model without one.

    python -m bench.rag DOCS.jsonl QUESTIONS.jsonl --limit 30 --out rows.jsonl

DOCS has one object per line, with `id`, `title` and `text`; QUESTIONS with `question`, `doc_id` and
`answers`. An answer is right if it contains one of these. Each question is also asked of a base
without its document, where the honest answer is that there is none. With `--out`, a stopped run can
be resumed. The base is kept in `--home`, so that a second run need not embed it again.
"""

import argparse
import asyncio
import json
import os
import random
import time
from pathlib import Path
from typing import Any

Row = dict[str, Any]
ROUTES = ("without", "rag_qa", "unanswerable")


def prepare(home: Path, docs: list[Row]) -> None:
    """Keep everything except the model's weights in `home`, and fill the base."""
    from concertino.kb import KnowledgeBase
    from concertino.models.weights import ensure_weights
    from concertino.settings import get_settings

    settings = get_settings()
    if settings.provider is None:
        path = ensure_weights(settings.model_path, settings.home / "models")
        os.environ["CONCERTINO_MODEL_PATH"] = str(path)
    os.environ["CONCERTINO_HOME"] = str(home)
    get_settings.cache_clear()
    KnowledgeBase().add_documents([{k: d[k] for k in ("id", "title", "text")} for d in docs])


async def without(item: Row) -> Row:
    """Ask the same model, without any document."""
    from concertino.models.client import get_language_model
    from concertino.settings import get_settings
    from langchain_core.messages import HumanMessage

    model = await get_language_model(get_settings())
    reply = await model.generate_text([HumanMessage(item["question"])], max_tokens=150)
    return {"answer": reply.value, **reply.usage.model_dump()}


async def rag_qa(item: Row) -> Row:
    """Run the workflow."""
    from concertino import arun_task

    result = await arun_task(item["question"], workflow="rag_qa", storage="memory")
    made = result["outputs"].get("rag_qa", {})
    return {
        "answer": result["final_answer"] or "",
        "status": result["status"],
        "cited": [source["location"] for source in made.get("sources", [])],
        **made.get("data", {}),
        **result["usage"],
    }


async def unanswerable(item: Row) -> Row:
    """Run the workflow without the document that holds the answer."""
    from concertino.kb import Hit, KnowledgeBase

    find = KnowledgeBase.retrieve

    def others(self: KnowledgeBase, query: str, top_k: int = 5) -> list[Hit]:
        hits = find(self, query, top_k + 5)
        return [hit for hit in hits if hit.doc_id != item["doc_id"]][:top_k]

    KnowledgeBase.retrieve = others  # type: ignore[method-assign]
    try:
        return await rag_qa(item)
    finally:
        KnowledgeBase.retrieve = find  # type: ignore[method-assign]


async def measure(items: list[Row], done: list[Row], out: Path | None) -> None:
    """Ask every question by every route that is not in `done` yet."""
    known = {(row["route"], row["question"]) for row in done}
    for item in items:
        for route in ROUTES:
            if (route, item["question"]) in known:
                continue
            started = time.perf_counter()
            row = await globals()[route](item)
            row |= {"route": route, "question": item["question"], "doc_id": item["doc_id"]}
            row["right"] = any(answer in row["answer"] for answer in item["answers"])
            row["wall"] = time.perf_counter() - started
            done.append(row)
            if out:
                with out.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row, ensure_ascii=False) + "\n")


def table(rows: list[Row]) -> str:
    """Return the figures of each route."""
    lines = [
        "| route | n | answer right | no answer | prompt tokens | output tokens | s |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for route in ROUTES:
        mine = [row for row in rows if row["route"] == route]
        if mine:
            lines.append(
                f"| {route} | {len(mine)} | {_share(row['right'] for row in mine):.2f} "
                f"| {_share(not row['answer'] for row in mine):.2f} "
                f"| {_share(row['prompt_tokens'] for row in mine):.0f} "
                f"| {_share(row['output_tokens'] for row in mine):.0f} "
                f"| {_share(row['wall'] for row in mine):.1f} |"
            )
    answered = [row for row in rows if row["route"] == "rag_qa" and row.get("sentences")]
    if answered:
        written = sum(row["sentences"] for row in answered)
        supported = sum(row["supported"] for row in answered)
        cited = [(source, row["doc_id"]) for row in answered for source in row["cited"]]
        lines += [
            "",
            f"sentences that a passage supports: {supported} of {written}",
            f"citations of the right document: {sum(a == b for a, b in cited)} of {len(cited)}",
        ]
    return "\n".join(lines)


def _share(values: Any) -> float:
    found = [float(value) for value in values]
    return sum(found) / len(found)


def _lines(path: Path | None) -> list[Row]:
    if path is None or not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("docs", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--limit", type=int, help="questions to take, in a fixed random order")
    parser.add_argument("--out", type=Path, help="JSONL to keep every row in, and to go on from")
    parser.add_argument("--home", type=Path, default=Path("bench-rag"), help="folder of the base")
    args = parser.parse_args()
    prepare(args.home.absolute(), _lines(args.docs))
    questions = _lines(args.questions)
    random.Random(0).shuffle(questions)  # noqa: S311  (a stopped run has seen all kinds)
    done = _lines(args.out)
    asyncio.run(measure(questions[: args.limit], done, args.out))
    print(table(done))


if __name__ == "__main__":
    main()
