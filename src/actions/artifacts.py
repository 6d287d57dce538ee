"""Data too long for the state, kept as files beside the task."""

import json
from pathlib import Path
from typing import Any

MAX_TEXT_CHARS = 8_000
"""Longest text kept in the state, in characters."""
MAX_ITEMS = 200
"""Longest list kept in the state, in items."""
MAX_PREVIEW_CHARS = 1_500
"""Longest preview of a result, in characters."""


class Artifacts:
    """A folder of JSON files, one for each result. Blocking: call it in a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, result_id: str, data: dict[str, Any]) -> str:
        """Keep the whole data of a result.

        Returns:
            The file's name.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = f"{result_id}.json"
        fresh = self._folder / f"{name}.part"
        fresh.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
        fresh.replace(self._folder / name)
        return name

    def load(self, name: str) -> dict[str, Any]:
        """Return the whole data of a result.

        Raises:
            FileNotFoundError: it was not kept.
        """
        data: dict[str, Any] = json.loads((self._folder / name).read_text(encoding="utf-8"))
        return data


def cut_data(value: Any) -> Any:
    """Return data with long texts and lists cut."""
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT_CHARS else value[:MAX_TEXT_CHARS]
    if isinstance(value, list):
        return [cut_data(item) for item in value[:MAX_ITEMS]]
    if isinstance(value, dict):
        return {name: cut_data(part) for name, part in value.items()}
    return value
