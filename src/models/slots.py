"""The embedded server's slots: which call goes to which, and what a slot has read already.

A slot goes on from the tokens that its last conversation has in common with the next, and reads
the rest: 80 tokens a second on a laptop, where the Coordinator's first prompt begins with a
thousand that never change. So a call is given the idle slot that has read its beginning. Where
none has, a slot gets it from a file, within milliseconds (28 kB a token here): in a fresh process,
and where several calls begin alike at once, of which llama.cpp by itself helps only one.

Only beginnings of prompt files are written to files, nothing of a task. Any failure (a full disk,
a folder that cannot be written to, another version's file) is a miss: the model reads the prompt.
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
"""Files that are kept; those not used for longest go first."""
MIN_PREFIX_BYTES = 600
"""Of a beginning that is worth a file: about two seconds of reading."""

_LOG = logging.getLogger(__name__)


@dataclass
class Slot:
    """One of the conversations that the server holds at a time."""

    number: int
    read: str = ""
    """The messages of its last call."""


@dataclass(frozen=True)
class PromptPrefix:
    """The part of a prompt file that is the same in every call."""

    messages: tuple[AnyMessage, ...]
    key: str
    """Name of its file; another one for another model or llama.cpp."""
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    """So that of calls that begin alike at once one reads, and the others have it from the file."""


class SlotPool:
    """A server's slots, for one event loop. Making it blocks.

    Args:
        server: Of which nobody else uses the slots.
        http: Kept open by the caller.

    Raises:
        OSError: the model's file has gone.
    """

    def __init__(self, server: EmbeddedServer, http: httpx.AsyncClient) -> None:
        self._address = server.address
        self._headers = {"Authorization": f"Bearer {server.api_key}"}
        self._http = http
        model = json.dumps([version("xllamacpp"), get_file_identity(server.path)])
        self._folder = server.slot_folder
        told = {_join_messages(prompt.fixed): prompt.fixed for prompt in prompts.load_all_prompts()}
        self._beginnings = {
            text: PromptPrefix(messages, hashlib.sha256((model + text).encode()).hexdigest())
            for text, messages in told.items()
            if len(text.encode()) >= MIN_PREFIX_BYTES
        }
        self._idle = [Slot(number) for number in range(server.parallel)]
        """The one used longest ago first."""
        self._some_idle = asyncio.Semaphore(server.parallel)

    @asynccontextmanager
    async def acquire(self, messages: Sequence[AnyMessage]) -> AsyncGenerator[Slot]:
        """The slot for a call that sends these messages; waits where none is idle."""
        begins = _join_messages(messages[:-1])
        whole = begins + _join_messages(messages[-1:])
        async with self._some_idle:
            slot = self._choose_slot(begins, whole)
            self._idle.remove(slot)
            try:
                if begins in self._beginnings and not slot.read.startswith(begins):
                    await self._load_prefix(slot, self._beginnings[begins])
                slot.read = whole
                yield slot
            finally:
                self._idle.append(slot)

    def _choose_slot(self, begins: str, whole: str) -> Slot:
        """The idle slot that has read most of a conversation, its beginning at least; else the one
        used longest ago, so that the others keep what they have."""
        apt = [slot for slot in self._idle if slot.read.startswith(begins)]
        return max(
            apt, key=lambda slot: _count_shared_prefix(slot.read, whole), default=self._idle[0]
        )

    async def _load_prefix(self, slot: Slot, beginning: PromptPrefix) -> None:
        """Let the slot know a beginning, from its file or by reading it and writing the file."""
        slot.read = ""  # should this be cancelled
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
        # Another event loop that has used the slot meanwhile may have told it of a task.
        whole = saved["n_saved"] == read["tokens_evaluated"]
        await asyncio.to_thread(
            _commit_file, draft, beginning.key, saved["n_written"] if whole else -1
        )

    async def _post(self, path: str, **body: Any) -> dict[str, Any]:
        reply = await self._http.post(self._address + path, json=body, headers=self._headers)
        return dict(reply.raise_for_status().json())


def _find_file(folder: Path, key: str) -> Path | None:
    """The file of that key, which then counts as used now. It is read whole first: one that is
    damaged would end the process within llama.cpp."""
    for file in folder.glob(f"{key}.*"):
        if file.suffix == f".{_hash_file(file)}":
            os.utime(file)
            return file
        file.unlink(missing_ok=True)
    return None


def _commit_file(draft: Path, key: str, size: int) -> None:
    """Give the draft its name if it has this many bytes, which on a full disk it has not."""
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
    """How many characters two texts begin with in common."""
    return len(os.path.commonprefix([one, other]))  # noqa: RUF071 (no paths)
