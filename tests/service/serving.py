"""`python -m tests.service.serving`: the service in a process of its own, at a free port that it
prints, with an embedder that needs no weights."""

import asyncio
from functools import partial

from concertino.kb import base
from concertino.service import readiness
from concertino.service.server import run_server
from concertino.settings import get_settings

from tests.kb.letter_pairs import LetterPairs
from tests.model_server import PATIENCE


def main() -> None:
    base.load_embedder = lambda name, settings: LetterPairs()
    # On a busy machine what the service needs takes its time, and 503 would be the right answer.
    readiness.PATIENCE = float(PATIENCE)
    asyncio.run(run_server(get_settings(), "127.0.0.1", 0, partial(print, flush=True)))


if __name__ == "__main__":
    main()
