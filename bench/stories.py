"""Stories: share that passes each check at the first try and after the loop, tokens and seconds.

    python -m bench.stories --n 10

Ten topics in each language, about 250 words or 400 字 each, with the model in the settings. With
`--out`, a stopped run can be resumed.
"""

import argparse
import asyncio
import json
import time
from pathlib import Path
from typing import Any

from concertino import arun_task
from concertino.graphs.write_story import WRITE_STORY
from concertino.language.messages import Language

Row = dict[str, Any]

LENGTH: dict[Language, int] = {"en": 250, "zh": 400}

TOPICS: dict[Language, list[tuple[str, list[str]]]] = {
    "en": [
        ("a baker who finds a letter in a bag of flour", ["Rosa"]),
        ("a hedgehog and a snail who get lost in the fog", ["Pip", "Mabel"]),
        ("a boy who repairs the clock of a railway station", ["Leo"]),
        ("two sisters who share one bicycle", ["Nadia", "Inez"]),
        ("a robot that learns to water a garden", ["Bolt", "Mrs Ode"]),
        ("a fisherman who catches a bottle with a map", ["Anton"]),
        ("a girl who hears her violin play by itself at night", ["Greta"]),
        ("a lighthouse keeper who invites a storm to tea", ["Elias"]),
        ("a class that loses its hamster on the day of the school play", ["Miss Park", "Sam"]),
        ("a tailor who sews a coat for the winter", ["Ivo"]),
    ],
    "zh": [
        ("面包师在面粉袋里发现了一封信", ["小罗"]),
        ("刺猬和蜗牛在雾中迷了路", ["阿刺", "慢慢"]),
        ("男孩修好了火车站的大钟", ["小乐"]),
        ("两姐妹共用一辆自行车", ["晓梅", "晓兰"]),
        ("机器人学会给花园浇水", ["铁豆", "林奶奶"]),
        ("渔夫捞到一个装着地图的瓶子", ["老安"]),
        ("女孩夜里听见自己的小提琴在响", ["小葛"]),
        ("守灯塔的人请暴风雨喝茶", ["老艾"]),
        ("演出那天班里的仓鼠不见了", ["朴老师", "小山"]),
        ("裁缝为冬天缝了一件大衣", ["阿伊"]),
    ],
}
ASKED: dict[Language, str] = {"en": "Write a story about {topic}.", "zh": "写一个故事：{topic}。"}


CHECKS = [name for name in WRITE_STORY.checks if name != "role"]


async def tell(language: Language, topic: str, characters: list[str]) -> Row:
    """Write one story, and return the checks that failed at the first try and at the end, and its
    cost."""
    started = time.perf_counter()
    result = await arun_task(
        ASKED[language].format(topic=topic),
        workflow="write_story",
        inputs={"characters": characters, "length": LENGTH[language]},
        storage="memory",
    )
    output = result["outputs"].get("write_story", {"checks": [], "status": None})
    turns = [r for r in result["iteration_history"] if r["actor"] == "write_story"]
    summary = turns[0]["summary"] if turns else ""
    last = {check["name"]: check["passed"] for check in output["checks"]}
    return {
        "language": language,
        "topic": topic,
        "error": result["error"],
        "first": {name: bool(last) and f"; {name}: " not in summary for name in CHECKS},
        "last": {name: last.get(name, False) for name in CHECKS},
        "rounds": result["total_iterations"],
        **result["usage"],
        "wall": time.perf_counter() - started,
        "story": result["final_answer"],
        "data": output.get("data"),
    }


async def measure(n: int, parallel: int, done: list[Row], out: Path | None) -> list[Row]:
    """Write the first `n` topics of each language that are not in `done` yet, `parallel` at a
    time."""
    known = {row["topic"] for row in done}
    gate = asyncio.Semaphore(parallel)

    async def one(language: Language, topic: str, characters: list[str]) -> None:
        async with gate:
            row = await tell(language, topic, characters)
        done.append(row)
        if out:
            with out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")

    todo = [(lang, *story) for lang, topics in TOPICS.items() for story in topics[:n]]
    await asyncio.gather(*(one(*story) for story in todo if story[1] not in known))
    return done


def table(rows: list[Row]) -> str:
    """Return the share of stories that pass, at the first try and after the loop, and the cost of
    one."""
    columns = ["all", *CHECKS]
    lines = [
        f"| language | n | tries | {' | '.join(columns)} |",
        f"| --- | --- | --- |{' --- |' * len(columns)}",
    ]
    for language in TOPICS:
        mine = [row for row in rows if row["language"] == language]
        for tries in ("first", "last") if mine else ():
            passed = [[all(row[tries].values()), *row[tries].values()] for row in mine]
            shares = [f"{sum(column)}/{len(mine)}" for column in zip(*passed, strict=True)]
            lines.append(f"| {language} | {len(mine)} | {tries} | {' | '.join(shares)} |")
    lines += [
        "",
        "| language | rounds | calls | prompt (cached) | output tokens | model s | wall s |",
    ]
    lines.append("| --- | --- | --- | --- | --- | --- | --- |")
    for language in TOPICS:
        if mine := [row for row in rows if row["language"] == language]:
            lines.append(f"| {language} | {_costs(mine)} |")
    return "\n".join(lines)


def _costs(rows: list[Row]) -> str:
    def mean(key: str, digits: int = 0) -> str:
        return f"{sum(row[key] for row in rows) / len(rows):.{digits}f}"

    prompt = f"{mean('prompt_tokens')} ({mean('cached_tokens')})"
    costs = [mean("rounds", 1), mean("calls", 1), prompt, mean("output_tokens")]
    return " | ".join([*costs, mean("seconds"), mean("wall")])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=10, help="topics in each language, at most 10")
    parser.add_argument("--parallel", type=int, default=1)
    parser.add_argument("--out", type=Path, help="JSONL to keep every row in, and to go on from")
    args = parser.parse_args()
    kept = args.out.read_text(encoding="utf-8") if args.out and args.out.exists() else ""
    done = [json.loads(line) for line in kept.splitlines()]
    print(table(asyncio.run(measure(args.n, args.parallel, done, args.out))))


if __name__ == "__main__":
    main()
