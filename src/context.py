"""Resources of a run outside its state: language model, sandbox, knowledge base. Never stored."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from langchain_core.language_models import BaseChatModel
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.runtime import Runtime, get_runtime
from pydantic import InstanceOf
from pydantic.json_schema import SkipJsonSchema

from .errors import ConcertinoError
from .language.messages import say
from .models.client import LanguageModel, get_language_model
from .models.loading import LoadingState, follow_loading
from .settings import get_settings
from .state import Sampling
from .store.effects import EffectLog
from .tools.sandbox import Sandbox, default_sandbox

if TYPE_CHECKING:
    from .kb import KnowledgeBase


@dataclass(frozen=True)
class RunContext:
    """Passed as `context` to the graph; Studio shows its plain fields."""

    model: str | None = None
    """A model, a provider, or `provider/model`; None uses the settings."""
    chat: Annotated[InstanceOf[BaseChatModel] | None, SkipJsonSchema()] = None
    """A LangChain chat model, used as is instead of `model`."""
    documents: Annotated[Path | None, SkipJsonSchema()] = None
    """Folder of the knowledge base; None uses the user's own."""
    checkpointer: Annotated[InstanceOf[BaseCheckpointSaver[str]] | None, SkipJsonSchema()] = None
    """Holds the bandit's table; None runs the Coordinator without a bandit."""
    effects: Annotated[InstanceOf[EffectLog] | None, SkipJsonSchema()] = None
    """Record of the task's effects; without it nothing is changed."""
    sampling: Annotated[Sampling | None, SkipJsonSchema()] = None
    """How texts for the reader are sampled; None leaves it to the agents."""


async def resolve_model(runtime: Runtime[RunContext]) -> LanguageModel:
    """Return the run's language model; what the run waits for meanwhile is reported as events."""
    # Without a context LangGraph passes None, regardless of the class's defaults.
    context = runtime.context or RunContext()
    if context.chat is not None:
        model = LanguageModel.wrap(context.chat)
    else:
        with follow_loading(partial(_report_loading, runtime)):
            model = await get_language_model(get_settings(), context.model)
    return model.with_sampling(context.sampling) if context.sampling else model


def _report_loading(runtime: Runtime[RunContext], state: LoadingState, share: float | None) -> None:
    runtime.stream_writer({"type": "model", "state": state, "share": share})


def get_sandbox() -> Sandbox:
    """Return the process's sandbox."""
    return default_sandbox(allow_unconfined=get_settings().allow_unconfined_sandbox)


def open_effect_log(runtime: Runtime[RunContext]) -> EffectLog:
    """Return the record of the task's effects.

    Raises:
        ConcertinoError: the run has none, as in LangGraph Studio.
    """
    if runtime.context is None or runtime.context.effects is None:
        raise ConcertinoError(say("act.no_log"))
    return runtime.context.effects


def open_knowledge_base() -> "KnowledgeBase":
    """Open the knowledge base of the task's owner; call this inside a node.

    Raises:
        ConcertinoError: a dependency is not installed, or the folder cannot be used.
    """
    try:
        from .kb import KnowledgeBase
    except ImportError as error:
        raise ConcertinoError(say("kb.not_installed", reason=error)) from error
    context = get_runtime(RunContext).context or RunContext()
    return KnowledgeBase(context.documents)
