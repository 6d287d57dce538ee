"""Every endpoint of the schema, given all sorts of requests: none ends in a server error."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, status_code_conformance

from tests.model_server import PATIENCE, ModelServer

EXAMPLES = 10
"""Requests for each endpoint and mode: as the schema wants them, and as it does not."""

ROOT = Path(__file__).parents[2]
VALID = GenerationMode.POSITIVE
CHECKED = [not_a_server_error, status_code_conformance, content_type_conformance]


@pytest.fixture
def service(serve: Callable[..., ModelServer]) -> Iterator[str]:
    """The address of a service in a process of its own: Hypothesis reads `sys.modules`, which must
    not grow meanwhile, and a service imports what a task needs when it first comes. The model's
    server, a thread here, has imported what it needs once it has answered."""
    model = serve()
    asked = {"messages": [{"role": "user", "content": "Please reason step by step."}]}
    httpx.post(f"{model.url}/chat/completions", json=asked, timeout=PATIENCE).raise_for_status()
    command = [sys.executable, "-m", "tests.service.serving"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield re.findall(r"http://\S+", process.stdout.readline())[0]
        finally:
            process.terminate()


def test_nothing_ends_in_a_server_error(service: str) -> None:
    schema = schemathesis.openapi.from_url(f"{service}/openapi.json")

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
