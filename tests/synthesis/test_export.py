"""Exports: their forms, splits and card."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from concertino.synthesis.contracts import NewTask
from concertino.synthesis.export import CANARY, CARD, Form, choose_split, write_export


def make_task(essence: int, number: int, **changes: Any) -> NewTask:
    gold = {"exact": "36", "text": "36 cm", "latex": "36", "unit": "cm", "kind": "quantity"}
    fields = {
        "id": f"{essence}-{number}",
        "essence_id": f"e{essence}",
        "language": "en",
        "question": f"How long are {number} rods of 3 cm?",
        "values": {"n1": number},
        "gold": gold,
        "program": f"answer = {number} * 3",
        "level": "simple",
    }
    return NewTask.model_validate({**fields, **changes})


TASKS = [make_task(essence, number) for essence in range(40) for number in (12, 15, 18)]


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("form", ["messages", "sharegpt", "prompt"])
def test_every_task_is_in_one_split(tmp_path: Path, form: Form) -> None:
    counts = write_export(tmp_path, TASKS, form)
    assert sum(counts.values()) == len(TASKS)
    assert counts["test"] > 0
    for split, count in counts.items():
        assert len(read(tmp_path / f"{split}.jsonl")) == count


def test_all_variants_of_a_problem_are_in_the_same_split() -> None:
    splits = defaultdict(set)
    for task in TASKS:
        splits[task.essence_id].add(choose_split(task))
    assert all(len(found) == 1 for found in splits.values())


def test_each_form_holds_question_and_answer(tmp_path: Path) -> None:
    question = TASKS[0].question
    write_export(tmp_path / "m", TASKS[:1], "messages")
    write_export(tmp_path / "s", TASKS[:1], "sharegpt")
    write_export(tmp_path / "p", TASKS[:1], "prompt")
    split = choose_split(TASKS[0])
    [chat] = read(tmp_path / "m" / f"{split}.jsonl")
    assert chat["messages"][0] == {"role": "user", "content": question}
    assert chat["messages"][1]["content"].endswith("The answer is 36 cm.")
    assert "answer = 12 * 3" in chat["messages"][1]["content"]
    [shared] = read(tmp_path / "s" / f"{split}.jsonl")
    assert [turn["from"] for turn in shared["conversations"]] == ["human", "gpt"]
    [prompt] = read(tmp_path / "p" / f"{split}.jsonl")
    assert prompt["answer"] == "36 cm"
    assert "12 * 3" not in json.dumps(prompt)


def test_a_chinese_task_is_answered_in_chinese(tmp_path: Path) -> None:
    write_export(tmp_path, [make_task(1, 12, language="zh")], "messages")
    texts = [
        (tmp_path / f"{split}.jsonl").read_text(encoding="utf-8") for split in ("train", "test")
    ]
    assert "答案是 36 cm。" in "".join(texts)


def test_the_card_tells_counts_provenance_and_a_canary(tmp_path: Path) -> None:
    write_export(tmp_path, TASKS, "messages")
    card = (tmp_path / CARD).read_text(encoding="utf-8")
    assert "120 of 40 templates" in card
    assert CANARY in card
    assert "licence" in card
