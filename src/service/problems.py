"""Error responses: problem documents (RFC 9457), and under `/v1` what OpenAI's clients read."""

import logging
import re
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
from .chat.errors import describe_invalid, is_openai_path, respond_with_error

MEDIA_TYPE = "application/problem+json"
UNPARSED = "There was an error parsing the body"
"""FastAPI's words for a body that raises anything when it is read as JSON."""
FILES = ("/kb/", "/workspaces/")
"""Paths that take files, and so larger bodies."""

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
        param: the part of the request it is about, and
        code: a word for programs; both are shown under `/v1`.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        wait: float | None = None,
        headers: Mapping[str, str] | None = None,
        param: str | None = None,
        code: str | None = None,
    ) -> None:
        self.param = param
        self.code = code
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


def build_refusal(
    path: str, status: int, detail: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Build an error response in the form that the path's clients read."""
    if is_openai_path(path):
        return respond_with_error(status, detail, headers)
    return build_problem(status, detail, headers)


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
    path, status, detail = request.url.path, error.status_code, error.detail
    if not isinstance(error, Refusal):
        unparsed = say("service.unreadable") if detail == UNPARSED else None
        reason = unparsed or explain(request.scope, status) or detail
        return build_refusal(path, status, reason, error.headers)
    if is_openai_path(path):
        return respond_with_error(status, detail, error.headers, param=error.param, code=error.code)
    return build_refusal(path, status, detail, error.headers)


def explain(scope: Scope, status: int) -> str | None:
    """Explain a refusal by the framework, whose own words are the status's name; None if there is
    nothing to add to them."""
    path: str = scope["path"]
    match status:
        case 404 | 405:
            key = "chat.no_path" if is_openai_path(path) else "service.no_path"
            return say(key, method=scope["method"], path=path)
        case 413:
            settings = scope["app"].state.service.settings
            files = path.startswith(FILES)
            limit = settings.kb_max_file_mb << 10 if files else settings.serve_max_body_kb
            return say("service.too_large", limit=limit)
    return None


async def _handle_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    path = request.url.path
    if _is_unread_json(request, error):
        return build_refusal(path, 415, say("service.media_type"))
    if reason := _explain_body(error):
        return build_refusal(path, 400 if is_openai_path(path) else 422, reason)
    if is_openai_path(path):
        # Of a union the branch that came closest is told.
        first = max(error.errors(), key=lambda each: len(each["loc"]))
        param, code = describe_invalid(first)
        message = say("chat.invalid", param=param or "body", reason=_give_reason(first))
        return respond_with_error(400, message, param=param, code=code)
    errors = [
        FieldError(pointer="/" + "/".join(map(str, each["loc"])), detail=_give_reason(each))
        for each in error.errors()
    ]
    return build_problem(422, say("service.invalid"), errors=errors)


def _explain_body(error: RequestValidationError) -> str | None:
    """Return what is wrong with a body as a whole, if anything is."""
    for each in error.errors():
        if each["type"] == "json_invalid":
            reason = each.get("ctx", {}).get("error", each["msg"])
            return say("service.not_json", reason=reason, place=each["loc"][-1])
        if each["type"] == "value_error" and each["loc"] == ("body",):
            return _give_reason(each)
    return None


def _give_reason(error: Mapping[str, Any]) -> str:
    """Return the reason of one of pydantic's errors; our own in our words alone."""
    own = error.get("ctx", {}).get("error")
    return str(own if isinstance(own, InvalidTask) else error["msg"])


def _is_unread_json(request: Request, error: RequestValidationError) -> bool:
    """Return whether a body was not read as JSON since its media type is another one."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    unread = any(each["loc"] == ("body",) and each["type"] != "missing" for each in error.errors())
    return unread and not re.fullmatch(r"application/(.+\+)?json", kind)


async def _handle_own_error(request: Request, error: Exception) -> Response:
    path = request.url.path
    match error:
        case UnknownTask() | UnknownDocument():
            return build_refusal(path, 404, str(error))
        case InvalidTask():
            return build_refusal(path, 400 if is_openai_path(path) else 422, str(error))
        case TaskBusy():
            return build_refusal(path, 409, str(error))
    log.error("%s %s: %s", request.method, path, error)
    return build_refusal(path, 503, str(error))


async def _handle_unexpected(request: Request, error: Exception) -> Response:
    return build_refusal(request.url.path, 500, say("service.internal"))


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
                reason = explain(scope, status) or HTTPStatus(status).phrase
                await build_refusal(scope["path"], status, reason)(scope, receive, send)
            elif not replaced:
                await send(message)

        await self.app(scope, receive, send_wrapper if scope["type"] == "http" else send)


def _is_plain_refusal(message: Message) -> bool:
    kind = dict(message.get("headers", [])).get(b"content-type", b"")
    return bool(message["status"] >= 400 and kind.startswith(b"text/plain"))
