"""Every endpoint of the schema, given all sorts of requests: none ends in a server error."""

from collections.abc import Callable
from contextlib import suppress

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, status_code_conformance

from tests.kb.letter_pairs import LetterPairs
from tests.model_server import PATIENCE, PENS, ModelServer
from tests.service.conftest import LiveService

EXAMPLES = 10
"""Requests for each endpoint and mode: as the schema wants them, and as it does not."""

WAIT = {"Prefer": "wait=60"}
VALID = GenerationMode.POSITIVE
CHECKED = [not_a_server_error, status_code_conformance, content_type_conformance]


def test_nothing_ends_in_a_server_error(
    live: Callable[[], LiveService],
    serve: Callable[..., ModelServer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("concertino.kb.base.load_embedder", lambda name, settings: LetterPairs())
    # On a busy machine what the service needs takes its time, and 503 would be the right answer.
    monkeypatch.setattr("concertino.service.readiness.PATIENCE", float(PATIENCE))
    serve()
    service = live()
    # Loads what the first task imports: Hypothesis cannot read `sys.modules` while it grows.
    httpx.post(f"{service.url}/tasks", json={"question": PENS}, headers=WAIT, timeout=PATIENCE)
    schema = schemathesis.openapi.from_url(f"{service.url}/openapi.json")

    for operation in (found.ok() for found in schema.get_all_operations()):
        # What has only a path to get wrong is told by the tests of the endpoints.
        modes = list(GenerationMode) if operation.body or operation.query else [VALID]
        for mode in modes:

            @settings(
                max_examples=EXAMPLES,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def check(case: schemathesis.Case) -> None:
                case.validate_response(case.call(timeout=PATIENCE), checks=CHECKED)

            with suppress(Unsatisfiable):  # not every request can be made wrong
                check()
