"""Files on their way into a knowledge base: none of them waits for ever, whatever is lost."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from concertino.errors import TaskBusy
from concertino.kb import KnowledgeBase
from concertino.language.messages import use_language
from concertino.service.uploads import Upload, Uploads
from concertino.settings import get_settings
from concertino.store.base import TaskStore
from concertino.store.open import open_store
from concertino.work.notifier import Notifier, wait_at_most

from tests.kb.letter_pairs import LetterPairs
from tests.model_server import PATIENCE
from tests.service.conftest import Client
from tests.service.streams import events_in
from tests.service.test_kb_api import TEXT, outcome
from tests.service.test_kb_api import embedder as embedder

LONG_AGO = "2001-01-01T00:00:00+00:00"
Start = Callable[..., AbstractAsyncContextManager[Uploads]]


class Deaf(Notifier):
    """A notifier whose notifications are all lost."""

    def notify(self, name: str, stored: bool = True) -> None:
        pass


@pytest.fixture
async def store() -> AsyncIterator[TaskStore]:
    async with open_store(get_settings().place) as opened:
        yield opened


@pytest.fixture
def start(store: TaskStore, home: Path) -> Start:
    """Starts what takes uploads, as one process does."""

    @asynccontextmanager
    async def run(
        notifier: Notifier | None = None, folder: Path | None = None, shared: bool = False
    ) -> AsyncIterator[Uploads]:
        uploads = Uploads(
            *(store, notifier or Notifier(), folder or home / "uploads"),
            lambda owner: home / "base",
            shared=shared,
        )
        await uploads.start()
        try:
            yield uploads
        finally:
            await uploads.stop()

    return run


async def send(uploads: Uploads, name: str = "a.md", content: bytes = TEXT) -> str:
    """The id of a new upload."""
    accepted = await uploads.accept(None, name, lambda path: path.write_bytes(content) and None)
    return accepted.upload_id


async def ended(uploads: Uploads, upload_id: str) -> Upload:
    """An upload, when it is done."""
    async with asyncio.timeout(PATIENCE):
        [*_, last] = [upload async for upload in uploads.follow(None, upload_id)]
    return last


async def enter(store: TaskStore, upload_id: str, created: str, status: str = "queued") -> None:
    """Enter an upload whose file is on no machine."""
    async with store.transaction() as db:
        await db.execute(
            "insert into uploads values (?, null, 'a.md', ?, null, null, 0, ?)",
            (upload_id, status, created),
        )


async def test_a_reader_comes_to_the_end_though_every_notification_is_lost(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("concertino.service.uploads.LOOK_SECONDS", 0.01)
    async with start(Deaf()) as uploads:
        upload = await ended(uploads, await send(uploads))

    assert upload.status == "added"


async def test_a_reader_who_looks_again_is_told_nothing_twice(
    start: Start, embedder: LetterPairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("concertino.service.uploads.LOOK_SECONDS", 0.001)
    async with start() as uploads:
        upload_id = await send(uploads)
        received = [upload async for upload in uploads.follow(None, upload_id)]

    assert all(before != after for before, after in pairwise(received))


async def test_a_reader_leaves_when_the_service_stops(start: Start, store: TaskStore) -> None:
    notifier = Notifier()
    async with start(notifier, shared=True) as uploads:
        await enter(store, "elsewhere", created="9999-01-01T00:00:00+00:00")
        reading = uploads.follow(None, "elsewhere")
        assert (await anext(reading)).status == "queued"
        rest = asyncio.ensure_future(anext(reading, None))
        await asyncio.sleep(0)
        notifier.close()
        assert await rest is None


async def test_news_are_waited_for_at_most_so_long() -> None:
    news = asyncio.Event()
    assert not await wait_at_most(news, 0.0)
    news.set()
    assert await wait_at_most(news, PATIENCE)


async def test_an_upload_whose_file_is_gone_at_the_start_has_failed_and_says_what_to_do(
    start: Start, store: TaskStore
) -> None:
    async with start() as uploads:
        pass
    await enter(store, "queued", LONG_AGO)
    await enter(store, "begun", LONG_AGO, status="running")
    async with start() as uploads:
        for upload_id in ("queued", "begun"):
            upload = await ended(uploads, upload_id)
            assert upload.status == "failed"
            assert upload.progress == 1
            assert "Send it again" in str(upload.message)
        with use_language("zh"):
            assert "重新上传" in str((await uploads.get(None, "queued")).message)


@pytest.mark.parametrize("lost", ["folder", "file"])
async def test_an_upload_whose_file_is_gone_when_its_turn_comes_has_failed_and_the_next_is_added(
    start: Start,
    home: Path,
    embedder: LetterPairs,
    lost: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("concertino.service.uploads.LANE_WORKERS", 1)
    turn = asyncio.Event()
    loop = asyncio.get_running_loop()
    reached = asyncio.Event()

    def hold() -> None:
        loop.call_soon_threadsafe(reached.set)
        asyncio.run_coroutine_threadsafe(turn.wait(), loop).result(PATIENCE)

    embedder.before = hold
    async with start() as uploads:
        first = await send(uploads, "first.md")
        await reached.wait()
        gone = await send(uploads, "gone.md")
        last = await send(uploads, "last.md", b"Other words.")
        shutil.rmtree(home / "uploads" / gone)
        if lost == "file":
            (home / "uploads" / gone).mkdir()
        reading = [asyncio.ensure_future(ended(uploads, each)) for each in (first, gone, last)]
        turn.set()
        seen = await asyncio.gather(*reading)

    assert [upload.status for upload in seen] == ["added", "failed", "added"]
    assert "Send it again" in str(seen[1].message)
    assert not list((home / "uploads").iterdir())


async def test_a_stream_of_an_upload_that_is_gone_ends_for_its_http_client_too(
    client: Client, home: Path
) -> None:
    client().__exit__(None, None, None)
    async with open_store(get_settings().place) as store:
        await enter(store, "gone", LONG_AGO)
    response = client().get("/kb/uploads/gone/events", headers={"Accept-Language": "zh"})
    events = list(events_in(response.text.splitlines()))

    assert outcome(events) == "failed"
    assert "重新上传" in events[-1].data["upload"]["message"]


async def test_a_file_on_another_machine_is_left_to_it_until_that_has_been_gone_for_long(
    start: Start, store: TaskStore, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("concertino.service.uploads.AGAIN_SECONDS", 0.01)
    monkeypatch.setattr("concertino.service.uploads.LOOK_SECONDS", 0.01)
    async with start(folder=home / "there", shared=True) as there:
        await there.stop()  # before it has come to the file
        upload_id = await send(there)
        async with store.transaction() as db:
            await db.execute("update uploads set created = ?", (LONG_AGO,))
        await there.look()
        async with start(folder=home / "here", shared=True) as here:
            await enter(store, "gone", LONG_AGO)
            assert (await ended(here, "gone")).status == "failed"
            assert (await here.get(None, upload_id)).status == "queued"
        async with store.transaction() as db:
            await db.execute("update upload_sightings set seen = ?", (LONG_AGO,))
        async with start(folder=home / "here", shared=True) as here:
            assert (await ended(here, upload_id)).status == "failed"


async def test_two_processes_with_one_folder_add_a_file_once(
    start: Start, embedder: LetterPairs
) -> None:
    async with start() as one, start() as other:
        sent = [await send(one, f"{number}.md", b"Words %d." % number) for number in range(4)]
        await other.look()
        outcomes = [(await ended(other, upload_id)).status for upload_id in sent]

    assert outcomes == ["added"] * 4
    assert len(embedder.embedded) == 4


async def test_an_upload_that_another_process_held_and_let_go_of_is_taken_up_again(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("concertino.service.uploads.AGAIN_SECONDS", 0.01)
    take = Uploads._take
    refused: list[str] = []

    async def busy_at_first(uploads: Uploads, upload_id: str) -> None:
        if not refused:
            refused.append(upload_id)
            raise TaskBusy("another process has it")
        await take(uploads, upload_id)

    monkeypatch.setattr(Uploads, "_take", busy_at_first)
    async with start() as uploads:
        upload_id = await send(uploads)
        assert (await ended(uploads, upload_id)).status == "added"
    assert refused == [upload_id]


async def test_a_kill_after_a_file_was_added_and_before_that_was_stored_adds_it_once(
    start: Start, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def killed(uploads: Uploads, upload_id: str, **changes: object) -> None:
        if changes["status"] != "running":
            over.set()
            await asyncio.Event().wait()

    over = asyncio.Event()
    with monkeypatch.context() as patched:
        patched.setattr(Uploads, "_update_upload", killed)
        async with start() as uploads:
            upload_id = await send(uploads)
            await over.wait()
    async with start() as uploads:
        assert (await ended(uploads, upload_id)).status == "unchanged"
    assert len(KnowledgeBase(home / "base").documents()) == 1
    assert not list((home / "uploads").iterdir())
    assert not list((home / "base" / "files").iterdir())


async def test_what_a_kill_left_of_an_upload_that_is_done_is_removed_at_the_next_start(
    start: Start, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("concertino.service.uploads._discard", lambda path: None)
        async with start() as uploads:
            await ended(uploads, await send(uploads))
    assert list((home / "uploads").iterdir())
    async with start():
        assert not list((home / "uploads").iterdir())


LARGE = "".join(f"Sentence {number} of a long text. " for number in range(4000)).encode()


class Gate:
    """Holds the embedder at each of its batches of a long text until it is opened."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.reached, self.opened = asyncio.Event(), asyncio.Event()

    def hold(self) -> None:
        self._loop.call_soon_threadsafe(self.reached.set)
        asyncio.run_coroutine_threadsafe(self.opened.wait(), self._loop).result(PATIENCE)


async def test_an_upload_that_is_being_read_can_be_cancelled_and_leaves_nothing(
    start: Start, home: Path, embedder: LetterPairs
) -> None:
    gate = Gate()
    embedder.before = gate.hold
    async with start() as uploads:
        upload_id = await send(uploads, "large.md", LARGE)
        await gate.reached.wait()
        assert (await uploads.cancel(None, upload_id)).status == "cancelling"
        gate.opened.set()
        assert (await ended(uploads, upload_id)).status == "cancelled"
        with pytest.raises(TaskBusy, match="done already"):
            await uploads.cancel(None, upload_id)
    assert KnowledgeBase(home / "base").documents() == []
    assert not list((home / "uploads").iterdir())
    assert not list((home / "base" / "files").iterdir())


async def test_an_upload_that_waits_can_be_cancelled_and_its_file_is_gone_at_once(
    start: Start, home: Path, embedder: LetterPairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("concertino.service.uploads.LANE_WORKERS", 1)
    gate = Gate()
    embedder.before = gate.hold
    async with start() as uploads:
        first = await send(uploads, "first.md")
        await gate.reached.wait()
        second = await send(uploads, "second.md")
        assert (await uploads.cancel(None, second)).status == "cancelled"
        assert not (home / "uploads" / second).exists()
        gate.opened.set()
        assert (await ended(uploads, first)).status == "added"
        assert (await ended(uploads, second)).status == "cancelled"


async def test_what_was_being_cancelled_when_the_process_died_is_cancelled_at_the_next_start(
    start: Start, store: TaskStore
) -> None:
    async with start():
        pass
    await enter(store, "begun", LONG_AGO, status="cancelling")
    async with start() as uploads:
        assert (await ended(uploads, "begun")).status == "cancelled"


async def test_a_small_file_does_not_wait_for_large_ones(
    start: Start, embedder: LetterPairs
) -> None:
    gate = Gate()
    embedder.before = gate.hold
    async with start() as uploads:
        large = [await send(uploads, f"{number}.md", LARGE) for number in range(4)]
        await gate.reached.wait()
        embedder.before = lambda: None
        assert (await ended(uploads, await send(uploads, "small.md"))).status == "added"
        assert {(await uploads.get(None, each)).status for each in large} == {"queued", "running"}
        gate.opened.set()
        for each in large:
            assert (await ended(uploads, each)).status == "added"


async def test_the_encoding_that_was_used_is_told_and_can_be_said(
    start: Start, embedder: LetterPairs
) -> None:
    async with start() as uploads:
        found = await ended(uploads, await send(uploads, "a.txt", "水在100℃沸腾".encode("gbk")))
        accepted = await uploads.accept(
            None, "b.txt", lambda path: path.write_bytes(b"\xa318") and None, "cp1252"
        )
        said = await ended(uploads, accepted.upload_id)
    assert (found.encoding, said.encoding) == ("gb18030", "cp1252")
