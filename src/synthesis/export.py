"""Exports for tuning models: one writer for each form, splits by template, and a card.

Only tasks of certified essences are written unless drafts are asked for. All tasks of an essence go
to the same split, so that none of the test's problems was trained on with other numbers.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from ..language.messages import say
from .contracts import NewTask

Form = Literal["messages", "sharegpt", "prompt"]
Split = Literal["train", "test"]
TEST_SHARE = 0.1
CANARY = "concertino-synthesis-canary 5e0f6f3c-3a0e-4c0a-9b7d-1c4f2f1b7a90"
"""Stands in each card, so that whoever trains on the card's data by mistake can find out."""
CARD = "README.md"


def write_export(folder: Path, tasks: Sequence[NewTask], form: Form) -> dict[Split, int]:
    """Write tasks to `train.jsonl` and `test.jsonl` in a folder, with a card. Blocks.

    Args:
        form: `messages` (OpenAI's fine-tuning form), `sharegpt`, or `prompt` (TRL's prompt-only
            form with the answer beside).

    Returns:
        The number of tasks of each split.

    Raises:
        OSError: a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts: dict[Split, list[NewTask]] = {"train": [], "test": []}
    for task in tasks:
        parts[choose_split(task)].append(task)
    for split, rows in parts.items():
        lines = [json.dumps(_WRITERS[form](task), ensure_ascii=False) for task in rows]
        (folder / f"{split}.jsonl").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    (folder / CARD).write_text(write_card(parts, form), "utf-8")
    return {split: len(rows) for split, rows in parts.items()}


def choose_split(task: NewTask) -> Split:
    """Return the split of a task, the same for all tasks of its essence."""
    digest = hashlib.sha256(task.essence_id.encode()).digest()
    return "test" if int.from_bytes(digest[:4], "big") / 2**32 < TEST_SHARE else "train"


def write_card(parts: dict[Split, list[NewTask]], form: Form) -> str:
    """Return a card that says what is in an export, where it comes from and how it was checked."""
    tasks = [task for rows in parts.values() for task in rows]
    essences = {task.essence_id for task in tasks}
    languages = sorted({task.language for task in tasks})
    counts = ", ".join(
        f"{split} {len(rows)} ({len({task.essence_id for task in rows})} templates)"
        for split, rows in parts.items()
    )
    return (
        "# Synthesized tasks\n\n"
        f"- Form: {form}\n- Tasks: {len(tasks)} of {len(essences)} templates; {counts}\n"
        f"- Languages: {', '.join(languages)}\n"
        "- Provenance: problems solved here or given in a file, with other numbers. The licence is"
        " that of these problems.\n"
        "- Answers: computed by the template's program in a sandbox\n"
        f"- Canary: {CANARY}\n"
    )


def _write_messages(task: NewTask) -> dict[str, Any]:
    return {
        "messages": [
            {"role": "user", "content": task.question},
            {"role": "assistant", "content": _write_reply(task)},
        ]
    }


def _write_sharegpt(task: NewTask) -> dict[str, Any]:
    return {
        "conversations": [
            {"from": "human", "value": task.question},
            {"from": "gpt", "value": _write_reply(task)},
        ]
    }


def _write_prompt(task: NewTask) -> dict[str, Any]:
    return {
        "prompt": [{"role": "user", "content": task.question}],
        "answer": task.gold.written,
        "id": task.id,
        "template": task.essence_id,
        "level": task.level,
    }


def _write_reply(task: NewTask) -> str:
    """Return the program and what it comes to, as a reply in the task's language."""
    told = say("synth.reply", task.language, answer=task.gold.text)
    return f"```python\n{task.program}\n```\n\n{told}"


_WRITERS: dict[Form, Callable[[NewTask], dict[str, Any]]] = {
    "messages": _write_messages,
    "sharegpt": _write_sharegpt,
    "prompt": _write_prompt,
}
