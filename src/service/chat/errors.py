"""Errors under `/v1` in the form that OpenAI's clients read."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

PREFIX = "/v1"
BRANCHES = ("str", "function", "list")
"""Beginnings of the names that pydantic gives the branches of a union, which are no part of the
request."""

_CODES = {
    401: "invalid_api_key",
    404: "not_found",
    413: "request_too_large",
    429: "rate_limit_exceeded",
}
_INVALID = {"missing": "missing_required_parameter", "extra_forbidden": "unknown_parameter"}


class ErrorDetail(BaseModel):
    """What went wrong."""

    message: str = Field(description="what to do, for a person")
    type: str
    param: str | None = Field(None, description="the part of the request, as `messages[0].content`")
    code: str | None = None


class OpenAIError(BaseModel):
    """An error as OpenAI's API has it."""

    error: ErrorDetail


def document_errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe these error statuses for the OpenAPI schema."""
    return {status: {"model": OpenAIError} for status in statuses}


def is_openai_path(path: str) -> bool:
    """Return whether a path belongs to `/v1`."""
    return path == PREFIX or path.startswith(f"{PREFIX}/")


def build_error(
    status: int, message: str, *, param: str | None = None, code: str | None = None
) -> dict[str, Any]:
    """Build the body of an error."""
    kind = "server_error" if status >= 500 else "invalid_request_error"
    if status == 429:
        kind = code = code or _CODES[429]
    detail = ErrorDetail(message=message, type=kind, param=param, code=code or _CODES.get(status))
    return OpenAIError(error=detail).model_dump()


def respond_with_error(
    status: int,
    message: str,
    headers: Mapping[str, str] | None = None,
    *,
    param: str | None = None,
    code: str | None = None,
) -> Response:
    """Build a response with an error"""
    body = build_error(status, message, param=param, code=code)
    return JSONResponse(body, status, headers=headers)


def describe_invalid(error: Mapping[str, Any]) -> tuple[str | None, str]:
    """Return the parameter that one of pydantic's errors is about, and OpenAI's code for it."""
    return name_parameter(error["loc"][1:]), _INVALID.get(error["type"], "invalid_value")


def name_parameter(place: Sequence[str | int]) -> str | None:
    """Name a part of the request's body as OpenAI does: `messages[0].content`."""
    name = ""
    for step in place:
        if isinstance(step, int):
            name += f"[{step}]"
        elif not step.startswith(BRANCHES) or not name:
            name += f".{step}" if name else step
    return name or None
