"""StoryGenerate: writes the plot points one by one, and long ones in parts.

A call sees the plan, the running summary and the latest text, all of bounded length, so that its
prompt does not grow with the story. How much it is to write follows from what has been written:
each plot point may use an equal share of what is left of the story's length.
"""

import math

from langchain_core.messages import AIMessage, AnyMessage
from langgraph.runtime import Runtime

from ...context import RunContext, model_of
from ...language.messages import Language, say
from ...prompts import load
from ..turns import Stopwatch, tell
from .contracts import WORKFLOW, StoryBrief, StoryPlan, StoryState, opening_of
from .summary import summarise
from .text import count, cut, finished, prose, without_foreign, without_repeats

HEAD = load("story/generate")
ASK = load("story/part")
PART: dict[Language, int] = {"en": 240, "zh": 360}
"""Units asked for in one call."""
SENTENCE: dict[Language, int] = {"en": 12, "zh": 18}
"""Units of a usual sentence: a small model counts sentences better than words."""
RECENT: dict[Language, int] = {"en": 600, "zh": 900}
"""Units of the latest text that are shown as they stand; what is older is in the summary."""
TOKENS = 2
"""Tokens that a unit may cost; Qwen's tokenizer takes 1.3 for a word and 0.7 for a character."""
MISSING, TOO_MUCH = 0.2, 1.15
"""Shares of its length that a segment may lack before it is extended, and have before it is cut."""
MOST = 2.0
"""How much more than is needed may be asked of a model that writes too little."""
SHORT = 0.1
"""Share of the story's length that may be lacking at its end."""
TEMPERATURE = 0.7
"""At 0 a small model soon repeats itself; at 0.9 it loses the thread."""
TOPIC = 600
"""Characters of the person's words that each call sees."""
LEAST = 20
"""Units that a segment gets, even where the earlier ones have used up the length; a lack of fewer
is left to the next one."""
EXTENSIONS = 2
"""Further calls for a segment that stays too short."""


async def write_part(state: StoryState, runtime: Runtime[RunContext]) -> StoryState:
    """Write the next part. Extends `segments`."""
    watch, model = Stopwatch(), await model_of(runtime)
    brief, plan = state["brief"], the_plan(state)
    place, room = place_and_room(state)
    part = room / math.ceil(room / PART[brief.language])
    ends = place + 1 == len(plan.points) and part >= room
    reply = await model.text(
        [
            *told_so_far(state, state["summary"], state["recent"]),
            *ASK[brief.language].messages(
                **length_fields(part * _brevity(state), brief.language),
                number=place + 1,
                point=plan.points[place],
                hint=_hint(state, place, ends=ends),
            ),
        ],
        max_tokens=round(TOKENS * part * TOO_MUCH) + 60,
        temperature=TEMPERATURE,
        seed=seed(state, place * 100 + state["parts"]),
        aloud=True,
        varied=True,
    )
    later = plan.points[place + 1 :]
    before = "\n".join([opening_of(state), *state["segments"], *later])
    text = new_text(reply.value, before, brief)
    if count(text) > part * TOO_MUCH:
        text = cut(text, round(part), keep_end=ends)
    if text:
        tell(WORKFLOW, text)
    grown = state["segments"][place] if place < len(state["segments"]) else ""
    return {
        "segments": [*state["segments"][:place], f"{grown}\n\n{text}".strip()],
        "parts": state["parts"] + 1 if place < len(state["segments"]) else 1,
        "asked": state["asked"] + round(part),
        "recent": f"{state['recent']}\n\n{text}".strip(),
        "spent": reply.usage,
        "seconds": watch.seconds,
    }


def place_and_room(state: StoryState) -> tuple[int, int]:
    """Which plot point is written next, and how many units are left for it: the one that was
    written last as long as it is too short, and has calls left, else the one after it."""
    segments, points = state["segments"], the_plan(state).points
    written = [count(segment) for segment in segments]
    if segments:
        place = len(segments) - 1
        share = _share(state, sum(written[:-1]), len(points) - place)
        tries = math.ceil(share / PART[state["brief"].language]) + EXTENSIONS
        bearable = max(share * MISSING, min(LEAST, share / 2))
        if len(segments) == len(points):  # what comes after an ending spoils it
            bearable = state["brief"].length * SHORT
        if share - written[-1] > bearable and state["parts"] < tries:
            return place, share - written[-1]
    left = max(1, len(points) - len(segments))
    return len(segments), _share(state, sum(written), left)


async def remember(state: StoryState, runtime: Runtime[RunContext]) -> StoryState:
    """Take what is older than the latest paragraph into the running summary."""
    watch, model = Stopwatch(), await model_of(runtime)
    older, _, latest = state["recent"].rpartition("\n\n")
    language = state["brief"].language
    reply = await summarise(model, state["summary"], older, language)
    return {
        "summary": reply.value or state["summary"],
        "recent": latest,
        "spent": reply.usage,
        "seconds": watch.seconds,
    }


def after_part(state: StoryState) -> str:
    """Where to go when a part is written: on, to the summary, or to the checks."""
    place, _ = place_and_room(state)
    if place >= len(the_plan(state).points):
        return "judge"
    recent = state["recent"]
    too_long = count(recent) > RECENT[state["brief"].language] and "\n\n" in recent
    return "remember" if too_long else "write_part"


def the_plan(state: StoryState) -> StoryPlan:
    """The plan, which is there when anything is written."""
    plan = state["plan"]
    assert plan is not None  # noqa: S101  (only a turn of a role-play has none)
    return plan


def told_so_far(state: StoryState, summary: str, recent: str) -> list[AnyMessage]:
    """The conversation up to the next part: the story's outline, and what the model has written
    of it as its own turn, which it goes on with more readily than with a text that it is shown."""
    brief, plan = state["brief"], the_plan(state)
    names = dict.fromkeys([*brief.characters, *plan.characters])
    told = say("stories.before", brief.language, summary=summary) if summary else ""
    head = HEAD[brief.language].messages(
        topic=brief.topic[:TOPIC],
        style=brief.style or "-",
        characters=", ".join(names) or "-",
        title=plan.title,
        plot="\n".join(f"{n}. {point}" for n, point in enumerate(plan.points, 1)),
        summary=told,
    )
    return [*head, AIMessage(f"# {plan.title}\n\n{recent}".strip())]


def length_fields(part: float, language: Language) -> dict[str, int]:
    """How much to write, in round numbers."""
    return {
        "length": max(10, round(part / 10) * 10),
        "sentences": max(1, round(part / SENTENCE[language])),
    }


def new_text(reply: str, before: str, brief: StoryBrief) -> str:
    """What a reply adds to a story: whole sentences of prose in its language that are not in it
    already. A character that is played may speak as it likes."""
    text = finished(prose(reply))
    if brief.kind != "role_play":
        text = without_foreign(text, brief.language, f"{brief.topic} {brief.style} {before}")
    return without_repeats(text, before, brief.language)


def seed(state: StoryState, call: int) -> int:
    """A seed that is the same when a killed task goes on, and another for each new version."""
    tries = sum(record.decision is None for record in state.get("history", []))
    return 1000 * tries + call


def _share(state: StoryState, written: int, left: int) -> int:
    return max(LEAST, round((state["brief"].length - written) / left))


def _brevity(state: StoryState) -> float:
    """How much more the model has to be asked for than it is to write, from what it has written;
    what is too much is cut."""
    return min(MOST, max(1.0, state["asked"] / max(1, count("\n".join(state["segments"])))))


def _hint(state: StoryState, place: int, *, ends: bool) -> str:
    """Where in the story the call is."""
    if ends:
        hint = "end"
    elif place < len(state["segments"]):
        hint = "more"
    else:
        hint = "on" if state["recent"] else "begin"
    return say(f"stories.hint.{hint}", state["brief"].language)
