"""The client for language models: text or structured output, usage, readable errors."""

import asyncio
import copy
import json
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar
from urllib.parse import urlsplit

import httpx
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.runnables import RunnableConfig
from langgraph.constants import TAG_NOSTREAM
from pydantic import SecretStr

from ..errors import ModelError, StructuredOutputError
from ..language.messages import Language, say
from ..prompts import load_prompt
from ..settings import Settings
from ..state import Sampling, Usage
from ..tools.addresses import is_loopback
from .providers import Choice, choose_provider, strip_login
from .structured import (
    M,
    bound_schema,
    build_provider_schema,
    format_validation_error,
    parse_reply,
    strip_thoughts,
)

if TYPE_CHECKING:
    from .embedded import EmbeddedServer
    from .slots import SlotPool

SCHEMA_PROMPT = load_prompt("models/json_schema")
REPAIR_PROMPT = load_prompt("models/json_repair")
CHARS_PER_TOKEN: dict[Language, float] = {"en": 3.0, "zh": 1.3}
"""Minimum characters per token of a reply, JSON syntax included."""

T = TypeVar("T")
DRY = {"dry_multiplier": 0.8, "dry_base": 1.75, "dry_allowed_length": 3}
"""llama.cpp's DRY sampler against repetition: a token that extends a repeated run of at least the
allowed length is penalised by multiplier · base^(length of the run − allowed length)."""
MAX_SEED = 2**31
Method = Literal["json_schema", "json_mode", "prompt"]


_FALLBACK_METHODS: dict[Method, Method] = {
    "json_schema": "json_mode",
    "json_mode": "prompt",
    "prompt": "prompt",
}


@dataclass(frozen=True)
class Reply(Generic[T]):
    """A model's reply and its usage, repairs included."""

    value: T
    usage: Usage
    cut_off: bool = False
    """Whether the model was stopped at its limit of tokens."""


@dataclass(frozen=True)
class Form(Generic[T]):
    """A form of structured replies."""

    name: str
    schema: dict[str, Any]
    """JSON schema, shown to models without a grammar."""
    strict: dict[str, Any]
    """The same in the form that the provider's grammar accepts."""
    parse: Callable[[str], T]
    """Reads a reply; raises ValueError if it is not of this form."""


class LanguageModel:
    """A LangChain chat model as the agents see it."""

    def __init__(
        self,
        chat: BaseChatModel,
        *,
        name: str,
        method: Method,
        string_bounds: bool = True,
        key: SecretStr | None = None,
        varied: Mapping[str, Any] | None = None,
        slots: "SlotPool | None" = None,
    ) -> None:
        self.chat = chat
        self.name = name
        self._key = key
        self._method = method
        self._string_bounds = string_bounds
        self._streams = True
        self._varied = dict(varied or {})
        self._slots = slots
        self._sampling = Sampling()

    @property
    def embedded(self) -> bool:
        """Whether it is this package's own small model."""
        return self._slots is not None

    @classmethod
    def wrap(cls, chat: BaseChatModel) -> "LanguageModel":
        """Wrap a caller's own chat model; only `ChatOpenAI` is known to accept a schema."""
        from langchain_openai import ChatOpenAI

        method: Method = "prompt"
        if isinstance(chat, ChatOpenAI):
            method = "json_schema"
            # OpenAI-style streams report usage only on request.
            chat = chat.model_copy(update={"stream_usage": True})
        return cls(chat, name=type(chat).__name__, method=method, string_bounds=False)

    def with_sampling(self, sampling: Sampling) -> "LanguageModel":
        """Return this model with texts for the reader sampled as told."""
        model = copy.copy(self)
        model._sampling = sampling
        return model

    async def generate_text(
        self,
        messages: Sequence[AnyMessage],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int | None = None,
        aloud: bool = False,
        varied: bool = False,
    ) -> Reply[str]:
        """Generate free text.

        Args:
            aloud: Stream the text to the task's followers while it is written.
            varied: Discourage repetition, if the provider supports it.

        Raises:
            ModelError: the model is unreachable or refused.
        """
        options: dict[str, Any] = {"max_tokens": max_tokens, "temperature": temperature}
        if seed is not None:
            options["seed"] = seed
        if varied:
            options |= self._varied
        if aloud:
            told = {**self._sampling}
            if "seed" in told:
                told["seed"] = (self._sampling["seed"] + (seed or 0)) % MAX_SEED
            options |= told
        whole = {**options, "stream": False}
        if not (aloud and self._streams):
            return await self._call(messages, whole, aloud=aloud)
        try:
            return await self._call(messages, options, aloud=True)
        except _StreamBroken as broken:
            reply = await self._call(messages, whole, aloud=True)
            self._streams = not broken.refused
            return reply

    async def generate_structured(
        self,
        messages: Sequence[AnyMessage],
        model: type[M],
        *,
        max_tokens: int,
        language: Language = "en",
        repair_cut_off: bool = True,
    ) -> Reply[M]:
        """Generate a value of `model`.

        The reply is constrained to the schema by the provider's grammar if it has one, and
        validated; an invalid reply gets one repair turn that shows the error, then a last try
        with the next weaker method.

        Args:
            language: Language of the repair turn and of the error.
            repair_cut_off: Whether an invalid reply that reached `max_tokens` is asked for again,
                which costs as much once more, for callers that have no other way to go on.

        Raises:
            StructuredOutputError: no try gave a valid value.
            ModelError: the model is unreachable or refused.
        """
        room = int(max_tokens * CHARS_PER_TOKEN[language])
        bounded = bound_schema(model, room)
        strict = bounded
        if not self._string_bounds:
            strict = build_provider_schema(model, string_bounds=False)
        return await self._generate_valid(
            messages,
            Form(model.__name__, bounded, strict, lambda text: parse_reply(text, model)),
            max_tokens=max_tokens,
            language=language,
            repair_cut_off=repair_cut_off,
        )

    async def generate_json(
        self,
        messages: Sequence[AnyMessage],
        form: "Form[T]",
        *,
        max_tokens: int,
        language: Language = "en",
    ) -> Reply[T]:
        """Generate a value of a form given at run time, as `generate_structured` does.

        Raises:
            StructuredOutputError: no try gave a valid value.
            ModelError: the model is unreachable or refused.
        """
        return await self._generate_valid(
            messages, form, max_tokens=max_tokens, language=language, learns=False
        )

    async def _generate_valid(
        self,
        messages: Sequence[AnyMessage],
        form: "Form[T]",
        *,
        max_tokens: int,
        language: Language,
        learns: bool = True,
        repair_cut_off: bool = True,
    ) -> Reply[T]:
        conversation = list(messages)
        spent = Usage()
        error = ""
        usual = self._method
        for last_resort in (False, False, True):
            method = _FALLBACK_METHODS[usual] if last_resort else usual
            try:
                reply = await self._call(
                    _append_schema(conversation, form.schema, method, language),
                    {
                        "max_tokens": max_tokens,
                        "temperature": 0.0,
                        "stream": False,
                        **_build_response_format(form, method),
                    },
                )
            except _FormatRefused as refused:
                usual = _FALLBACK_METHODS[method]
                error = str(refused)
                continue
            spent += reply.usage
            try:
                value = form.parse(reply.value)
                if learns:
                    self._method = usual
                return Reply(value, spent)
            except ValueError as invalid:
                error = format_validation_error(invalid)
                if reply.cut_off and not repair_cut_off:
                    break
                conversation = [
                    *messages,
                    AIMessage(reply.value),
                    *REPAIR_PROMPT[language].messages(error=error),
                ]
        fields = {"name": self.name, "form": form.name, "tries": spent.calls, "error": error}
        raise StructuredOutputError(say("model.no_valid", language, **fields), spent)

    async def _call(
        self, messages: Sequence[AnyMessage], options: dict[str, Any], *, aloud: bool = False
    ) -> Reply[str]:
        started = time.perf_counter()
        config: RunnableConfig = {
            "metadata": {"model": self.name},
            "tags": [] if aloud else [TAG_NOSTREAM],
        }
        try:
            message = await self._invoke_chat(list(messages), config, options)
        except Exception as error:
            cut_off = cut_off_reply(error)
            if cut_off is None:
                # Not `from error`: a provider's text may quote the key, and a traceback shows it.
                raise self._translate_error(error, options) from None
            message = cut_off
        return Reply(
            strip_thoughts(str(message.text)),
            _extract_usage(message, time.perf_counter() - started),
            cut_off=message.response_metadata.get("finish_reason") == "length",
        )

    async def _invoke_chat(
        self, messages: list[AnyMessage], config: RunnableConfig, options: dict[str, Any]
    ) -> AIMessage:
        if self._slots is None:
            return await self.chat.ainvoke(messages, config, **options)
        async with self._slots.acquire(messages) as slot:
            body = {**options.get("extra_body", {}), "id_slot": slot.number}
            return await self.chat.ainvoke(messages, config, **{**options, "extra_body": body})

    def _translate_error(self, error: Exception, options: dict[str, Any]) -> Exception:
        """Translate a provider's error into one that says what to do, without the key."""
        import openai

        formatted = "response_format" in options
        streamed = "stream" not in options

        text = strip_login(str(error)[:300])
        if self._key:
            text = text.replace(self._key.get_secret_value(), "***")
        match error:
            case openai.AuthenticationError() | openai.PermissionDeniedError():
                return ModelError(say("model.key_refused", name=self.name))
            case openai.NotFoundError():
                return ModelError(say("model.not_found", name=self.name))
            case openai.RateLimitError():
                return ModelError(say("model.rate_limit", name=self.name))
            case openai.BadRequestError() if formatted:
                return _FormatRefused(text)
            case openai.APITimeoutError() | TimeoutError() | httpx.TimeoutException():
                return ModelError(say("model.timeout", name=self.name))
            case openai.APIConnectionError() | httpx.TransportError() if streamed:
                return _StreamBroken(refused=False)
            case openai.APIConnectionError():
                return ModelError(say("model.unreachable", name=self.name))
            case openai.BadRequestError() | openai.UnprocessableEntityError() | ValueError() if (
                streamed
            ):
                return _StreamBroken(refused=True)
        return ModelError(f"{self.name}: {type(error).__name__}: {text}")


def cut_off_reply(error: BaseException) -> AIMessage | None:
    """Return the reply from OpenAI's error for a structured reply cut off at its token limit.

    For such replies OpenAI's client raises instead of returning the partial text. Returns None
    for other errors.
    """
    import openai

    if not isinstance(error, openai.LengthFinishReasonError):
        return None
    usage = error.completion.usage
    text = error.completion.choices[0].message.content
    how = {"finish_reason": "length"}
    if usage is None:
        return AIMessage(text or "", response_metadata=how)
    read = usage.prompt_tokens_details
    counted = UsageMetadata(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        total_tokens=usage.total_tokens,
        input_token_details={"cache_read": (read and read.cached_tokens) or 0},
    )
    return AIMessage(text or "", usage_metadata=counted, response_metadata=how)


class _FormatRefused(Exception):
    """The provider does not accept this `response_format`."""


@dataclass
class _StreamBroken(Exception):
    """A streamed reply failed."""

    refused: bool
    """Whether the provider refused the streaming request; else the connection was lost."""


def _build_response_format(form: Form[Any], method: Method) -> dict[str, Any]:
    """Build the option that has the provider hold a reply to its form."""
    if method == "prompt":
        return {}
    if method == "json_mode":
        return {"response_format": {"type": "json_object"}}
    shape = {"name": form.name, "schema": form.strict, "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": shape}}


def _append_schema(
    conversation: list[AnyMessage], schema: dict[str, Any], method: Method, language: Language
) -> list[AnyMessage]:
    """Append the schema to the prompt unless a grammar enforces it."""
    if method == "json_schema":
        return conversation
    shown = json.dumps(schema, ensure_ascii=False)
    return [*conversation, *SCHEMA_PROMPT[language].messages(schema=shown)]


def _extract_usage(message: AIMessage, seconds: float) -> Usage:
    counted = message.usage_metadata
    if counted is None:
        return Usage(calls=1, seconds=seconds)
    return Usage(
        calls=1,
        prompt_tokens=counted["input_tokens"],
        cached_tokens=counted.get("input_token_details", {}).get("cache_read", 0),
        output_tokens=counted["output_tokens"],
        seconds=seconds,
    )


_open_models: weakref.WeakKeyDictionary[
    asyncio.AbstractEventLoop, dict[tuple[Settings, str | None], LanguageModel]
] = weakref.WeakKeyDictionary()


_connect_locks: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = (
    weakref.WeakKeyDictionary()
)


async def get_language_model(settings: Settings, model: str | None = None) -> LanguageModel:
    """Return the model to use, started if needed; cached per event loop, as connections are."""
    models = _open_models.setdefault(asyncio.get_running_loop(), {})
    key = (settings, model)
    if key not in models:
        async with _connect_locks.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
            if key not in models:
                models[key] = await _connect(choose_provider(settings, model), settings)
    return models[key]


async def close_language_models() -> None:
    """Close the running loop's connections, before the loop is closed."""
    for model in _open_models.pop(asyncio.get_running_loop(), {}).values():
        await model.chat.http_async_client.aclose()  # type: ignore[attr-defined]


async def _connect(choice: Choice, settings: Settings) -> LanguageModel:
    from langchain_openai import ChatOpenAI

    row = choice.provider
    base_url = choice.base_url
    key = choice.api_key
    name = choice.model
    embedded = row.name == "embedded"
    # A slow machine may need minutes for a call; a retry would only make it slower.
    timeout = settings.task_timeout if embedded else settings.request_timeout
    server: EmbeddedServer | None = None
    if embedded:
        from .embedded import start_embedded

        server = await start_embedded(settings)
        base_url = server.base_url
        key = SecretStr(server.api_key)
    http = create_http_client(str(base_url), timeout)
    slots = None
    if server:
        from .slots import SlotPool

        slots = await asyncio.to_thread(SlotPool, server, http)
    if name is None:
        name = await _fetch_first_model(http, str(base_url), key)
    chat = ChatOpenAI(
        model=name,
        base_url=base_url,
        api_key=key or SecretStr("none"),
        timeout=timeout,
        stream_usage=True,
        stream_chunk_timeout=timeout,
        max_retries=0 if embedded else settings.max_retries,
        reasoning_effort=row.reasoning_effort if name == row.default_model else None,
        http_async_client=http,
    )
    return LanguageModel(
        chat,
        name=f"{row.name}/{name}",
        method=choice.structured_output,
        string_bounds=row.name in ("embedded", "compatible"),
        key=key,
        varied={"extra_body": DRY} if embedded else None,
        slots=slots,
    )


def create_http_client(base_url: str, seconds: float) -> httpx.AsyncClient:
    """Create a client for a server with a timeout in seconds.

    A server on this machine is reached without the environment's proxy.
    """
    here = is_loopback(urlsplit(base_url).hostname or "")
    return httpx.AsyncClient(timeout=seconds, trust_env=not here)


async def _fetch_first_model(http: httpx.AsyncClient, base_url: str, key: SecretStr | None) -> str:
    """Return the first model that a server lists."""
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
    try:
        response = await http.get(f"{base_url.rstrip('/')}/models", headers=headers)
        return str(response.raise_for_status().json()["data"][0]["id"])
    except (httpx.HTTPError, ValueError, LookupError, TypeError) as error:
        reason = strip_login(str(error))
        text = say("model.no_list", base_url=strip_login(base_url), reason=reason)
        raise ModelError(text) from None
