"""State shared by an application's requests, and authentication of callers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from langchain_core.language_models import BaseChatModel

from ..language.messages import say
from ..settings import Settings
from ..work.ledger import Ledger
from ..work.live_text import LiveText
from ..work.logs import add_log_fields
from ..work.notifier import Notifier
from ..work.queues import Queue
from .keys import Key, Keys
from .limits import OpenStreams, RateLimiter
from .problems import Refusal
from .readiness import Readiness
from .uploads import Uploads

BEARER = HTTPBearer(auto_error=False, description="a key made with `concertino keys create`")


@dataclass
class Service:
    """Everything that lives as long as the application."""

    settings: Settings
    ledger: Ledger
    keys: Keys
    notifier: Notifier
    live_text: LiveText
    queue: Queue
    uploads: Uploads
    streams: OpenStreams
    rates: RateLimiter
    readiness: Readiness
    open: bool
    """Whether local use needs no API key because none exists."""
    model: BaseChatModel | None
    """A chat model for everything; None uses the settings'."""


@dataclass(frozen=True)
class Caller:
    """The authenticated sender of a request."""

    key: Key | None
    """API key; None for a local user without a key."""
    documents: Path | None
    """Folder of the caller's knowledge base; None is the machine's own."""

    @property
    def owner(self) -> str | None:
        return self.key.key_id if self.key else None


def get_service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


ServiceDep = Annotated[Service, Depends(get_service)]


async def authenticate_caller(
    service: ServiceDep,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)],
) -> Caller:
    """Authenticate the caller of a request.

    Raises:
        Refusal: the key is missing, unknown or revoked, or has exceeded its rate limit.
    """
    if service.open and await service.keys.has_active_key():
        service.open = False  # once a key exists, every request needs one
    if service.open:
        return Caller(None, None)
    key = await service.keys.find(credentials.credentials) if credentials else None
    if key is None:
        raise Refusal(401, say("service.no_key"), headers={"WWW-Authenticate": "Bearer"})
    add_log_fields(key=key.key_id)
    per_minute = key.requests_per_minute or service.settings.serve_requests_per_minute
    if wait := await service.rates.take(key.key_id, per_minute):
        raise Refusal(429, say("service.too_often", limit=per_minute), wait=wait)
    return Caller(key, service.settings.documents_of(key.key_id))


CallerDep = Annotated[Caller, Depends(authenticate_caller)]
