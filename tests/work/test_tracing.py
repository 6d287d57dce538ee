"""Traces, as an exporter gets them."""

import subprocess
import sys
from collections.abc import Callable, Iterator

import httpx
import pytest
from concertino.settings import get_settings
from concertino.work import tracing
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from tests.model_server import PATIENCE, PENS, ModelServer, use
from tests.service.conftest import Client, LiveService
from tests.service.test_live import start

TASK = {"question": PENS, "workflow": "solve_math"}
STORY = {"question": "A story about a fox.", "workflow": "write_story"}
WAIT = {"Prefer": "wait=60"}
Serve = Callable[..., ModelServer]
Finished = Callable[[], list[ReadableSpan]]


@pytest.fixture
def finished(monkeypatch: pytest.MonkeyPatch) -> Iterator[Finished]:
    """The spans that have ended, with an exporter that keeps them in memory."""
    kept = InMemorySpanExporter()
    provider = tracing.build_tracer_provider(SimpleSpanProcessor(kept))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    yield lambda: list(kept.get_finished_spans())
    provider.shutdown()


def named(spans: list[ReadableSpan], name: str) -> list[ReadableSpan]:
    return [span for span in spans if span.name == name]


def above(span: ReadableSpan, spans: list[ReadableSpan]) -> list[str]:
    """The names of the spans around it, innermost first."""
    by_id = {each.context.span_id: each for each in spans if each.context}
    names = []
    while span.parent and span.parent.span_id in by_id:
        span = by_id[span.parent.span_id]
        names.append(span.name)
    return names


def test_a_trace_leads_from_the_request_over_task_and_nodes_to_the_calls(
    client: Client, serve: Serve, finished: Finished
) -> None:
    model = serve()
    service = client(model=None)
    task = service.post("/tasks", json=TASK, headers=WAIT).json()
    spans = finished()

    calls = named(spans, "chat first-model")
    assert len(calls) == len(model.requests)
    task_and_request = ["invoke_workflow solve_math", "POST /tasks"]
    paths = [above(call, spans) for call in calls]
    assert paths[1] == ["invoke_agent comprehension", *task_and_request]
    assert ["invoke_agent run_chain", "invoke_agent execution", *task_and_request] in paths
    assert len({span.context.trace_id for span in spans if span.context}) == 1
    [run] = named(spans, "invoke_workflow solve_math")
    assert run.attributes
    assert run.attributes["concertino.task.id"] == task["task_id"]
    assert run.attributes["concertino.task.status"] == "verified"


def test_a_call_says_which_model_it_went_to_and_what_it_cost(
    client: Client, serve: Serve, finished: Finished
) -> None:
    serve()
    client(model=None).post("/tasks", json=TASK, headers=WAIT)

    for call in named(finished(), "chat first-model"):
        assert call.attributes
        assert call.attributes["gen_ai.operation.name"] == "chat"
        assert call.attributes["gen_ai.provider.name"] == "compatible"
        assert call.attributes["gen_ai.request.max_tokens"]
        assert call.attributes["gen_ai.usage.input_tokens"] == 20
        assert call.attributes["gen_ai.usage.cache_read.input_tokens"] == 8
        assert call.attributes["gen_ai.usage.output_tokens"] == 5


def test_nothing_that_was_asked_or_answered_is_in_a_span(
    client: Client, serve: Serve, finished: Finished
) -> None:
    serve(report=["It costs 36 dollars, a bargain."])
    service = client(model=None)
    service.post("/tasks", json=TASK, headers=WAIT)
    service.get("/kb/search", params={"q": "my salary"})

    spans = "".join(span.to_json() for span in finished())
    assert "/kb/search" in spans
    for private in ("pens", "dollars", "bargain", "salary"):
        assert private not in spans


def test_a_callers_own_trace_goes_on_and_probes_have_none(
    client: Client, finished: Finished
) -> None:
    service, caller = client(), f"{0xABC:032x}"
    header = {"traceparent": f"00-{caller}-{1:016x}-01"}
    service.post("/tasks", json=TASK, headers={**WAIT, **header})
    service.get("/health/live")

    assert {f"{span.context.trace_id:032x}" for span in finished() if span.context} == {caller}


def test_a_task_that_is_taken_up_after_a_restart_stays_in_its_trace(
    live: Callable[[], LiveService],
    serve: Serve,
    finished: Finished,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use(monkeypatch, CONCERTINO_SERVE_SHUTDOWN_SECONDS="0")
    hold = serve().hold("planning")
    service = live()
    task = start(service)
    hold.wait()
    service.stop()
    hold.released.set()
    again = task.replace(service.url, live().url)
    assert httpx.get(f"{again}/events", timeout=PATIENCE).is_success

    spans = finished()
    [request] = named(spans, "POST /tasks")
    runs = [span for span in spans if span.name.startswith("invoke_workflow")]
    assert len(runs) == 2
    assert all(run.parent and request.context for run in runs)
    assert {run.parent.span_id for run in runs if run.parent} == {request.context.span_id}


def test_what_fails_is_marked_without_its_message(
    client: Client, serve: Serve, finished: Finished
) -> None:
    serve(story_request=["my secret nonsense"])
    client(model=None).post("/tasks", json=STORY, headers=WAIT)
    spans = finished()

    [node] = named(spans, "invoke_agent read_request")
    assert node.status.status_code is StatusCode.ERROR
    assert node.attributes
    assert node.attributes["error.type"] == "StructuredOutputError"
    [run] = [span for span in spans if span.name.startswith("invoke_workflow")]
    assert run.status.status_code is StatusCode.ERROR
    assert "nonsense" not in "".join(span.to_json() for span in spans)


def test_without_an_endpoint_there_is_no_trace_and_no_exporter_is_loaded() -> None:
    code = (
        "import sys; from concertino.service import app; from concertino.work import tracing; "
        "from concertino.settings import get_settings; tracing.configure_tracing(get_settings()); "
        "assert not tracing.build_span_callbacks() and tracing.get_trace_context() is None; "
        "assert 'opentelemetry.exporter' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", ["CONCERTINO_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"])
def test_spans_go_to_the_endpoint_that_is_set(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, **{name: "http://127.0.0.1:9"})
    made = []
    monkeypatch.setattr(trace, "set_tracer_provider", made.append)
    tracing.configure_tracing(get_settings())

    [provider] = made
    processors = provider._active_span_processor._span_processors
    assert "http://127.0.0.1:9/v1/traces" in {
        getattr(getattr(each, "span_exporter", None), "_endpoint", "") for each in processors
    }
    provider.shutdown()
