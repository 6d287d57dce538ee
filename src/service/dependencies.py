"""What the requests of one application share, and who is asking."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

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
    bells: Notifier
    drafts: LiveText
    queue: Queue
    uploads: Uploads
    streams: OpenStreams
    rates: RateLimiter
    readiness: Readiness
    open: bool
    """Whether whoever sits at this machine needs no key, since there is none."""


@dataclass(frozen=True)
class Caller:
    """Who is asking."""

    key: Key | None
    """None is whoever sits at this machine."""
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
    """Whose tasks and documents a request is about.

    Raises:
        Refusal: the key is missing or not known, or has asked too often.
    """
    if service.open and await service.keys.has_active_key():
        service.open = False  # from the first key on there is no way without one
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
