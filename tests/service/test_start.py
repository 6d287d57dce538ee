"""What keeps the service from starting is one line, before it says that it listens."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from concertino.cli.main import main
from filelock import FileLock

from tests.model_server import use
from tests.scale import schema


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody else listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield int(listening.getsockname()[1])


@pytest.fixture
def dead() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def fails(caplog: pytest.LogCaptureFixture) -> Callable[..., str]:
    """Run a command that must fail at once; returns the line it says."""

    def run(*arguments: str) -> str:
        result: Result = CliRunner().invoke(main, arguments)
        assert (result.exit_code, result.stdout) == (1, "")
        [line] = result.stderr.splitlines()
        assert line.startswith("concertino: ")
        assert not [each for each in caplog.records if each.exc_info]
        return line

    return run


def test_a_second_service_on_a_home(home: Path, fails: Callable[..., str]) -> None:
    home.mkdir()
    with FileLock(home / "service.lock"):
        assert str(home) in fails("serve", "--port", "0")


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["worker"]])
def test_redis_without_a_database(
    command: list[str], fails: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, CONCERTINO_REDIS_URL="redis://127.0.0.1:6379/0")
    assert "CONCERTINO_DATABASE_URL" in fails(*command)


def test_a_redis_that_does_not_answer(
    dead: int, fails: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with schema() as address:
        use(monkeypatch, CONCERTINO_DATABASE_URL=address)
        use(monkeypatch, CONCERTINO_REDIS_URL=f"redis://127.0.0.1:{dead}/0")
        assert "CONCERTINO_REDIS_URL" in fails("serve", "--port", "0")


def test_a_database_that_does_not_answer(
    dead: int, fails: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, CONCERTINO_DATABASE_URL=f"postgresql://me@localhost:{dead}/tasks")
    assert "CONCERTINO_DATABASE_URL" in fails("serve", "--port", "0")


def test_a_port_that_is_taken(taken: int, fails: Callable[..., str]) -> None:
    assert "--port" in fails("serve", "--port", str(taken))


@pytest.mark.parametrize("place", ["/dev/null/home", "/proc/home"])
def test_a_home_that_cannot_be_written(
    place: str, fails: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, CONCERTINO_HOME=place)
    assert "CONCERTINO_HOME" in fails("serve", "--port", "0")
    with schema() as address:
        use(monkeypatch, CONCERTINO_DATABASE_URL=address)
        assert "CONCERTINO_HOME" in fails("serve", "--port", "0")
