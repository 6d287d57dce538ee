"""Unexpected errors: one line for the user, the traceback in a log file."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import click

from ..errors import ConcertinoError
from ..language.messages import say

LOG_FILE = "concertino.log"

log = logging.getLogger(__name__)


class HomeLog(logging.Handler):
    """Writes errors to a file in the user's folder, with all secrets masked.

    Settings are read and the folder is made with the first error, so that a command without one
    pays nothing. If the folder cannot be written, the log is dropped.
    """

    def emit(self, record: logging.LogRecord) -> None:
        from ..settings import get_settings, mask_secrets

        with suppress(OSError, ConcertinoError):
            settings = get_settings()
            line = mask_secrets(self.format(record), settings.secrets)
            settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
            with (settings.home / LOG_FILE).open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")


@contextmanager
def log_to_file() -> Iterator[None]:
    """Log errors to a file in the user's folder instead of the terminal."""
    handler = HomeLog(logging.ERROR)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger("concertino")
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)


def explain_unforeseen(error: Exception) -> None:
    """Print one line for the user and log the traceback to the file."""
    from ..settings import get_settings
    from ..tasks.play import describe_error

    log.error("unforeseen", exc_info=error)
    path = get_settings().home / LOG_FILE
    click.echo(
        f"concertino: {say('cli.unforeseen', error=describe_error(error), path=path)}", err=True
    )
