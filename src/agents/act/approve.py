"""Asking the user before calls that the policy does not simply allow."""

import re

from langgraph.types import interrupt

from ...language.messages import Language, say
from ...state import Approval, TaskState, Turn, Verdict
from ..turns import fingerprint

APPROVE = frozenset({"approve", "yes", "y", "ok", "批准", "同意", "可以", "是"})
APPROVE_ALL = frozenset({"approve all", "all", "全部批准", "全部同意", "都可以"})
_DENY = re.compile(r"^\s*(?:deny|no|拒绝|不同意|不)\s*[:：,，]?\s*", re.IGNORECASE)


async def ask_approval(state: TaskState) -> TaskState:
    """Ask the user about all calls that wait, and record the verdicts.

    Nothing else happens here, because the node runs again from its start when the answer arrives.
    """
    waiting = state.get("approvals", [])
    question = "\n".join(format_approval(approval, state["language"]) for approval in waiting)
    answer: str = interrupt(
        {"question": question, "approvals": [a.model_dump(mode="json") for a in waiting]},
        response_schema=str,
    )
    verdicts = [read_verdict(answer, approval) for approval in waiting]
    return {
        "verdicts": verdicts,
        "approvals": [],
        "turn": Turn(
            actor="approve",
            summary=say(
                "act.approved" if verdicts[0].approved else "act.denied_by_user",
                state["language"],
                calls=", ".join(approval.call for approval in waiting),
                reason=verdicts[0].reason,
            ),
            fingerprint=fingerprint(*waiting, answer),
        ),
    }


def read_verdict(answer: str, approval: Approval) -> Verdict:
    """Read the user's answer; what is not clearly an approval denies."""
    said = answer.strip().lower().rstrip("。.!！")
    if said in APPROVE_ALL:
        return Verdict(digest=approval.digest, approved=True, action=approval.action)
    if said in APPROVE:
        return Verdict(digest=approval.digest, approved=True)
    return Verdict(digest=approval.digest, approved=False, reason=_DENY.sub("", answer).strip())


def format_approval(approval: Approval, language: Language) -> str:
    """Return what the user is asked about one call."""
    params = ", ".join(f"{name}={value!r}" for name, value in approval.params.items())
    asked = say(
        "act.ask",
        language,
        action=approval.action,
        params=params,
        reason=approval.reason,
    )
    return f"{asked}\n{approval.diff}" if approval.diff else asked
