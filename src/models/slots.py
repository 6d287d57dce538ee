"""Assignment of calls to the embedded server's slots, with prompt prefixes cached in files.

A slot reuses the token prefix that its last conversation shares with the next, and processes the
rest: 80 tokens per second on a laptop, where the Coordinator's first prompt begins with a thousand
constant tokens. So a call gets the idle slot that has its prefix cached. If none has, a slot loads
it from a file within milliseconds (28 kB per token here). This helps a new process, and concurrent
calls with the same prefix, of which llama.cpp itself serves only one from its cache.

Only prefixes of prompt files are written to files, nothing of a task. Any failure (a full disk,
a read-only folder, another version's file) is a cache miss: the model processes the prompt.
"""

import asyncio
import hashlib
import json
import logging
import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
from langchain_core.messages import AnyMessage, convert_to_openai_messages

from .. import prompts
from .embedded import EmbeddedServer
from .weights import get_file_identity

MAX_FILES = 16
"""Maximum number of files; the least recently used are deleted first."""
MIN_PREFIX_BYTES = 600
"""Minimum size of a prefix saved to a file, in UTF-8: about two seconds of prompt processing."""

_LOG = logging.getLogger(__name__)


@dataclass
class Slot:
    """One of the server's slots, which holds one conversation."""

    number: int
    read: str = ""
    """Messages of its last call, joined."""


@dataclass(frozen=True)
class PromptPrefix:
    """The constant beginning of a prompt file."""

    messages: tuple[AnyMessage, ...]
    key: str
    """Stem of its file's name; differs for another model or version of llama.cpp."""
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by the one call that processes the prefix; concurrent ones then load its file."""


class SlotPool:
    """A server's slots, for one event loop. The constructor blocks.

    Args:
        server: The server, whose slots nothing else uses.
        http: HTTP client, kept open by the caller.

    Raises:
        OSError: the model's file no longer exists.
    """

    def __init__(self, server: EmbeddedServer, http: httpx.AsyncClient) -> None:
        self._address = server.address
        self._headers = {"Authorization": f"Bearer {server.api_key}"}
        self._http = http
        model = json.dumps([version("xllamacpp"), get_file_identity(server.path)])
        self._folder = server.slot_folder
        prefixes = {
            _join_messages(prompt.fixed): prompt.fixed for prompt in prompts.load_all_prompts()
        }
        self._beginnings = {
            text: PromptPrefix(messages, hashlib.sha256((model + text).encode()).hexdigest())
            for text, messages in prefixes.items()
            if len(text.encode()) >= MIN_PREFIX_BYTES
        }
        self._idle = [Slot(number) for number in range(server.parallel)]
        """Idle slots, least recently used first."""
        self._some_idle = asyncio.Semaphore(server.parallel)

    @asynccontextmanager
    async def acquire(self, messages: Sequence[AnyMessage]) -> AsyncGenerator[Slot]:
        """Acquire a slot for a call that sends these messages, waiting until one is idle."""
        begins = _join_messages(messages[:-1])
        whole = begins + _join_messages(messages[-1:])
        async with self._some_idle:
            beginning = self._find_beginning(begins)
            slot = self._choose_slot(begins if beginning is None else beginning, whole)
            self._idle.remove(slot)
            try:
                if beginning is not None and not slot.read.startswith(beginning):
                    await self._load_prefix(slot, self._beginnings[beginning])
                slot.read = whole
                yield slot
            finally:
                self._idle.append(slot)

    def _find_beginning(self, begins: str) -> str | None:
        """Return the longest constant beginning of a conversation, or None. What follows it may
        have grown since an earlier call: a second question, a repair."""
        known = [text for text in self._beginnings if begins.startswith(text)]
        return max(known, key=len, default=None)

    def _choose_slot(self, least: str, whole: str) -> Slot:
        """Return the idle slot that shares the longest prefix with a conversation.

        The prefix must cover `least`, or be all that the slot has read; else the least recently
        used slot is returned, so that the others keep their caches.
        """
        apt = [
            slot
            for slot in self._idle
            if slot.read.startswith(least) or (slot.read and whole.startswith(slot.read))
        ]
        return max(
            apt, key=lambda slot: _count_shared_prefix(slot.read, whole), default=self._idle[0]
        )

    async def _load_prefix(self, slot: Slot, beginning: PromptPrefix) -> None:
        """Load a prefix into the slot from its file, or process it and write the file."""
        slot.read = ""  # in case this is cancelled
        try:
            async with beginning.reading:
                if file := await asyncio.to_thread(_find_file, self._folder, beginning.key):
                    await self._restore(slot, file)
                else:
                    await self._read_prefix(slot, beginning)
        except (httpx.HTTPError, OSError) as error:
            _LOG.debug("slot %d: %s", slot.number, error)

    async def _restore(self, slot: Slot, file: Path) -> None:
        try:
            await self._post(f"/slots/{slot.number}?action=restore", filename=file.name)
        except httpx.HTTPStatusError:
            await asyncio.to_thread(file.unlink, missing_ok=True)
            raise

    async def _read_prefix(self, slot: Slot, beginning: PromptPrefix) -> None:
        conversation = convert_to_openai_messages(beginning.messages)
        prompt = (await self._post("/apply-template", messages=conversation))["prompt"]
        read = await self._post("/completion", prompt=prompt, n_predict=0, id_slot=slot.number)
        draft = self._folder / f"{os.getpid()}-{beginning.key}"
        await asyncio.to_thread(draft.parent.mkdir, parents=True, exist_ok=True)
        saved = await self._post(f"/slots/{slot.number}?action=save", filename=draft.name)
        # Another event loop may have used the slot meanwhile, for a task.
        whole = saved["n_saved"] == read["tokens_evaluated"]
        await asyncio.to_thread(
            _commit_file, draft, beginning.key, saved["n_written"] if whole else -1
        )

    async def _post(self, path: str, **body: Any) -> dict[str, Any]:
        reply = await self._http.post(self._address + path, json=body, headers=self._headers)
        return dict(reply.raise_for_status().json())


def _find_file(folder: Path, key: str) -> Path | None:
    """Return the file of a key and mark it as just used, or None.

    Its digest is checked first: a damaged file would crash the process inside llama.cpp.
    """
    for file in folder.glob(f"{key}.*"):
        if file.suffix == f".{_hash_file(file)}":
            os.utime(file)
            return file
        file.unlink(missing_ok=True)
    return None


def _commit_file(draft: Path, key: str, size: int) -> None:
    """Rename the draft to its final name if it has `size` bytes, else delete it.

    It is shorter if the disk is full. Surplus files are deleted.
    """
    if draft.stat().st_size == size:
        draft.replace(draft.with_name(f"{key}.{_hash_file(draft)}"))
    else:
        draft.unlink()
    for unused in sorted(draft.parent.iterdir(), key=os.path.getmtime)[:-MAX_FILES]:
        unused.unlink(missing_ok=True)


def _join_messages(messages: Sequence[AnyMessage]) -> str:
    return "".join(f"{message.type}\n{message.content}\0" for message in messages)


def _hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _count_shared_prefix(one: str, other: str) -> int:
    """Return the length of the common prefix of two texts, in characters."""
    return len(os.path.commonprefix([one, other]))  # noqa: RUF071 (no paths)
