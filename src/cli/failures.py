"""Unexpected errors: one line for the user, the traceback in a log file."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from ..language.messages import say
from ..settings import Settings, get_settings, mask_secrets

LOG_FILE = "concertino.log"

log = logging.getLogger(__name__)


class MaskingFormatter(logging.Formatter):
    """Formats a log line and its traceback with all secrets masked."""

    def __init__(self, settings: Settings) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._secrets = settings.secrets

    def format(self, record: logging.LogRecord) -> str:
        return mask_secrets(super().format(record), self._secrets)


@contextmanager
def log_to_file() -> Iterator[Path]:
    """Log to a file in the user's folder instead of the terminal. If the folder cannot be written,
    the log is dropped and the command still runs."""
    settings = get_settings()
    path = settings.home / LOG_FILE
    root = logging.getLogger("concertino")
    handler: logging.Handler
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handler = logging.FileHandler(path, encoding="utf-8", delay=True)
    except OSError:
        handler = logging.NullHandler()
    handler.setLevel(logging.ERROR)
    handler.setFormatter(MaskingFormatter(settings))
    root.addHandler(handler)
    try:
        yield path
    finally:
        root.removeHandler(handler)
        handler.close()


def explain_unforeseen(error: Exception, path: Path) -> None:
    """Print one line for the user and log the traceback to the file."""
    log.error("unforeseen", exc_info=error)
    text = mask_secrets(f"{type(error).__name__}: {error}", get_settings().secrets)
    click.echo(f"concertino: {say('cli.unforeseen', error=text[:300], path=path)}", err=True)
