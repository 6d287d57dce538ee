"""Single calls of the model outside of tasks: counted and charged as those of tasks are."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from langchain_core.runnables.config import set_config_context

from ...models.client import LanguageModel, get_language_model
from ...work.spending import Spending
from ...work.tracing import build_span_callbacks
from ..dependencies import Service

T = TypeVar("T")


async def call_model(
    service: Service, owner: str | None, ask: Callable[[LanguageModel], Coroutine[Any, Any, T]]
) -> T:
    """Ask the service's model, at the owner's expense.

    Raises:
        ModelError: the model is unreachable, or gave no valid reply.
    """
    spending = Spending()
    watching = [service.queue.metrics.model_calls, spending, *build_span_callbacks()]
    model = await _open_model(service)
    try:
        with set_config_context({"callbacks": watching}) as context:
            return await asyncio.create_task(ask(model), context=context)
    finally:
        await service.ledger.charge(owner, spending)


async def _open_model(service: Service) -> LanguageModel:
    if service.model is not None:
        return LanguageModel.wrap(service.model)
    return await get_language_model(service.settings)
