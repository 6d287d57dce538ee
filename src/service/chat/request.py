"""The request of a chat completion: its form, and which of OpenAI's parameters are honoured.

A parameter is honoured, or asks for nothing (`null`, or what OpenAI has as its default), or labels
the request for OpenAI's own accounts, or is refused by name. Nothing is dropped silently.
"""

from collections.abc import Mapping
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from ...language.messages import say
from ...state import Sampling
from ..problems import Refusal
from ..schemas import EXAMPLE_QUESTION, Body

MODEL_NAME = "concertino"
TEXT_PARTS = ("text", "refusal")

_ASKS_NOTHING: Mapping[str, tuple[Any, ...]] = {
    "n": (1,),
    "tools": ([],),
    "functions": ([],),
    "tool_choice": ("none", "auto"),
    "function_call": ("none", "auto"),
    "parallel_tool_calls": (True, False),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "logit_bias": ({},),
    "modalities": (["text"],),
    "service_tier": ("auto", "default"),
    "verbosity": ("medium",),
    "reasoning_effort": (),
    "prediction": (),
    "audio": (),
    "web_search_options": (),
}
"""Parameters that are not supported, each with the values that are accepted."""


class Part(BaseModel):
    """A part of a message's content; only text is understood."""

    model_config = ConfigDict(extra="allow")

    type: str
    text: str | None = None
    refusal: str | None = None

    @field_validator("type")
    @classmethod
    def _check_type(cls, kind: str) -> str:
        if kind not in TEXT_PARTS:
            raise PydanticCustomError("unsupported_part", "{reason}", {"reason": say("chat.part")})
        return kind


class Message(BaseModel):
    """A message of the conversation."""

    model_config = ConfigDict(extra="allow")

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = Field(None, validate_default=True)

    @field_validator("content")
    @classmethod
    def _check_content(cls, content: Any, info: ValidationInfo) -> Any:
        """Only what an assistant or a function said may have no text."""
        if content is None and info.data.get("role") in ("system", "developer", "user"):
            raise PydanticCustomError("missing", "{reason}", {"reason": say("chat.no_content")})
        return content

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            return "\n".join(part.text or part.refusal or "" for part in self.content)
        return self.content or ""


class StreamOptions(BaseModel):
    """Options for streamed responses."""

    include_usage: bool | None = None
    include_obfuscation: bool | None = Field(None, description="accepted; nothing is padded")


class JsonForm(BaseModel):
    """A named JSON schema."""

    name: str = Field(max_length=64)
    description: str | None = None
    schema_: dict[str, Any] = Field({"type": "object"}, alias="schema")
    strict: bool | None = None


class ResponseFormat(BaseModel):
    """The form of the reply."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonForm | None = None


class Completion(Body):
    """A conversation to continue."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"model": MODEL_NAME, "messages": [{"role": "user", "content": EXAMPLE_QUESTION}]}
            ]
        },
    )

    model: str = Field(description="`concertino`, or `concertino/WORKFLOW`", max_length=200)
    messages: list[Message] = Field(min_length=1, description="the last one, a user's, is the task")
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    response_format: ResponseFormat | None = None
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(
        None,
        ge=1,
        description="length of the answer; a token is a Chinese character, a sign, or "
        "up to four letters or digits",
    )
    stop: str | list[str] | None = Field(None, description="the answer ends before any of these")
    temperature: float | None = Field(
        None, ge=0, le=2, description="for stories, lessons and summaries; sums are not sampled"
    )
    top_p: float | None = Field(None, gt=0, le=1, description="as `temperature`")
    seed: int | None = Field(None, ge=-(2**31), lt=2**31, description="as `temperature`")
    frequency_penalty: float | None = Field(None, ge=-2, le=2, description="as `temperature`")
    presence_penalty: float | None = Field(None, ge=-2, le=2, description="as `temperature`")

    user: str | None = Field(None, description="a label, without effect; as the next five")
    metadata: dict[str, str] | None = None
    store: bool | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None

    n: int | None = Field(None, description="1")
    tools: list[Any] | None = Field(None, description="not supported, as all that follow")
    tool_choice: Any = None
    functions: list[Any] | None = None
    function_call: Any = None
    parallel_tool_calls: bool | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    logit_bias: dict[str, Any] | None = None
    modalities: list[str] | None = None
    service_tier: str | None = None
    verbosity: str | None = None
    reasoning_effort: str | None = None
    prediction: Any = None
    audio: Any = None
    web_search_options: Any = None

    @field_validator("stop")
    @classmethod
    def _check_stop(cls, stop: Any) -> Any:
        words = [stop] if isinstance(stop, str) else stop or []
        if len(words) > 4 or not all(words):
            raise PydanticCustomError("stop", "{reason}", {"reason": say("chat.stop")})
        return words

    @property
    def limit(self) -> int | None:
        """The most tokens of the answer."""
        limits = [each for each in (self.max_tokens, self.max_completion_tokens) if each]
        return min(limits, default=None)

    @property
    def sampling(self) -> Sampling:
        """How the texts for the reader are to be sampled."""
        wished = {name: getattr(self, name) for name in Sampling.__annotations__}
        return cast(
            "Sampling", {name: value for name, value in wished.items() if value is not None}
        )


def check_parameters(asked: Completion) -> None:
    """Check that nothing is asked for that is not supported.

    Raises:
        Refusal: it names the parameter.
    """
    uncalled = "none" in (asked.tool_choice, asked.function_call)
    for name, harmless in _ASKS_NOTHING.items():
        value = getattr(asked, name)
        if value is None or value in harmless or (uncalled and name in ("tools", "functions")):
            continue
        if harmless and name not in ("tools", "functions"):
            accepted = ", ".join(repr(each) for each in harmless)
            raise Refusal(
                400,
                say("chat.unsupported_value", param=name, accepted=accepted),
                param=name,
                code="unsupported_value",
            )
        raise Refusal(
            400, say("chat.unsupported", param=name), param=name, code="unsupported_parameter"
        )
