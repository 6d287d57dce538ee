"""What the sandbox does for honest programs, and for the process that uses it."""

import asyncio
import logging
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx
from concertino.tools.sandbox import (
    Sandbox,
    SandboxLimits,
    SandboxUnavailable,
    boot,
    client,
    default_sandbox,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="confinement is Linux's")
FOREVER = "while True: pass"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox()
    yield sandbox
    sandbox.close()


@pytest.fixture
def fresh() -> Iterator[Sandbox]:
    sandbox = Sandbox()
    yield sandbox
    sandbox.close()


def children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


async def first_program(sandbox: Sandbox) -> tuple[int, int]:
    """Process ids of the server and of the first program that it runs, as soon as it does."""
    while True:
        if (server := sandbox.server_pid) is not None:
            for supervisor in children(server):
                for program in children(supervisor):
                    return server, program
        await asyncio.sleep(0)


def wait_for_end(pidfd: int) -> bool:
    return bool(select.select([pidfd], [], [], 10)[0])


# --- values


@pytest.mark.parametrize(
    ("code", "value", "latex"),
    [
        ("answer = 6 * 7", "42", "42"),
        ("answer = 'two words'", "two words", None),
        ("answer = [1, 'a', None]", "[1, 'a', None]", None),
        ("answer = {'a': 0.5}", "{'a': 0.5}", None),
        ("from sympy import *\nanswer = sqrt(8) / 3", "2*sqrt(2)/3", r"\frac{2 \sqrt{2}}{3}"),
        ("from sympy import *\nanswer = Float('0.5')", "0.500000000000000", "0.5"),
        ("from sympy import *\nanswer = {pi: [E]}", "{pi: [E]}", None),
        ("from sympy import *\nanswer = Matrix([[1, 2]])", "Matrix([[1, 2]])", None),
        ("from sympy import *\nanswer = Interval(0, oo)", "Interval(0, oo)", None),
        ("other = 1", None, None),
        ("answer = None", "None", None),
        ("import sys\nanswer = 1\nsys.exit()", "1", "1"),
        ("answer = 2\nexit(0)", "2", "2"),
    ],
)
async def test_the_answer_comes_back_as_text(
    sandbox: Sandbox, code: str, value: str | None, latex: str | None
) -> None:
    result = await sandbox.run(code)
    assert (result.status, result.value, result.error) == ("ok", value, None)
    assert latex is None or result.latex == latex


async def test_a_huge_integer_comes_back_whole(sandbox: Sandbox) -> None:
    result = await sandbox.run("answer = 7 ** 20000")
    sys.set_int_max_str_digits(0)
    assert result.value == str(7**20000)


async def test_a_long_answer_is_cut_and_marked(sandbox: Sandbox) -> None:
    result = await sandbox.run("answer = 'é' * 1000", limits=SandboxLimits(output_bytes=101))
    assert result.value == "é" * 50 + "\n[cut at 101 bytes]"


async def test_inputs_are_global_variables_and_another_result_can_be_asked_for(
    sandbox: Sandbox,
) -> None:
    inputs = {"n": 10**30, "names": ["a", "ü", "\ud800"], "deep": {"x": [1.5, None, True]}}
    result = await sandbox.run(
        "found = [n, names[:2], deep]", inputs=inputs, result="found", limits=SandboxLimits()
    )
    assert result.value == f"[{10**30}, ['a', 'ü'], {{'x': [1.5, None, True]}}]"
    assert (await sandbox.run("answer = 1", result=None)).value is None


async def test_odd_output_is_replaced_and_kept_in_order(sandbox: Sandbox) -> None:
    code = (
        "import sys\nprint('a\\ud800b')\nsys.stdout.flush()\nsys.stdout.buffer.write(b'\\xff\\n')"
    )
    result = await sandbox.run(code)
    assert result.stdout == "a?b\n\ufffd\n"


async def test_stdlib_modules_and_classes_work_as_in_a_script(sandbox: Sandbox) -> None:
    code = """
import dataclasses, pickle, colorsys, random, tomllib
@dataclasses.dataclass
class Point:
    x: int
answer = [pickle.loads(pickle.dumps(Point(3))), __name__, random.Random(1).randint(0, 9)]
"""
    assert (await sandbox.run(code)).value == "[Point(x=3), '__main__', 2]"


async def test_answers_are_the_same_whenever_the_server_starts(
    sandbox: Sandbox, fresh: Sandbox
) -> None:
    code = "answer = list({'b', 'a', 'd', 'c', 'e'})"
    assert (await sandbox.run(code)).value == (await fresh.run(code)).value


async def test_math_verify_works_inside(sandbox: Sandbox) -> None:
    code = "from math_verify import *\nanswer = verify(parse('$\\\\frac{1}{2}$'), parse('$0.5$'))"
    assert (await sandbox.run(code)).value == "True"


# --- errors


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("a = 1\nb = a / 0", "ZeroDivisionError: division by zero (line 2: b = a / 0)"),
        ("x = 1\nx +", "SyntaxError: invalid syntax (line 2: x +)"),
        ("a = 1\nb\0", "SyntaxError: source code string cannot contain null bytes (line 2: b\0)"),
        ("import sys\nsys.exit(1)", "SystemExit: 1 (line 2: sys.exit(1))"),
        ("import sys\nsys.exit('no')", "SystemExit: no (line 2: sys.exit('no'))"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt (line 1: raise KeyboardInterrupt)"),
        (
            "from sympy import *\ndef f():\n    return sympify('1 +')\nf()",
            "(line 3: return sympify('1 +'))",
        ),
        ("from sympy import nothing", "from 'sympy' (sympy/__init__.py) (line 1: from sympy"),
        ("open('/etc/passwd')", "PermissionError: [Errno 13] Permission denied: '/etc/passwd'"),
        ("import socket\nsocket.socket()", "PermissionError: [Errno 1] Operation not permitted"),
    ],
)
async def test_an_error_names_its_line_of_the_program(
    sandbox: Sandbox, code: str, error: str
) -> None:
    result = await sandbox.run(code)
    assert result.status == "error"
    assert result.value is None
    assert error in (result.error or "")


async def test_an_error_keeps_the_output_and_is_short(sandbox: Sandbox) -> None:
    result = await sandbox.run("print('before')\nraise ValueError('long ' * 10_000)")
    assert (result.status, result.stdout) == ("error", "before\n")
    assert len(result.error or "") <= 1000
    assert "(line 2: raise ValueError('long ' * 10_000))" in (result.error or "")


async def test_a_deep_recursion_is_an_ordinary_error(sandbox: Sandbox) -> None:
    result = await sandbox.run("def f(n): return f(n + 1)\nf(0)")
    assert (result.error or "").startswith("RecursionError: maximum recursion depth exceeded")


# --- limits


async def test_each_limit_has_its_status(sandbox: Sandbox) -> None:
    async def status(code: str, **limits: float) -> str:
        return (await sandbox.run(code, limits=SandboxLimits.model_validate(limits))).status

    assert await status(FOREVER, wall_seconds=0.2) == "timeout"
    assert await status(FOREVER, cpu_seconds=1) == "timeout"
    assert await status("x = bytearray(2 << 30)") == "memory"
    assert await status("x = bytearray(100 << 20)", memory_bytes=200 << 20) == "ok"
    assert await status("print('x' * 100)", output_bytes=99) == "output"
    assert await status("print('x' * 98)", output_bytes=99) == "ok"


async def test_a_program_that_is_stopped_keeps_what_it_printed(sandbox: Sandbox) -> None:
    limits = SandboxLimits(wall_seconds=0.5, output_bytes=10)
    stopped = await sandbox.run("print('here')\n" + FOREVER, limits=limits)
    assert (stopped.status, stopped.stdout) == ("timeout", "here\n")
    assert stopped.seconds == pytest.approx(0.5, abs=0.4)
    flooded = await sandbox.run("print('0123456789abc')", limits=limits)
    assert (flooded.status, flooded.stdout) == ("output", "0123456789\n[cut at 10 bytes]")


def test_limits_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="cpu_seconds"):
        SandboxLimits(cpu_seconds=0)


# --- many callers


async def test_many_calls_at_once_get_their_own_answers(sandbox: Sandbox) -> None:
    results = await asyncio.gather(
        *(sandbox.run("answer = n * n", inputs={"n": n}) for n in range(60))
    )
    assert [result.value for result in results] == [str(n * n) for n in range(60)]


async def test_waiting_for_a_slot_is_not_counted_against_a_call(sandbox: Sandbox) -> None:
    limits = SandboxLimits(wall_seconds=0.3)
    calls = 3 * 2 * (os.cpu_count() or 1)
    results = await asyncio.gather(
        *(sandbox.run("import time; time.sleep(0.05)", limits=limits) for _ in range(calls))
    )
    assert max(result.seconds for result in results) < 0.3


async def test_a_large_program_and_a_large_answer_pass(sandbox: Sandbox) -> None:
    inputs = {"text": "x" * 3_000_000}
    limits = SandboxLimits(output_bytes=4_000_000)
    result = await sandbox.run("answer = text + '!'", inputs=inputs, limits=limits)
    assert len(result.value or "") == 3_000_001


def test_one_server_serves_several_event_loops_and_threads(fresh: Sandbox) -> None:
    values: list[str | None] = []

    async def several() -> None:
        results = await asyncio.gather(*(fresh.run("answer = 6 * 7") for _ in range(5)))
        values.extend(result.value for result in results)

    threads = [threading.Thread(target=asyncio.run, args=(several(),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first = fresh.server_pid
    asyncio.run(several())
    assert values == ["42"] * 20
    assert fresh.server_pid == first


async def test_neither_starting_nor_calling_blocks_the_event_loop(fresh: Sandbox) -> None:
    with blockbuster_ctx():
        assert (await fresh.run("answer = 1")).value == "1"
        assert (await fresh.run("answer = 2")).value == "2"


# --- lives and deaths


async def test_a_cancelled_call_kills_its_program(fresh: Sandbox) -> None:
    call = asyncio.create_task(fresh.run(FOREVER, limits=SandboxLimits(cpu_seconds=60)))
    program = os.pidfd_open((await first_program(fresh))[1])
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert wait_for_end(program)
    os.close(program)


async def test_a_cancelled_start_does_not_spoil_it_for_the_others(fresh: Sandbox) -> None:
    calls = [asyncio.create_task(fresh.run("answer = 1")) for _ in range(3)]
    await asyncio.sleep(0)
    calls[0].cancel()
    assert [result.value for result in await asyncio.gather(*calls[1:])] == ["1", "1"]


async def test_a_killed_server_is_replaced(fresh: Sandbox) -> None:
    await fresh.run("pass")
    first = fresh.server_pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert (await fresh.run("answer = 1")).value == "1"
    assert fresh.server_pid not in (None, first)


async def test_a_call_survives_the_death_of_its_server(fresh: Sandbox) -> None:
    call = asyncio.create_task(fresh.run("import time; time.sleep(0.5); answer = 1"))
    server, pid = await first_program(fresh)
    program = os.pidfd_open(pid)
    os.kill(server, signal.SIGKILL)
    assert (await call).value == "1"
    assert wait_for_end(program)
    os.close(program)


async def test_closing_ends_the_server_and_its_programs(fresh: Sandbox) -> None:
    call = asyncio.create_task(fresh.run(FOREVER, limits=SandboxLimits(cpu_seconds=60)))
    server, pid = await first_program(fresh)
    program = os.pidfd_open(pid)
    fresh.close()
    assert (await call).status == "crashed"
    assert wait_for_end(program)
    assert fresh.server_pid is None
    assert children(server) == []
    with pytest.raises(ProcessLookupError):
        os.kill(server, 0)
    assert (await fresh.run("answer = 1")).value == "1"
    os.close(program)


CLIENT = """
import asyncio, os, signal, sys
from concertino.tools.sandbox import *
sys.path.insert(0, sys.argv[1])
from test_sandbox import first_program
async def main():
    sandbox = Sandbox()
    call = asyncio.create_task(
        sandbox.run("while True: pass", limits=SandboxLimits(cpu_seconds=60, wall_seconds=60)))
    print(*await first_program(sandbox), flush=True)
    sys.stdin.readline()
    {end}
asyncio.run(main())
"""


@pytest.mark.parametrize("end", ["return", "sys.exit(3)", "os._exit(0)", "os.kill(os.getpid(), 9)"])
def test_no_process_outlives_the_client_however_it_ends(end: str) -> None:
    code = CLIENT.format(end=end)
    command = [sys.executable, "-c", code, str(Path(__file__).parent)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        pids = [int(word) for word in process.stdout.readline().split()]
        pidfds = [os.pidfd_open(pid) for pid in pids]
        process.stdin.write(b"\n")
        process.stdin.close()
        assert len(pidfds) == 2
        assert all(map(wait_for_end, pidfds))
    for pidfd in pidfds:
        os.close(pidfd)


async def test_a_sandbox_that_is_forgotten_stops_its_server() -> None:
    forgotten = Sandbox()
    await forgotten.run("pass")
    assert forgotten.server_pid is not None
    server = os.pidfd_open(forgotten.server_pid)
    del forgotten
    assert wait_for_end(server)
    os.close(server)


def test_a_forked_process_gets_a_server_of_its_own() -> None:
    sandbox = default_sandbox()
    assert default_sandbox() is sandbox
    asyncio.run(sandbox.run("pass"))
    ours = sandbox.server_pid
    reading, writing = os.pipe()
    if os.fork() == 0:
        try:
            value = asyncio.run(default_sandbox().run("answer = 6 * 7")).value
            os.write(writing, f"{value} {default_sandbox().server_pid}".encode())
            default_sandbox().close()
        finally:
            os._exit(0)
    os.wait()
    value, theirs = os.read(reading, 100).split()
    assert value == b"42"
    assert int(theirs) != ours
    assert asyncio.run(sandbox.run("answer = 1")).value == "1"
    assert sandbox.server_pid == ours
    sandbox.close()
    os.close(reading)
    os.close(writing)


async def test_no_descriptor_and_no_file_is_left_over(fresh: Sandbox) -> None:
    await fresh.run("pass")
    before = set(os.listdir("/proc/self/fd"))
    await asyncio.gather(*(fresh.run("answer = 1") for _ in range(10)))
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(fresh.run(FOREVER), 0.2)
    await asyncio.sleep(0)  # transports close in the next turn of the loop
    assert set(os.listdir("/proc/self/fd")) <= before
    assert not [name for name in os.listdir("/tmp") if name.startswith("concertino-")]


# --- machines that cannot confine


@pytest.fixture
def without_libseccomp(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The server finds a pyseccomp that behaves as without the library."""
    module = tmp_path / "pyseccomp.py"
    module.write_text("raise RuntimeError('Unable to find libseccomp')")
    found = client._library_folders()
    monkeypatch.setattr(client, "_library_folders", lambda: [str(tmp_path), *found])


@pytest.mark.usefixtures("without_libseccomp")
async def test_without_seccomp_it_says_what_to_install_or_to_set(fresh: Sandbox) -> None:
    for _ in range(2):
        with pytest.raises(SandboxUnavailable, match="apt-get install libseccomp2") as raised:
            await fresh.run("answer = 1")
        assert "CONCERTINO_ALLOW_UNCONFINED_SANDBOX" in str(raised.value)


@pytest.mark.usefixtures("without_libseccomp")
async def test_unconfined_programs_are_still_bounded_and_a_warning_is_logged(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    sandbox = Sandbox(allow_unconfined=True)
    with caplog.at_level(logging.WARNING):
        assert (await sandbox.run("answer = open('/proc/self/stat').read(1)")).status == "ok"
    assert "resource limits only" in caplog.text
    assert (await sandbox.run(FOREVER, limits=SandboxLimits(cpu_seconds=1))).status == "timeout"
    assert (await sandbox.run("x = bytearray(4 << 30)")).status == "memory"
    code = "open(file, 'wb', buffering=0).write(b'x')"
    written = await sandbox.run(code, inputs={"file": str(tmp_path / "x")})
    assert "File too large" in (written.error or "")
    sandbox.close()


async def test_permission_to_run_unconfined_does_not_weaken_a_machine_that_can(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sandbox = Sandbox(allow_unconfined=True)
    assert (await sandbox.run("open('/etc/passwd')")).status == "error"
    assert caplog.text == ""
    sandbox.close()


async def test_without_landlock_no_file_can_be_opened_and_sympy_still_works(
    fresh: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    patch = "from concertino.tools.sandbox import jail; jail.find_landlock_abi = lambda: 0\n"
    start = "importlib.import_module(sys.argv[2])"
    monkeypatch.setattr(boot, "_BOOT", boot._BOOT.replace(start, patch + start))
    for path in ("/etc/passwd", os.__file__, "/proc/self/environ"):
        result = await fresh.run("open(path)", inputs={"path": path})
        assert "PermissionError: [Errno 1]" in (result.error or "")
    code = "from sympy import *\nimport sympy.diffgeom\nx = symbols('x')\n"
    result = await fresh.run(code + "answer = [integrate(exp(-x**2), (x, -oo, oo)), factorint(99)]")
    assert result.value == "[sqrt(pi), {3: 2, 11: 1}]"


async def test_a_server_that_cannot_start_says_so(
    fresh: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_library_folders", lambda: [])
    with pytest.raises(SandboxUnavailable, match="import sympy, math_verify"):
        await fresh.run("answer = 1")
