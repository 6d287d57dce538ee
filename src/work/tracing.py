"""OpenTelemetry traces of requests, tasks, nodes and model calls.

Names and attributes follow OpenTelemetry's semantic conventions for generative AI. Spans contain no
questions, prompts or answers. Without an endpoint only the API package is imported, which FastAPI
depends on and uses to trace requests.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import BaseMessage
from langchain_core.outputs import LLMResult
from langgraph.errors import GraphBubbleUp
from opentelemetry import trace
from opentelemetry.propagate import extract, inject
from opentelemetry.trace import Span, SpanKind, StatusCode

from .. import __version__
from ..language.messages import say
from ..settings import Settings
from ..tasks.result import TaskResult
from .ledger import Job
from .spending import extract_token_counts, tokens_of_error

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
TOKEN_ATTRIBUTES = {
    "prompt": "gen_ai.usage.input_tokens",
    "cached": "gen_ai.usage.cache_read.input_tokens",
    "output": "gen_ai.usage.output_tokens",
}
TRACE_HEADER = "traceparent"

log = logging.getLogger(__name__)


def configure_tracing(settings: Settings) -> None:
    """Send traces to the endpoint in the settings or OpenTelemetry's own variables, if any."""
    if not (settings.otlp_endpoint or any(map(os.environ.get, ENDPOINTS))):
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        log.warning(say("service.otel_not_installed", reason=error))
        return
    base = settings.otlp_endpoint
    endpoint = f"{base.rstrip('/')}/v1/traces" if base else None
    trace.set_tracer_provider(
        build_tracer_provider(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    )


def build_tracer_provider(*processors: "SpanProcessor") -> "TracerProvider":
    """Build a tracer provider that redacts URL queries from spans."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

    class WithoutQueries(SpanProcessor):
        def on_start(self, span: Any, parent_context: Any = None) -> None:
            if "url.query" in (span.attributes or {}):
                span.set_attribute("url.query", "REDACTED")

    name = os.environ.get("OTEL_SERVICE_NAME", "concertino")
    about = Resource.create({"service.name": name, "service.version": __version__})
    made = TracerProvider(resource=about)
    for processor in (WithoutQueries(), *processors):
        made.add_span_processor(processor)
    return made


def get_trace_context() -> str | None:
    """Return the current request's trace context, for the worker to continue the trace."""
    carrier: dict[str, str] = {}
    inject(carrier)
    return carrier.get(TRACE_HEADER)


@contextmanager
def start_task_span(job: Job) -> Iterator[None]:
    """Start the span of a task's run, within the trace of the originating request."""
    with trace.get_tracer(__name__).start_as_current_span(
        "invoke_workflow",
        context=extract({TRACE_HEADER: job.trace} if job.trace else {}),
        kind=SpanKind.CONSUMER,
        attributes={"gen_ai.operation.name": "invoke_workflow", "concertino.task.id": job.task_id},
        record_exception=False,
        set_status_on_exception=False,
    ):
        yield


def record_task_end(result: TaskResult) -> None:
    """Record a task's outcome in the current span, which is the task's."""
    span = trace.get_current_span()
    span.set_attribute("gen_ai.conversation.id", result.thread_id)
    span.set_attribute("concertino.task.status", result.status)
    if result.workflow:
        span.update_name(f"invoke_workflow {result.workflow}")
        span.set_attribute("gen_ai.workflow.name", result.workflow)
    if result.status == "failed":
        span.set_status(StatusCode.ERROR)


def build_span_callbacks() -> list[BaseCallbackHandler]:
    """Return callbacks that trace a run's nodes and model calls, if the span is recording."""
    return [SpanRecorder()] if trace.get_current_span().is_recording() else []


class SpanRecorder(BaseCallbackHandler):
    """Records a run's nodes and model calls as children of the current span."""

    run_inline = True

    def __init__(self) -> None:
        self._tracer = trace.get_tracer(__name__)
        self._top = trace.get_current_span()
        self._spans: dict[UUID, Span] = {}
        self._inside: dict[UUID, Span] = {}

    def on_chain_start(
        self, serialized: dict[str, Any], inputs: dict[str, Any], **about: Any
    ) -> None:
        node = (about.get("metadata") or {}).get("langgraph_node")
        if node and about.get("name") == node:
            name = {"gen_ai.agent.name": node}
            self._start(about, f"invoke_agent {node}", SpanKind.INTERNAL, name)
        else:
            self._inside[about["run_id"]] = self._get_parent(about)

    def on_chain_end(self, outputs: dict[str, Any], **about: Any) -> None:
        self._end(about["run_id"])

    def on_chain_error(self, error: BaseException, **about: Any) -> None:
        self._end(about["run_id"], error)

    def on_chat_model_start(
        self, serialized: dict[str, Any], messages: list[list[BaseMessage]], **about: Any
    ) -> None:
        called, _, model = str((about.get("metadata") or {}).get("model", "")).partition("/")
        asked = about.get("invocation_params") or {}
        attributes = {
            "gen_ai.provider.name": called,
            "gen_ai.request.model": model or called,
            "gen_ai.request.max_tokens": asked.get("max_tokens"),
            "gen_ai.request.temperature": asked.get("temperature"),
        }
        self._start(about, f"chat {model or called}", SpanKind.CLIENT, attributes)

    def on_llm_end(self, response: LLMResult, **about: Any) -> None:
        self._tell_tokens(about["run_id"], extract_token_counts(response))
        self._end(about["run_id"])

    def on_llm_error(self, error: BaseException, **about: Any) -> None:
        self._tell_tokens(about["run_id"], tokens_of_error(error))
        self._end(about["run_id"], error)

    def _tell_tokens(self, run_id: UUID, tokens: dict[str, int]) -> None:
        for kind, number in tokens.items():
            self._spans[run_id].set_attribute(TOKEN_ATTRIBUTES[kind], number)

    def _start(
        self, about: dict[str, Any], name: str, kind: SpanKind, attributes: dict[str, Any]
    ) -> None:
        known = {key: value for key, value in attributes.items() if value is not None}
        self._spans[about["run_id"]] = self._inside[about["run_id"]] = self._tracer.start_span(
            name,
            context=trace.set_span_in_context(self._get_parent(about)),
            kind=kind,
            attributes={"gen_ai.operation.name": name.partition(" ")[0], **known},
        )

    def _get_parent(self, about: dict[str, Any]) -> Span:
        return self._inside.get(about.get("parent_run_id") or about["run_id"], self._top)

    def _end(self, run_id: UUID, error: BaseException | None = None) -> None:
        self._inside.pop(run_id, None)
        span = self._spans.pop(run_id, None)
        if span is None:
            return
        if error is not None and not isinstance(error, GraphBubbleUp):  # these wait or are drained
            span.set_attribute("error.type", type(error).__qualname__)
            span.set_status(StatusCode.ERROR)
        span.end()
