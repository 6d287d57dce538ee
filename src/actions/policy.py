"""Who may do what. The program decides, from the effect, its targets and what was approved; nothing
that a model writes can approve anything."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ..state import Verdict
from .spec import Action, Targets
from .workspace import Change, digest

Mode = Literal["read_only", "workspace", "ask"]
"""`read_only`: nothing is changed. `workspace`: files in the workspace may be written; deleting,
running commands and the network ask. `ask`: every effect asks."""
Reason = Literal["read_only", "mode", "delete", "execute", "network", "untrusted", "unknown_effect"]


@dataclass(frozen=True)
class Request:
    """A call as the policy sees it."""

    action: Action[Any, Any]
    params: dict[str, Any]
    """Parameters with placeholders filled in."""
    targets: Targets = field(default_factory=Targets)
    changes: Sequence[Change] = ()
    from_untrusted: bool = False
    """Whether a path, host or command of it comes from somebody else's text, and was not named by
    the user."""

    @property
    def deletes(self) -> bool:
        """Whether a content is lost: no file of the workspace gets what a deleted one held."""
        kept = {change.after for change in self.changes}
        return any(c.after is None and c.before not in kept for c in self.changes)

    @property
    def digest(self) -> str:
        """Digest of the action, its parameters and its changes."""
        changes = [(c.path, digest(c.before), digest(c.after)) for c in self.changes]
        asked = json.dumps([self.action.name, self.params, changes], sort_keys=True, default=str)
        return hashlib.sha256(asked.encode()).hexdigest()


@dataclass(frozen=True)
class Ruling:
    """What the policy says of a call."""

    answer: Literal["allow", "ask", "forbid"]
    reason: Reason | None = None
    """Why it is not simply allowed."""
    denied: str | None = None
    """What the user said when denying it."""


ALLOW = Ruling("allow")


def rule(request: Request, mode: Mode, verdicts: Sequence[Verdict]) -> Ruling:
    """Decide whether a call may be carried out.

    Args:
        request: The call.
        mode: What the user allows in general.
        verdicts: The user's answers in this task so far.
    """
    ruling = _rule_by_mode(request, mode)
    if ruling.answer != "ask":
        return ruling
    for verdict in reversed(verdicts):
        if verdict.digest == request.digest and not verdict.approved:
            return Ruling("forbid", ruling.reason, verdict.reason)
        if verdict.digest == request.digest:
            return ALLOW
    kinds = {verdict.action for verdict in verdicts if verdict.approved}
    asks_always = request.targets.risky or request.from_untrusted
    return ALLOW if request.action.name in kinds and not asks_always else ruling


def _rule_by_mode(request: Request, mode: Mode) -> Ruling:
    effect = request.action.effect
    if effect == "read" and not request.changes:
        return ALLOW
    if mode == "read_only":
        return Ruling("forbid", "read_only")
    if effect in ("execute", "network"):
        return Ruling("ask", "execute" if effect == "execute" else "network")
    if effect == "delete" or request.deletes:
        return Ruling("ask", "delete")
    if request.from_untrusted:
        return Ruling("ask", "untrusted")
    return Ruling("ask", "mode") if mode == "ask" else ALLOW
