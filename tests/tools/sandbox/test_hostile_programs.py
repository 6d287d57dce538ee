"""What hostile programs must not achieve.

Every case ends with the fixture's own assertion: the same server still answers.
"""

import asyncio
import os
import platform
import shutil
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from concertino.tools.sandbox import Sandbox, SandboxLimits, SandboxResult

from tests.tools.sandbox.attempts import PREAMBLE

pytest.importorskip("pyseccomp", exc_type=(ImportError, RuntimeError))

SECRET = f"secret-{uuid.uuid4().hex}"
QUICK = SandboxLimits(cpu_seconds=1, wall_seconds=0.6, memory_bytes=64 << 20, output_bytes=4096)


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CONCERTINO_FAKE_SECRET", SECRET)
        sandbox = Sandbox()
        yield sandbox
        sandbox.close()


@pytest.fixture
async def sandbox(shared: Sandbox) -> AsyncIterator[Sandbox]:
    await shared.run("pass")
    server = shared.server_pid
    yield shared
    after = await shared.run("answer = 6 * 7")
    assert (shared.server_pid, after.status, after.value) == (server, "ok", "42")


@pytest.fixture
def prey(tmp_path: Path) -> Path:
    """A folder with a file that holds the secret."""
    (tmp_path / "secret.txt").write_text(SECRET)
    return tmp_path


async def run(sandbox: Sandbox, code: str, **inputs: object) -> SandboxResult:
    program = f"{PREAMBLE}answer = done\n{code}"
    return await sandbox.run(program, inputs=inputs, limits=QUICK)


REFUSED = {
    # Network.
    "tcp socket": "attempt(socket.socket, socket.AF_INET, socket.SOCK_STREAM)",
    "udp socket": "attempt(socket.socket, socket.AF_INET, socket.SOCK_DGRAM)",
    "unix socket": "attempt(socket.socket, socket.AF_UNIX)",
    "raw socket": "attempt(socket.socket, socket.AF_INET, socket.SOCK_RAW, 1)",
    "netlink socket": "attempt(socket.socket, socket.AF_NETLINK, socket.SOCK_RAW)",
    "packet socket": "attempt(socket.socket, socket.AF_PACKET, socket.SOCK_RAW)",
    "socket pair": "attempt(socket.socketpair)",
    "name resolution": "attempt(socket.getaddrinfo, 'example.com', 80)",
    "download": """
import urllib.request
attempt(urllib.request.urlopen, 'http://127.0.0.1:1/')""",
    "a socket made of every inherited descriptor": """
for fd in range(10):
    attempt(call, 'recvmsg', fd, None, 0); attempt(call, 'sendmsg', fd, None, 0)
    attempt(socket.socket, fileno=fd)""",
    # Reading.
    "read /etc/passwd": "attempt(lambda: open('/etc/passwd').read())",
    "read /etc/shadow through libc": "attempt(call, 'open', b'/etc/shadow', 0)",
    "read its own environment": "attempt(lambda: open('/proc/self/environ','rb').read())",
    "read the memory map": "attempt(lambda: open('/proc/self/maps').read())",
    "read the environment of init": "attempt(lambda: open('/proc/1/environ','rb').read())",
    "read the environment of the client": """
attempt(lambda: open(f'/proc/{client}/environ','rb').read())""",
    "read the memory of the server": """
attempt(lambda: open(f'/proc/{server}/mem','rb'))
attempt(call, 'process_vm_readv', server, None, 0, None, 0, 0)""",
    "list the descriptors of the server": "attempt(os.listdir, f'/proc/{server}/fd')",
    "list the root folder": "attempt(os.listdir, '/')",
    "list its working folder": "attempt(os.listdir, '.')",
    "list /proc and /sys": "attempt(os.listdir, '/proc'); attempt(os.listdir, '/sys')",
    "read the file of this test": "attempt(lambda: open(test).read())",
    "read a secret": "attempt(lambda: open(prey + '/secret.txt').read())",
    "read a secret through dots": """
attempt(lambda: open(os.path.dirname(os.__file__) + '/../../../../../../../..' + prey
    + '/secret.txt').read())""",
    "read a secret through a symbolic link": """
attempt(os.symlink, prey + '/secret.txt', prey + '/link')
attempt(lambda: open(prey + '/link').read())
attempt(lambda: open(prey + '/planted').read())""",
    "open a path without reading": "attempt(os.open, prey + '/secret.txt', os.O_PATH)",
    "read links of /proc": "attempt(os.readlink, '/proc/self/exe')",
    "change folder": "attempt(os.chdir, prey); attempt(os.chroot, prey)",
    "read devices": "attempt(open, '/dev/mem'); attempt(open, '/dev/tty'); "
    "attempt(open, '/dev/urandom')",
    "import from a folder of the host": """
sys.path.insert(0, prey)
def load(): import stolen
attempt(load)""",
    # Writing.
    "create a file": "attempt(open, prey + '/new', 'w'); attempt(open, '/tmp/new-' + token, 'w')",
    "create a file where it is": "attempt(open, 'new', 'w')",
    "overwrite a file": "attempt(open, prey + '/secret.txt', 'w')",
    "append to a library": "attempt(open, os.__file__, 'a'); attempt(open, os.__file__, 'r+')",
    "delete, rename and link": """
attempt(os.remove, prey + '/secret.txt'); attempt(os.rename, prey, prey + '2')
attempt(os.link, prey + '/secret.txt', prey + '/hard')""",
    "make and remove folders": "attempt(os.mkdir, prey + '/d'); attempt(os.rmdir, prey)",
    "change mode, owner and times": """
attempt(os.chmod, prey + '/secret.txt', 0o777); attempt(os.chown, prey + '/secret.txt', 1, 1)
attempt(os.utime, prey + '/secret.txt', (1, 1)); attempt(os.truncate, prey + '/secret.txt', 0)
attempt(os.setxattr, prey + '/secret.txt', 'user.a', b'b')""",
    "make devices and fifos": "attempt(os.mkfifo, prey + '/f'); attempt(os.mknod, prey + '/n')",
    "temporary files": "import tempfile\nattempt(tempfile.mkdtemp, dir=prey)",
    "shared memory": """
attempt(open, '/dev/shm/' + token, 'w'); attempt(call, 'shmget', 0, 4096, 0o1600)
attempt(os.memfd_create, 'm')""",
    # Processes.
    "fork": "attempt(os.fork)",
    "fork bomb": "for _ in range(50): attempt(os.fork)",
    "vfork and clone through libc": """
attempt(call, 'vfork')
attempt(call, 'syscall', 56, 17, 0, 0, 0, 0); attempt(call, 'syscall', 57)
attempt(call, 'syscall', 58); attempt(call, 'syscall', 435, 0, 0)""",
    # glibc reports a shell that could not be started as one that left with 127.
    "os.system": "answer += {os.system(f'touch {prey}/new')} - {-1, 127 << 8}",
    "system() of libc": "answer += {libc.system(f'touch {prey}/new'.encode())} - {-1, 127 << 8}",
    "subprocess": "attempt(subprocess.run, ['/bin/sh', '-c', f'touch {prey}/new'])",
    "posix_spawn": "attempt(os.posix_spawn, '/bin/sh', ['sh', '-c', 'true'], {})",
    "exec": "attempt(os.execv, '/bin/true', ['true']); attempt(os.execve, 3, ['x'], {})",
    "popen": "attempt(os.popen, 'true')",
    "multiprocessing": """
import multiprocessing
attempt(multiprocessing.Pool, 2); attempt(multiprocessing.Process(target=print).start)""",
    "threads": """
import threading, _thread
attempt(threading.Thread(target=print).start); attempt(_thread.start_new_thread, print, ())""",
    "kill": """
for pid in (-1, 0, 1, client, server, os.getpid()): attempt(os.kill, pid, 0)
attempt(signal.raise_signal, 0); attempt(signal.pidfd_send_signal, 0, 0)""",
    "signals by asynchronous input": """
import fcntl
for fd in range(10):
    attempt(fcntl.fcntl, fd, fcntl.F_SETOWN, server); attempt(fcntl.fcntl, fd, 10, 9)""",
    "trace": "attempt(call, 'ptrace', 16, server, 0, 0); attempt(call, 'ptrace', 0, 0, 0, 0)",
    "prctl": "attempt(call, 'prctl', 1, 0, 0, 0, 0); attempt(call, 'prctl', 4, 1, 0, 0, 0)",
    # Its own limits and identity.
    "raise rlimits": """
import resource
for kind in (resource.RLIMIT_CPU, resource.RLIMIT_AS, resource.RLIMIT_NPROC):
    attempt(resource.setrlimit, kind, (resource.RLIM_INFINITY,) * 2)
    attempt(resource.prlimit, server, kind)""",
    "change user": "attempt(os.setuid, 1); attempt(os.setgid, 1); attempt(os.setsid)",
    "namespaces and mounts": """
attempt(call, 'unshare', 0x20000); attempt(call, 'setns', 0, 0)
attempt(call, 'mount', b'none', prey.encode(), b'tmpfs', 0, 0)""",
    "set the clock": "import time\nattempt(time.clock_settime, 0, time.time())",
    "writable code": """
import mmap
attempt(mmap.mmap, -1, 4096, prot=7); attempt(mmap.mmap, -1, 4096, prot=5)
page = mmap.mmap(-1, 4096)
where = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(page)))
attempt(call, 'mprotect', where, 4096, 7); attempt(call, 'mprotect', where, 4096, 5)""",
    "terminal and device control": """
import fcntl
for fd in range(10): attempt(fcntl.ioctl, fd, 0x5412, b'x')""",
    "pipes and duplicates": "attempt(os.pipe); attempt(os.dup, 1); attempt(os.dup2, 1, 2)",
    "inotify and epoll": "attempt(call, 'inotify_init'); import select; attempt(select.epoll)",
    "machine name": "attempt(os.uname); attempt(os.getcwd)",
}


@pytest.mark.parametrize("code", REFUSED.values(), ids=REFUSED.keys())
async def test_an_attempt_is_refused(sandbox: Sandbox, prey: Path, code: str) -> None:
    (prey / "planted").symlink_to(prey / "secret.txt")
    (prey / "stolen.py").write_text(f"secret = {SECRET!r}")
    token, before = uuid.uuid4().hex, snapshot(prey)
    result = await run(
        sandbox,
        code,
        prey=str(prey),
        token=token,
        client=os.getpid(),
        server=sandbox.server_pid,
        test=__file__,
    )
    assert (result.status, result.value) == ("ok", "[]"), result
    assert SECRET not in result.stdout
    assert snapshot(prey) == before
    assert not {f"new-{token}", token} & {*os.listdir("/tmp"), *os.listdir("/dev/shm")}


def snapshot(folder: Path) -> list[tuple[str, int, int, float, str]]:
    found = sorted(folder.iterdir())
    stats = [file.lstat() for file in found]
    return [
        (file.name, stat.st_mode, stat.st_uid, stat.st_mtime, file.read_text())
        for file, stat in zip(found, stats, strict=True)
    ]


@pytest.mark.skipif(platform.machine() != "x86_64", reason="numbers of system calls")
async def test_every_system_call_that_is_not_on_the_list_fails_with_eperm(sandbox: Sandbox) -> None:
    import pyseccomp
    from concertino.tools.sandbox.jail import _ALLOWED

    listed = {*_ALLOWED, "mmap", "mprotect", "open", "openat", "fcntl"}
    numbers = [pyseccomp.resolve_syscall(pyseccomp.Arch.X86_64, name) for name in listed]
    assert min(numbers) >= 0
    code = """
for number in set(range(500)) - set(numbers):
    if number in (335, 336): continue  # uretprobe and uprobe: Linux kills whoever calls them
    ctypes.set_errno(0)
    if libc.syscall(number, 0, 0, 0, 0, 0, 0) != -1 or ctypes.get_errno() != 1:
        answer.append((number, ctypes.get_errno()))
"""
    result = await run(sandbox, code, numbers=numbers)
    assert (result.status, result.value) == ("ok", "[]"), result


@pytest.mark.skipif(platform.machine() != "x86_64", reason="numbers of system calls")
async def test_the_other_abi_of_the_processor_is_closed(sandbox: Sandbox) -> None:
    result = await run(sandbox, "libc.syscall(0x40000000 | 39); answer = 'through'")
    assert result.status == "crashed"


STOPPED = {
    "busy loop": ("while True: pass", {"timeout"}),
    "sleep": ("import time; time.sleep(1000)", {"timeout"}),
    "sleep in C": ("libc.sleep(1000)", {"timeout"}),
    "swallowed exceptions": (
        """
def spin():
    while True:
        try: bytearray(1 << 40)
        except BaseException: pass
        finally: continue
spin()""",
        {"timeout"},
    ),
    "ignored signals": (
        """
for number in (signal.SIGXCPU, signal.SIGTERM, signal.SIGINT, signal.SIGALRM, signal.SIGHUP):
    signal.signal(number, lambda *_: None)
while True: pass""",
        {"timeout"},
    ),
    "blocked signals": (
        "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nwhile True: pass",
        {"timeout"},
    ),
    "endless alarms": (
        """
def again(*_): signal.setitimer(signal.ITIMER_REAL, 1e-6)
signal.signal(signal.SIGALRM, again); again()
while True: pass""",
        {"timeout", "error"},
    ),
    "huge output": ("print('x' * 10**7)", {"output"}),
    "endless output": ("while True: print('flood')", {"output"}),
    "endless output past Python": ("while True: os.write(1, b'flood' * 1000)", {"output"}),
    "endless output where errors go": ("while True: os.write(2, b'flood' * 1000)", {"timeout"}),
    "endless report": (
        """
while True:
    for fd in range(3, 64):
        try: os.write(fd, b'[' * 4096)
        except OSError: pass""",
        {"output"},
    ),
    "huge integer": ("answer = 10 ** 10 ** 8", {"timeout", "memory"}),
    "huge factorial printed": ("import math; print(math.factorial(10**6))", {"timeout", "output"}),
    "4 GiB": ("bytearray(4 << 30)", {"memory"}),
    "growing list": ("hoard = []\nwhile True: hoard.append(bytearray(1 << 20))", {"memory"}),
    "growing list of little things": (
        "hoard = []\nwhile True: hoard.append([None] * 99)",
        {"memory", "timeout"},
    ),
    "4 GiB mapped": (
        "import mmap\nwhile True: answer.append(mmap.mmap(-1, 1 << 24))",
        {"memory", "error"},
    ),
    "recursion": ("def f(): return f()\nf()", {"error"}),
    "recursion without a limit": (
        "sys.setrecursionlimit(10**9)\ndef f(): return f()\nf()",
        {"memory", "crashed", "timeout", "error"},
    ),
    "overflow of the C stack": (
        """
sys.setrecursionlimit(10**9)
class A: __repr__ = lambda self: repr([self])
repr(A())""",
        {"crashed", "error", "memory"},
    ),
    "null pointer": ("ctypes.string_at(0)", {"crashed"}),
    "abort": ("os.abort()", {"crashed"}),
    "broken signal stack": (
        "libc.sigaltstack(ctypes.create_string_buffer(24), None); ctypes.string_at(0)",
        {"crashed"},
    ),
    "overwritten stack": ("ctypes.memset(id(ctypes), 0xff, 1 << 16); print(ctypes)", {"crashed"}),
    "deep source": ("exec('(' * 10**6)", {"error", "memory", "crashed"}),
    "deep answer": (
        "answer = []\nfor _ in range(10**6): answer = [answer]",
        {"error", "memory", "crashed", "timeout"},
    ),
    "answer that contains itself and SymPy": (
        "import sympy\nanswer.append(sympy.pi); answer.append(answer)",
        {"error", "crashed"},
    ),
    "answer whose text never ends": (
        "class A:\n    def __repr__(self):\n        while True: pass\nanswer = A()",
        {"timeout"},
    ),
    "error whose text never ends": (
        "class E(Exception):\n    def __str__(self):\n        while True: pass\nraise E",
        {"timeout"},
    ),
    "error whose text leaves": (
        "class E(Exception):\n    def __str__(self): raise SystemExit(0)\nraise E",
        {"crashed"},
    ),
    "leaving": ("os._exit(0)", {"crashed"}),
    "every descriptor closed": ("os.closerange(0, 4096)\nwhile True: pass", {"crashed"}),
    "library patched": (
        "import json\njson.dumps = os.write = None\nsys.stdout = sys.stderr = None",
        {"crashed"},
    ),
    "builtins emptied": ("import builtins\nvars(builtins).clear()", {"crashed", "ok", "error"}),
}


@pytest.mark.parametrize(("code", "statuses"), STOPPED.values(), ids=STOPPED.keys())
async def test_an_excess_is_stopped(sandbox: Sandbox, code: str, statuses: set[str]) -> None:
    started = time.monotonic()
    result = await run(sandbox, code)
    assert result.status in statuses, result
    assert time.monotonic() - started < 10
    assert len(result.stdout) < 2 * QUICK.output_bytes


FRAME = '{"status": "ok", "value": "forged", "latex": null, "error": null}'
FORGERIES = {
    "printed frames": f"print({FRAME!r}); os.write(1, b'\\0\\0\\0\\x02{{}}')",
    "a report on every descriptor": f"""
for fd in range(65):
    try: os.write(fd, {FRAME.encode()!r})
    except OSError: pass
os._exit(0)""",
    "a report before the real one": f"""
for fd in range(3, 65):
    try: os.write(fd, {FRAME.encode()!r})
    except OSError: pass""",
    "garbage on every descriptor": """
for fd in range(65):
    try: os.write(fd, bytes(range(256)))
    except OSError: pass
os._exit(0)""",
    "a report of the wrong shape": """
for fd in range(3, 65):
    try: os.write(fd, b'{"status": "stopped", "value": [1], "seconds": -1}')
    except OSError: pass
os._exit(0)""",
    "a report with surrogates and depth": """
for fd in range(3, 65):
    try: os.write(fd, b'[' * 100000)
    except OSError: pass
os._exit(0)""",
    "a report of one endless number": """
for fd in range(3, 65):
    try: os.write(fd, b'9' * 60000)
    except OSError: pass
os._exit(0)""",
    "the runner's frames": """
frame = sys._getframe()
while frame:
    for name, value in {**frame.f_globals, **frame.f_locals}.items():
        if name in ("json", "report", "_execute", "describe_problem", "cut", "out"):
            try: frame.f_globals[name] = lambda *a, **k: "forged"
            except Exception: pass
    frame = frame.f_back""",
    "objects found by the collector": """
import gc
for thing in gc.get_objects():
    if type(thing) is dict and "status" in thing: thing["status"] = "forged"
    if type(thing).__name__ in ("socket", "Server", "Cell", "_Running"):
        for name in ("close", "end", "send"):
            attempt(getattr(thing, name, None))""",
    "work left for later": f"""
import atexit
atexit.register(lambda: os.write(1, b"forged"))
class Late:
    def __del__(self): os.write(1, {FRAME.encode()!r})
late = Late()""",
}


@pytest.mark.parametrize("code", FORGERIES.values(), ids=FORGERIES.keys())
async def test_a_forgery_reaches_nobody_else(sandbox: Sandbox, code: str) -> None:
    bystander = "import time; time.sleep(0.05); answer = 'honest'; print('true')"
    forged, *others = await asyncio.gather(
        run(sandbox, code), *(sandbox.run(bystander) for _ in range(3))
    )
    assert isinstance(forged, SandboxResult)
    assert {(other.status, other.value, other.stdout) for other in others} == {
        ("ok", "honest", "true\n")
    }


async def test_the_environment_holds_no_secret(sandbox: Sandbox) -> None:
    code = """
environ = ctypes.POINTER(ctypes.c_char_p).in_dll(libc, "environ")
libc.getenv.restype = ctypes.c_char_p
answer = [dict(os.environ), libc.getenv(b"CONCERTINO_FAKE_SECRET"), sys.argv, sys.orig_argv]
"""
    result = await run(sandbox, code)
    assert result.status == "ok"
    assert SECRET not in str(result)
    assert "PATH" not in str(result.value)


async def test_a_program_does_not_find_the_data_of_another_call(sandbox: Sandbox) -> None:
    hunt = """
import gc, time
time.sleep(0.1)
needle = "".join(reversed(backwards))
def texts():
    for thing in gc.get_objects():
        for part in gc.get_referents(thing):
            if type(part) in (str, bytes, bytearray): yield part
answer = [1 for text in texts() if text is not needle
    and (needle in text if type(text) is str else needle.encode() in text)]
"""
    theirs = "import time; time.sleep(0.5); answer = secret"
    victim = asyncio.create_task(sandbox.run(theirs, inputs={"secret": SECRET}))
    found = await run(sandbox, hunt, backwards=SECRET[::-1])
    assert (found.status, found.value) == ("ok", "[]")
    assert (await victim).value == SECRET


async def test_a_program_does_not_change_the_next_one(sandbox: Sandbox) -> None:
    await run(sandbox, "import math, sympy\nmath.pi = 3\nsympy.sstr = lambda *a, **k: 'forged'")
    result = await sandbox.run("import math, sympy\nanswer = [sympy.Integer(int(math.pi * 100))]")
    assert result.value == "[314]"


async def test_stdin_is_empty_and_not_the_servers_control_socket(sandbox: Sandbox) -> None:
    result = await run(sandbox, "answer = [sys.stdin.read(), os.read(0, 1)]")
    assert result.value == "['', b'']"


async def test_nothing_of_hostile_programs_is_still_running(sandbox: Sandbox) -> None:
    await run(sandbox, "import time\nos.closerange(0, 64)\nwhile True: time.sleep(1)")
    if shutil.which("ps") is None:
        pytest.skip("needs ps")
    async with asyncio.timeout(30):  # on a busy machine one that is killed takes a moment to go
        while await _alive(sandbox.server_pid):
            pass


async def _alive(parent: int) -> list[str]:
    """The states of a process's children, without those that are only to be reaped."""
    listing = await asyncio.create_subprocess_exec(
        "ps", "--ppid", str(parent), "-o", "stat=", stdout=asyncio.subprocess.PIPE
    )
    output, _ = await listing.communicate()
    return [state for state in output.decode().split() if not state.startswith("Z")]
