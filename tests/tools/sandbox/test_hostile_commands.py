"""What hostile commands must not achieve."""

import asyncio
import json
import os
import platform
import select
import shutil
import sys
import uuid
from pathlib import Path

import pytest
from concertino.tools.sandbox import (
    PROGRAM_FOLDERS,
    CommandLimits,
    CommandResult,
    find_command_obstacle,
    run_command,
)

from tests.tools.sandbox.attempts import PREAMBLE

PYTHON = shutil.which("python3", path=os.pathsep.join(PROGRAM_FOLDERS))
pytestmark = pytest.mark.skipif(
    find_command_obstacle() is not None or PYTHON is None,
    reason="needs commands that can be confined, and a Python of the system",
)

SECRET = f"secret-{uuid.uuid4().hex}"
LIMITS = CommandLimits(
    cpu_seconds=5,
    wall_seconds=20,
    memory_bytes=256 << 20,
    processes=40,
    file_bytes=1 << 20,
    kept_bytes=8192,
    output_bytes=1 << 20,
)

COMMANDS = f"""{PREAMBLE}
import fcntl, json, struct
here = os.getcwd()
def read(path, size=100): return open(path, 'rb').read(size)
def write(path, mode='w'): open(path, mode).write('x')
def sh(command):
    ended = subprocess.run(['/bin/sh', '-c', command], capture_output=True)
    if ended.returncode: raise OSError(ended.stderr)
    return ended
prey, client, token = sys.argv[1], int(sys.argv[2]), sys.argv[3]
secret = prey + '/secret.txt'
"""

REFUSED = {
    # Reading.
    "read the passwords": "attempt(read, '/etc/shadow'); attempt(sh, 'cat /etc/shadow')",
    "read the names of the users": "attempt(read, '/etc/passwd')",
    "list the home folder": """
home = '/root' if os.getuid() == 0 else '/home'
attempt(os.listdir, home); attempt(sh, f'ls {home}')""",
    "read the home folder's files": """
home = '/root' if os.getuid() == 0 else '/home'
attempt(sh, f'cat {home}/.bashrc {home}/.profile {home}/*/.bashrc')""",
    "read a secret": """
attempt(read, secret); attempt(sh, f'cat {secret}'); attempt(sh, f'< {secret}')""",
    "read a secret through dots": """
attempt(read, os.path.relpath(secret, here)); attempt(read, '/usr/..' + secret)""",
    "read through a link that it makes": """
os.symlink(secret, 'made'); attempt(read, 'made')
os.symlink(prey, 'folder'); attempt(os.listdir, 'folder'); attempt(read, 'folder/secret.txt')""",
    "read through a link that was there": "attempt(read, 'planted')",
    "read through another process's root": """
for pid in ('self', '1', client, os.getppid()):
    attempt(read, f'/proc/{pid}/root{secret}'); attempt(read, f'/proc/{pid}/cwd/etc/shadow')""",
    "copy a secret by descriptor": "attempt(os.open, secret, os.O_RDONLY)",
    "look into a folder opened without reading": """
folder = os.open(prey, os.O_PATH); attempt(os.listdir, folder)
attempt(os.open, 'secret.txt', os.O_RDONLY, dir_fd=folder)""",
    "search the disk": "attempt(os.listdir, '/'); attempt(sh, 'find / -name shadow | grep .')",
    "read the environment of other processes": """
for pid in (1, client, os.getppid(), os.getpid()): attempt(read, f'/proc/{pid}/environ')""",
    "read the memory of other processes": """
for pid in (client, os.getppid()):
    attempt(read, f'/proc/{pid}/mem'); attempt(read, f'/proc/{pid}/maps')
    piece = ctypes.create_string_buffer(8)
    vector = struct.pack('QQ', ctypes.addressof(piece), 8)
    attempt(call, 'process_vm_readv', pid, vector, 1, vector, 1, 0)""",
    "list processes": "attempt(os.listdir, '/proc'); attempt(os.listdir, '/sys')",
    "take descriptors of other processes": """
for pid in (client, os.getppid()):
    attempt(os.listdir, f'/proc/{pid}/fd'); attempt(os.readlink, f'/proc/{pid}/fd/0')
    attempt(call, 'syscall', 438, os.pidfd_open(pid), 0, 0)""",
    "use descriptors that were left open": """
for fd in range(3, 200):
    attempt(os.fstat, fd)""",
    "read the command line of other processes": "attempt(read, f'/proc/{client}/cmdline')",
    "read the disk": """
for device in ('/dev/mem', '/dev/vda', '/dev/sda', '/dev/nvme0n1', '/dev/kmsg'):
    attempt(read, device)""",
    "make a device": """
attempt(os.mknod, 'disk', 0o60600, os.makedev(254, 0))
attempt(os.mknod, 'null', 0o20600, os.makedev(1, 3))""",
    "watch folders": """
watch = libc.inotify_init()
if watch >= 0: attempt(call, 'inotify_add_watch', watch, prey.encode(), 2)""",
    "read extended attributes": "attempt(os.listxattr, prey); attempt(os.getxattr, prey, 'user.a')",
    "open by handle": "attempt(call, 'open_by_handle_at', -100, b'0' * 64, 0)",
    # Writing.
    "write outside": """
attempt(write, prey + '/new'); attempt(write, '/tmp/' + token); attempt(write, '../prey/' + token)
attempt(write, '/usr/' + token); attempt(write, '/etc/' + token)""",
    "write outside with a shell": """
attempt(sh, f'echo x > {prey}/new'); attempt(sh, f'tee {secret}')""",
    "overwrite a file": "for mode in ('w', 'a', 'r+'): attempt(write, secret, mode)",
    "write through a link": "attempt(write, 'planted'); attempt(write, 'planted', 'a')",
    "truncate": "attempt(os.truncate, secret, 0); attempt(os.open, secret, os.O_TRUNC)",
    "overwrite a program": "attempt(write, '/bin/ls', 'a'); attempt(sh, 'cp /bin/cat /usr/bin/ls')",
    "delete": "attempt(os.remove, secret); attempt(sh, f'rm -rf {prey} && ! ls {prey}')",
    "make and remove folders": """
attempt(os.mkdir, prey + '/d'); attempt(os.rmdir, prey + '/empty')
attempt(os.mkfifo, prey + '/f')""",
    "hard links to a secret": """
attempt(os.link, secret, 'hard')
attempt(call, 'linkat', -100, b'planted', -100, b'hard2', 0x400)
fd = os.open(secret, os.O_PATH)
attempt(call, 'linkat', fd, b'', -100, b'hard3', 0x1000)
attempt(call, 'linkat', -100, f'/proc/self/fd/{fd}'.encode(), -100, b'hard4', 0x400)""",
    "links out of its folder": """
write('mine'); attempt(os.link, 'mine', prey + '/hard'); attempt(os.symlink, 'x', prey + '/s')""",
    "move a secret in": "attempt(os.rename, secret, 'mine'); attempt(os.rename, prey, 'folder')",
    "move a file out": """
write('mine'); attempt(os.rename, 'mine', prey + '/mine'); attempt(os.replace, 'mine', secret)
attempt(call, 'renameat2', -100, b'mine', -100, secret.encode(), 2)""",
    "move its own folder": "attempt(os.rename, here, here + token)",
    "change modes": """
attempt(os.chmod, secret, 0o777); attempt(os.chmod, 'planted', 0o777); attempt(os.chmod, prey, 0)
attempt(os.chmod, os.open(secret, os.O_PATH), 0o777); attempt(sh, f'chmod 777 {prey}')
folder = os.open(prey, os.O_PATH); attempt(os.chmod, 'secret.txt', 0o777, dir_fd=folder)
attempt(os.chmod, os.open('/bin/ls', os.O_RDONLY), 0o777)
attempt(os.chmod, '/proc/self/fd/0', 0o777)
attempt(os.chmod, here + '/../' + os.path.basename(prey) + '/secret.txt', 0o777)""",
    "change owners": """
attempt(os.chown, secret, 12345, 12345); attempt(os.lchown, 'planted', 12345, -1)
write('mine'); attempt(os.chown, 'mine', 12345, 12345)
attempt(os.fchown, os.open('/bin/ls', os.O_RDONLY), 12345, -1)""",
    "change times": """
attempt(os.utime, secret, (1, 1)); attempt(os.utime, 'planted', (1, 1))
attempt(os.utime, os.open('/bin/ls', os.O_RDONLY), (1, 1)); attempt(sh, f'touch {prey}')""",
    "change extended attributes": """
attempt(os.setxattr, secret, 'user.a', b'b'); attempt(os.removexattr, secret, 'user.a')""",
    "make a file that runs as its owner": """
write('mine'); attempt(os.chmod, 'mine', 0o4755); attempt(os.chmod, 'mine', 0o2755)
attempt(os.open, 'made', os.O_CREAT | os.O_WRONLY, 0o4755)
attempt(os.mknod, 'node', 0o104755); attempt(sh, 'chmod u+s mine')""",
    "shared memory and queues": """
attempt(write, '/dev/shm/' + token); attempt(call, 'shmget', 0, 4096, 0o1600)
attempt(call, 'semget', 0, 1, 0o1600); attempt(call, 'msgget', 0, 0o1600)""",
    # Network.
    "sockets": """
for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK,
               socket.AF_PACKET, socket.AF_VSOCK):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
        attempt(socket.socket, family, kind)""",
    "a pair of datagram sockets, which could be sent elsewhere": """
attempt(socket.socketpair, socket.AF_UNIX, socket.SOCK_DGRAM)
attempt(socket.socketpair, socket.AF_UNIX, socket.SOCK_SEQPACKET)""",
    "a pair of streams bound or connected elsewhere": """
one, other = socket.socketpair()
attempt(one.bind, 'socket'); attempt(one.connect, '/run/x'); attempt(one.listen)
attempt(one.sendto, b'x', '/run/x')""",
    "name resolution and download": """
import urllib.request
attempt(socket.getaddrinfo, 'example.com', 80)
attempt(urllib.request.urlopen, 'http://127.0.0.1:1/')""",
    "network with a shell": "attempt(sh, 'exec 3<>/dev/tcp/127.0.0.1/80')",
    # Processes and the system.
    "signals": """
for pid in (1, client, os.getppid()):
    attempt(os.kill, pid, 0); attempt(signal.pidfd_send_signal, os.pidfd_open(pid), 0)""",
    "signals by asynchronous input": """
reader, writer = os.pipe()
attempt(lambda: (fcntl.fcntl(reader, fcntl.F_SETOWN, os.getppid()), fcntl.fcntl(reader, 10, 9),
    fcntl.fcntl(reader, fcntl.F_SETFL, os.O_ASYNC), os.write(writer, b'x'), 1 / 0))""",
    "trace": """
for pid in (client, os.getppid()): attempt(call, 'ptrace', 16, pid, 0, 0)
attempt(call, 'ptrace', 0, 0, 0, 0)""",
    "limits and priorities of other processes": """
import resource
attempt(resource.prlimit, client, resource.RLIMIT_CPU)
attempt(os.setpriority, os.PRIO_PROCESS, client, 19)
attempt(os.sched_setaffinity, client, {0})
attempt(os.sched_setscheduler, client, os.SCHED_BATCH, os.sched_param(0))""",
    "raise its own limits": """
import resource
for kind in (resource.RLIMIT_CPU, resource.RLIMIT_DATA, resource.RLIMIT_FSIZE):
    attempt(resource.setrlimit, kind, (resource.RLIM_INFINITY,) * 2)
attempt(os.nice, -10)""",
    "another root": "attempt(os.chroot, '.'); attempt(call, 'pivot_root', b'.', b'.')",
    "mount": """
attempt(call, 'mount', b'none', b'.', b'tmpfs', 0, 0); attempt(call, 'umount2', b'/x', 0)""",
    "namespaces": """
for kind in (0x10000000, 0x20000, 0x20000000, 0x40000000):
    attempt(call, 'unshare', kind); attempt(call, 'setns', 0, kind)
attempt(sh, 'unshare -r true')""",
    "become another user": """
attempt(os.setuid, 12345); attempt(os.setgid, 12345); attempt(os.setgroups, [12345])""",
    "programs that run as root": "attempt(sh, 'su -c true'); attempt(sh, 'sudo -n true')",
    "name and clock of the machine": """
import time
attempt(socket.sethostname, socket.gethostname()); attempt(time.clock_settime, 0, time.time())""",
    "terminal": """
attempt(write, '/dev/tty'); attempt(os.open, '/dev/ptmx', os.O_RDWR); attempt(os.listdir, '/dev')
attempt(os.listdir, '/dev/pts')
for fd in (0, 1, 2): attempt(fcntl.ioctl, fd, 0x5412, b'x')""",
    "standard input": "attempt(lambda: sys.stdin.read(1)[0])",
    "the environment of its parent": """
attempt(lambda: os.environ['CONCERTINO_FAKE_SECRET'])
attempt(lambda: [name for name in os.environ if 'KEY' in name or 'TOKEN' in name][0])""",
}

if platform.machine() == "x86_64":
    REFUSED["other parts of the kernel"] = """
for number in (425, 426, 427, 321, 298, 248, 249, 250, 323, 300, 175, 246, 169 + 1000):
    attempt(call, 'syscall', number, 0, 0, 0, 0, 0)  # io_uring, bpf, perf, keys, userfaultfd, ...
"""
    REFUSED["namespaces by clone"] = """
attempt(call, 'syscall', 56, 0x10000000 | 17, 0, 0, 0, 0)
attempt(call, 'syscall', 435, b'\\0' * 88, 88)"""


@pytest.fixture
def prey(tmp_path: Path) -> Path:
    """A folder beside the workspace with a file that holds the secret."""
    folder = tmp_path / "prey"
    (folder / "empty").mkdir(parents=True)
    (folder / "secret.txt").write_text(SECRET)
    return folder


@pytest.fixture
def workspace(tmp_path: Path, prey: Path) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    (folder / "planted").symlink_to(prey / "secret.txt")
    return folder


def take_snapshot(folder: Path) -> list[tuple[object, ...]]:
    paths = sorted([folder, *folder.rglob("*")])
    stats = [path.lstat() for path in paths]
    return [
        (path, stat.st_mode, stat.st_uid, stat.st_nlink, stat.st_mtime_ns, stat.st_size)
        for path, stat in zip(paths, stats, strict=True)
    ]


def describe_system(token: str) -> tuple[object, ...]:
    """The state of a program, but for when it was last used, and where the token stands."""
    program = Path("/bin/ls").stat()
    written = [f for f in ("/tmp", "/usr", "/etc", "/dev/shm") if token in os.listdir(f)]
    return program[:7], program[8:], written


async def run_python(workspace: Path, code: str, *arguments: object) -> CommandResult:
    argv = ["python3", "-c", code, *map(str, arguments)]
    return await run_command(argv, workspace, limits=LIMITS)


async def run_shell(workspace: Path, command: str, **limits: float) -> CommandResult:
    return await run_command(
        ["sh", "-c", command], workspace, limits=LIMITS.model_copy(update=limits)
    )


@pytest.mark.parametrize("code", REFUSED.values(), ids=REFUSED.keys())
async def test_an_attempt_is_refused(
    monkeypatch: pytest.MonkeyPatch, workspace: Path, prey: Path, code: str
) -> None:
    monkeypatch.setenv("CONCERTINO_FAKE_SECRET", SECRET)
    token, before = uuid.uuid4().hex, take_snapshot(prey)
    system = describe_system(token)
    report = "\nprint(json.dumps(done))"
    result = await run_python(workspace, COMMANDS + code + report, prey, os.getpid(), token)
    assert (result.stopped, result.exit_code) == (None, 0), result
    assert json.loads(result.output.splitlines()[-1]) == [], result
    assert SECRET not in result.output
    assert take_snapshot(prey) == before
    assert describe_system(token) == system


async def test_the_attempts_succeed_where_nothing_confines_them(
    workspace: Path, prey: Path
) -> None:
    """Otherwise the test above would prove nothing."""
    attempts = [REFUSED["read a secret"], *REFUSED["change modes"].splitlines()[1:2]]
    code = "\n".join([COMMANDS, *attempts])
    process = await asyncio.create_subprocess_exec(
        *("python3", "-c", f"{code}\nprint(len(done))", str(prey), str(os.getpid()), "x"),
        cwd=workspace,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    await asyncio.to_thread(prey.chmod, 0o700)
    assert output == b"6\n"


STOPPED = {
    "fork bomb": ("f() { f | f & f; }; f", {"processes"}),
    "many processes": ("while :; do sleep 1000 & done", {"processes"}),
    "many sessions": ("while :; do setsid sleep 1000 & done", {"processes"}),
    "many threads": (
        "exec python3 -c 'import threading; threading.stack_size(65536)\n"
        "while 1: threading.Thread(target=threading.Event().wait).start()'",
        {"processes"},
    ),
    "endless output": ("yes", {"output"}),
    "endless output where errors go": ("yes >&2", {"output"}),
    "memory of many processes": (
        "for i in 1 2 3 4 5 6 7 8; do python3 -c 'x = bytearray(99 << 20); import time;"
        " time.sleep(1000)' & done; wait",
        {"memory"},
    ),
}


@pytest.mark.parametrize(("command", "reasons"), STOPPED.values(), ids=STOPPED.keys())
async def test_an_excess_is_stopped(workspace: Path, command: str, reasons: set[str]) -> None:
    result = await run_shell(workspace, command)
    assert result.stopped in reasons, result
    assert len(result.output) <= LIMITS.kept_bytes + 100


@pytest.mark.parametrize(
    "command",
    ["sleep 1000", "trap '' TERM INT HUP; sleep 1000; sleep 1000", "setsid sleep 1000; sleep 1000"],
)
async def test_an_endless_run_is_stopped(workspace: Path, command: str) -> None:
    result = await run_shell(workspace, command, wall_seconds=0.3)
    assert (result.stopped, result.exit_code) == ("timeout", None)


async def test_a_process_ends_at_its_own_limits(workspace: Path) -> None:
    busy = await run_shell(workspace, "while :; do :; done", cpu_seconds=1)
    assert (busy.stopped, busy.exit_code) == (None, 128 + 9)
    large = await run_shell(workspace, "head -c 5000000 /dev/zero > large")
    assert large.exit_code not in (0, None)
    assert (await run_shell(workspace, "stat -c %s large")).output == f"{LIMITS.file_bytes}\n"
    hungry = await run_python(workspace, "bytearray(1 << 30)")
    assert (hungry.exit_code, "MemoryError" in hungry.output) == (1, True)


BACKGROUND = {
    "child": "sh -c 'echo $$ > ready; exec sleep 1000' &",
    "without hangup": "nohup sh -c 'echo $$ > ready; exec sleep 1000' &",
    "session of its own": "setsid sh -c 'echo $$ > ready; exec sleep 1000' &",
    "daemon": "(setsid setsid sh -c 'echo $$ > ready; exec sleep 1000' &) &",
}


async def read_pid(workspace: Path) -> int:
    """Wait until the process has written its id to the fifo."""
    return int(await asyncio.to_thread((workspace / "ready").read_text))


def exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("command", BACKGROUND.values(), ids=BACKGROUND.keys())
async def test_what_runs_in_the_background_ends_with_the_command(
    workspace: Path, command: str
) -> None:
    os.mkfifo(workspace / "ready")
    os.mkfifo(workspace / "go")
    run = asyncio.create_task(run_shell(workspace, f"{command} cat go"))
    pid = await read_pid(workspace)
    assert exists(pid)
    await asyncio.to_thread((workspace / "go").write_text, "gone on\n")
    result = await run
    assert (result.exit_code, result.output.splitlines()[-1]) == (0, "gone on")
    assert not exists(pid)


@pytest.mark.parametrize("command", BACKGROUND.values(), ids=BACKGROUND.keys())
async def test_cancellation_ends_everything(workspace: Path, command: str) -> None:
    os.mkfifo(workspace / "ready")
    run = asyncio.create_task(run_shell(workspace, f"{command} sleep 1000"))
    pid = await read_pid(workspace)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert not exists(pid)


def wait_for_end(pid: int) -> None:
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    poll = select.poll()
    poll.register(process, select.POLLIN)
    assert poll.poll(30_000), "it still runs"
    os.close(process)


CLIENT = """
import asyncio, sys
from pathlib import Path
from concertino.tools.sandbox import run_command
asyncio.run(run_command(["sh", "-c", sys.argv[2]], Path(sys.argv[1])))
"""


async def test_everything_ends_when_the_client_is_killed(workspace: Path) -> None:
    os.mkfifo(workspace / "ready")
    command = f"{BACKGROUND['daemon']} sleep 1000"
    client = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", CLIENT, str(workspace), command)
    )
    pid = await read_pid(workspace)
    client.kill()
    await client.wait()
    await asyncio.to_thread(wait_for_end, pid)


def find_parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


async def test_everything_ends_when_the_supervisor_is_killed(workspace: Path) -> None:
    os.mkfifo(workspace / "ready")
    run = asyncio.create_task(
        run_shell(workspace, f"{BACKGROUND['session of its own']} echo $$ > ready; sleep 1000")
    )
    pids = (await asyncio.to_thread((workspace / "ready").read_text)).split()
    if len(pids) < 2:
        pids += (await asyncio.to_thread((workspace / "ready").read_text)).split()
    parents = {find_parent(int(pid)) for pid in pids} - set(map(int, pids))
    (supervisor,) = parents
    os.kill(supervisor, 9)
    result = await run
    assert (result.stopped, result.exit_code) == ("killed", None)
    for pid in pids:
        await asyncio.to_thread(wait_for_end, int(pid))


async def test_a_command_can_end_neither_its_supervisor_nor_the_guard(workspace: Path) -> None:
    result = await run_shell(workspace, "trap '' TERM; kill -9 -1; kill -9 $PPID; echo still here")
    assert (result.stopped, result.exit_code) == (None, 0)
    assert result.output.splitlines()[-1] == "still here"


async def test_the_output_writes_nothing_into_a_terminal(workspace: Path) -> None:
    (workspace / "out").write_bytes(
        b"a\x1b[31mred\x1b[0m\x1b]0;title\x07\x1b]52;c;cm0=\x07\x9b31m\x00\x08b\r\nc\rd\te"
    )
    result = await run_command(["cat", "out"], workspace, limits=LIMITS)
    assert not [c for c in result.output if ord(c) < 32 and c not in "\n\t"]
    assert result.output.startswith("ared")
    assert "title" not in result.output
    assert result.output.endswith("b\nc\nd\te")


async def test_the_temporary_folder_is_private_and_removed(workspace: Path) -> None:
    deep = "for i in $(seq 300); do mkdir d && cd d; done"
    locked = 'mkdir "$TMPDIR/locked"; touch "$TMPDIR/locked/x"; chmod 0 "$TMPDIR/locked"'
    command = f'stat -c %a "$TMPDIR"; echo "$HOME"; {locked}; cd "$TMPDIR"; {deep}'
    result = await run_shell(workspace, command)
    mode, folder = result.output.split()
    assert mode == "700"
    assert os.path.basename(folder) not in os.listdir(os.path.dirname(folder))
