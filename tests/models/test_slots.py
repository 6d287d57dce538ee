"""Which slot a call gets, and what it knows by then; against a pretended llama.cpp server."""

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from concertino.models import slots
from concertino.models.client import close_language_models, get_language_model
from concertino.models.slots import SlotPool
from concertino.prompts import load_prompt
from concertino.settings import get_settings
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage

CHOOSING = load_prompt("coordinator/choosing")["en"].fixed
COORDINATOR = load_prompt("coordinator/decision")["en"].fixed
SHORT = load_prompt("math/execution")["en"].fixed
SECRET = "How old is my daughter Ottilie?"


class Llama:
    """What is in each slot, as text, and the requests for it."""

    def __init__(self, folder: Path, parallel: int = 2) -> None:
        self.holds = dict.fromkeys(range(parallel), "")
        self.asked: list[str] = []
        self.broken: set[str] = set()
        self.cut_short = False
        (folder / "model.gguf").write_bytes(b"weights")
        self.slot_folder = folder / "slots"
        self.server: Any = SimpleNamespace(
            address="http://llama",
            api_key="key",
            path=folder / "model.gguf",
            parallel=parallel,
            slot_folder=self.slot_folder,
        )

    def process(self) -> SlotPool:
        """As a process that has just loaded the model."""
        self.holds = dict.fromkeys(self.holds, "")
        self.asked.clear()
        return SlotPool(self.server, httpx.AsyncClient(transport=httpx.MockTransport(self._answer)))

    def files(self) -> list[Path]:
        return sorted(self.slot_folder.iterdir())

    def _answer(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["Authorization"] == "Bearer key"
        act = request.url.params.get("action") or request.url.path
        self.asked.append(act)
        if act in self.broken:
            return httpx.Response(400, json={"error": "no"})
        return httpx.Response(
            200, json=self._done(act, request.url.path, json.loads(request.read()))
        )

    def _done(self, act: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if act == "/apply-template":
            return {"prompt": json.dumps(body["messages"])}
        if act == "/completion":
            self.holds[body["id_slot"]] = body["prompt"]
            return {"tokens_evaluated": len(body["prompt"])}
        number, file = int(path.rsplit("/", 1)[1]), self.slot_folder / body["filename"]
        if act == "restore":
            self.holds[number] = file.read_text()
            return {"n_restored": len(self.holds[number])}
        file.write_text(self.holds[number][: 10 if self.cut_short else None])
        return {"n_saved": len(self.holds[number]), "n_written": len(self.holds[number])}


@pytest.fixture
def llama(tmp_path: Path) -> Llama:
    return Llama(tmp_path)


def asking(beginning: tuple[AnyMessage, ...], question: str = SECRET) -> list[AnyMessage]:
    return [*beginning, HumanMessage(question)]


async def call(slots: SlotPool, messages: list[AnyMessage]) -> int:
    async with slots.acquire(messages) as slot:
        return slot.number


async def test_a_conversation_goes_on_in_the_slot_that_has_read_it(llama: Llama) -> None:
    process = llama.process()
    first = await call(process, asking(CHOOSING))
    assert await call(process, asking(COORDINATOR)) != first
    longer = [*asking(CHOOSING), AIMessage("{}"), HumanMessage("That is no decision.")]
    assert await call(process, longer) == first
    assert llama.asked.count("/completion") == 2


async def test_a_conversation_that_has_grown_goes_on_in_its_slot(llama: Llama) -> None:
    slots = llama.process()
    first = asking(CHOOSING)
    here = await call(slots, first)
    there = await call(slots, asking(COORDINATOR))
    assert there != here
    grown = [*first, AIMessage("solve_math"), HumanMessage("Give the inputs.")]
    llama.asked.clear()
    assert await call(slots, grown) == here
    assert await call(slots, [*grown, AIMessage("{"), HumanMessage("That is no JSON.")]) == here
    assert llama.asked == [], "nothing is loaded: the slot has read it"


async def test_a_grown_conversation_that_no_slot_has_read_gets_its_beginning(llama: Llama) -> None:
    slots = llama.process()
    number = await call(slots, [*asking(CHOOSING), AIMessage("solve_math"), HumanMessage("Go on.")])
    assert llama.holds[number], "the constant beginning was read into it"


async def test_what_begins_in_no_way_known_takes_the_slot_used_longest_ago(llama: Llama) -> None:
    process = llama.process()
    first, second = [await call(process, asking(kind)) for kind in (CHOOSING, COORDINATOR)]
    assert await call(process, asking(SHORT)) == first
    assert await call(process, asking(COORDINATOR)) == second


async def test_a_beginning_is_read_once_and_a_later_process_has_it_from_the_file(
    llama: Llama,
) -> None:
    await call(llama.process(), asking(CHOOSING))
    assert llama.asked == ["/apply-template", "/completion", "save"]

    number = await call(llama.process(), asking(CHOOSING))
    assert llama.asked == ["restore"]
    assert "You are the Coordinator" in llama.holds[number]


async def test_of_calls_that_begin_alike_at_once_one_reads(llama: Llama) -> None:
    process = llama.process()
    async with AsyncExitStack() as under_way:
        entering = (process.acquire(asking(CHOOSING, f"{n}")) for n in range(2))
        found = await asyncio.gather(*map(under_way.enter_async_context, entering))
        assert {slot.number for slot in found} == {0, 1}
    assert sorted(llama.asked) == ["/apply-template", "/completion", "restore", "save"]


async def test_a_call_waits_until_a_slot_is_idle(llama: Llama) -> None:
    process = llama.process()
    async with process.acquire(asking(SHORT)), process.acquire(asking(SHORT)) as second:
        third = asyncio.create_task(call(process, asking(SHORT)))
        await asyncio.sleep(0)
        assert not third.done()
    assert await third == second.number


async def test_nothing_of_a_task_is_written(llama: Llama) -> None:
    process = llama.process()
    for _ in range(2):
        for kind in (CHOOSING, COORDINATOR, SHORT, ()):
            await call(process, asking(kind))
            repair = [*asking(kind), AIMessage("rubbish"), HumanMessage("Once more.")]
            await call(process, repair)
    assert len(llama.files()) == 2
    assert not any("Ottilie" in file.read_text() for file in llama.files())


async def test_a_slot_that_another_loop_has_used_meanwhile_is_not_kept(
    llama: Llama, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = llama._done

    def meanwhile(act: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if act == "save":
            llama.holds = dict.fromkeys(llama.holds, SECRET)
        return done(act, path, body)

    monkeypatch.setattr(llama, "_done", meanwhile)
    await call(llama.process(), asking(CHOOSING))
    assert llama.files() == []


async def test_a_file_that_a_full_disk_has_cut_short_is_not_kept(llama: Llama) -> None:
    llama.cut_short = True
    await call(llama.process(), asking(CHOOSING))
    assert llama.files() == []


async def test_a_file_that_the_server_refuses_is_read_and_written_anew(llama: Llama) -> None:
    await call(llama.process(), asking(CHOOSING))
    llama.broken = {"restore"}
    await call(llama.process(), asking(CHOOSING))
    assert llama.files() == []
    await call(llama.process(), asking(CHOOSING))
    assert len(llama.files()) == 1


@pytest.mark.parametrize("damaged", ["", "You are", "rubbish" * 1000])
async def test_a_damaged_file_is_never_given_to_the_server(llama: Llama, damaged: str) -> None:
    await call(llama.process(), asking(CHOOSING))
    llama.files()[0].write_text(damaged)
    await call(llama.process(), asking(CHOOSING))
    assert "restore" not in llama.asked
    await call(llama.process(), asking(CHOOSING))
    assert llama.asked == ["restore"]


async def test_another_models_files_are_not_taken(llama: Llama) -> None:
    await call(llama.process(), asking(CHOOSING))
    (llama.slot_folder.parent / "model.gguf").write_bytes(b"other weights")
    await call(llama.process(), asking(CHOOSING))
    assert "restore" not in llama.asked
    assert len(llama.files()) == 2


@pytest.mark.parametrize("fails", ["/apply-template", "/completion", "save"])
async def test_where_nothing_can_be_kept_calls_are_made_all_the_same(
    llama: Llama, fails: str
) -> None:
    llama.broken = {fails}
    assert await call(llama.process(), asking(CHOOSING)) == 0


async def test_where_the_folder_cannot_be_made_calls_are_made_all_the_same(llama: Llama) -> None:
    llama.slot_folder.write_text("a file")
    assert await call(llama.process(), asking(CHOOSING)) == 0


async def test_files_that_were_not_used_for_longest_go(
    llama: Llama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "MAX_FILES", 2)
    process = llama.process()
    await call(process, asking(CHOOSING))
    kept = llama.files()
    for name in ("comprehension", "planning"):
        await call(process, asking(load_prompt(f"math/{name}")["en"].fixed))
    assert len(llama.files()) == 2
    assert kept[0] not in llama.files()


@pytest.mark.embedded
async def test_a_fresh_server_answers_alike_and_has_most_of_the_prompt(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONCERTINO_MODEL_PATH", str(weights))
    get_settings.cache_clear()
    replies = []
    for parallel in (1, 2):
        settings = get_settings().model_copy(update={"embedded_parallel": parallel})
        model = await get_language_model(settings)
        replies.append(await model.generate_text(asking(COORDINATOR, "Task: 2 + 3"), max_tokens=20))
        await close_language_models()
    first, second = replies
    assert second.value == first.value
    assert second.usage.prompt_tokens - second.usage.cached_tokens < 30
