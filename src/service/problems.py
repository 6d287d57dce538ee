"""Error responses as problem documents (RFC 9457)."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import ConcertinoError, InvalidTask, TaskBusy, UnknownTask
from ..kb.contracts import UnknownDocument
from ..language.messages import say

MEDIA_TYPE = "application/problem+json"

log = logging.getLogger(__name__)


class FieldError(BaseModel):
    """An error in one part of a request."""

    pointer: str = Field(description="where it is, such as `/body/question`")
    detail: str


class Problem(BaseModel):
    """A problem document: why a request was refused."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = Field(description="what to do, for a person")
    errors: list[FieldError] = []


class Refusal(HTTPException):
    """A refused request; the detail says what to do.

    Args:
        wait: seconds after which the request may be retried (`Retry-After`, at least 1).
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        wait: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        after = {} if wait is None else {"Retry-After": str(max(1, round(wait)))}
        super().__init__(status, detail, {**after, **(headers or {})})


def build_problem(
    status: int,
    detail: str,
    headers: Mapping[str, str] | None = None,
    errors: list[FieldError] | None = None,
) -> Response:
    """Build a response with a problem document."""
    body = Problem(
        title=HTTPStatus(status).phrase, status=status, detail=detail, errors=errors or []
    )
    return JSONResponse(body.model_dump(), status, headers=headers, media_type=MEDIA_TYPE)


def document_problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe these error statuses for the OpenAPI schema."""
    return {
        status: {"model": Problem, "description": HTTPStatus(status).phrase} for status in statuses
    }


def install(app: FastAPI) -> None:
    """Answer every error of the application with a problem document."""
    app.add_exception_handler(HTTPException, _handle_http_error)
    app.add_exception_handler(RequestValidationError, _handle_invalid_request)
    app.add_exception_handler(ConcertinoError, _handle_own_error)
    app.add_exception_handler(Exception, _handle_unexpected)
    app.add_middleware(PlainRefusals)
    plain = app.openapi
    app.openapi = lambda: _set_media_type(plain())  # type: ignore[method-assign]


def _set_media_type(schema: dict[str, Any]) -> dict[str, Any]:
    """Set the media type of problems in the schema, for which FastAPI has no setting."""
    operations = [each for path in schema["paths"].values() for each in path.values()]
    for response in (each for one in operations for each in one["responses"].values()):
        for kind, content in dict(response.get("content", {})).items():
            if content.get("schema", {}).get("$ref", "").endswith("/Problem"):
                response["content"] = {MEDIA_TYPE: response["content"][kind]}
    return schema


async def _handle_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  (registered for it)
    if error.status_code < 400:
        return Response(status_code=error.status_code, headers=error.headers)
    return build_problem(error.status_code, error.detail, error.headers)


async def _handle_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    errors = [
        FieldError(pointer="/" + "/".join(map(str, each["loc"])), detail=str(each["msg"]))
        for each in error.errors()
    ]
    return build_problem(422, say("service.invalid"), errors=errors)


async def _handle_own_error(request: Request, error: Exception) -> Response:
    match error:
        case UnknownTask() | UnknownDocument():
            return build_problem(404, str(error))
        case InvalidTask():
            return build_problem(422, str(error))
        case TaskBusy():
            return build_problem(409, str(error))
    log.error("%s %s: %s", request.method, request.url.path, error)
    return build_problem(503, str(error))


async def _handle_unexpected(request: Request, error: Exception) -> Response:
    return build_problem(500, say("service.internal"))


class PlainRefusals:
    """Replaces plain-text error responses from Starlette with problem documents."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        replaced = False

        async def send_wrapper(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and _is_plain_refusal(message):
                replaced = True
                status = message["status"]
                await build_problem(status, HTTPStatus(status).phrase)(scope, receive, send)
            elif not replaced:
                await send(message)

        await self.app(scope, receive, send_wrapper if scope["type"] == "http" else send)


def _is_plain_refusal(message: Message) -> bool:
    kind = dict(message.get("headers", [])).get(b"content-type", b"")
    return bool(message["status"] >= 400 and kind.startswith(b"text/plain"))
