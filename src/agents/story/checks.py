"""Automatic checks of a story, and the segments at fault."""

import asyncio
import re
from typing import NamedTuple

from pydantic import Field

from ...errors import StructuredOutputError
from ...language.messages import Language, say
from ...language.reading import find_other_language, find_repeats
from ...language.text import count_units, measure_chinese_share, split_units
from ...models.client import LanguageModel, Reply
from ...prompts import load_prompt
from ...state import Check, Contract, Usage
from .contracts import StoryBrief, StoryPlan
from .text import measure_coverage, measure_repetition, mentions

OPINION = load_prompt("story/opinion")
MAX_TOKENS = 350

TOLERANCE = 0.15
"""Allowed deviation from the requested length, as a share of it."""
MIN_COVERAGE: dict[Language, float] = {"en": 0.4, "zh": 0.3}
"""Share of a plot point's content words that its segment must contain, see `measure_coverage`."""
MAX_REPETITION = 0.15
"""Share of a segment's n-grams that may occur earlier in the story, see `measure_repetition`."""
MAX_FOREIGN_SHARE = 0.1
"""Share of a segment's units that may be in the other script, as in names and quotations."""
_OUT_OF_ROLE = re.compile(
    r"\b(?:as|I am|I'm) an? (?:AI|artificial|(?:large )?language model|assistant)\b"
    r"|作为(?:一个|一名)?(?:AI|人工智能|语言模型|助手)|我是(?:一个|一名)?(?:AI|人工智能|语言模型)",
    re.IGNORECASE,
)


class Finding(NamedTuple):
    """A check, and the places of the segments that fail it."""

    check: Check
    places: list[int]


class Opinion(Contract):
    """The model's opinion on whether a segment tells a plot point whose words it lacks."""

    quote: str = Field(max_length=400)
    """The sentence that tells it; the opinion counts only if the segment contains this sentence."""
    told: bool


def check_length(segments: list[str], brief: StoryBrief, language: Language) -> Finding:
    """Check that the story's length is within 15 % of the requested one. At fault are the segments
    that deviate from an equal share by more than that, in the direction of the whole story, or else
    all segments."""
    found = count_units("\n".join(segments))
    wanted = brief.length
    passed = abs(found - wanted) <= TOLERANCE * wanted
    share = wanted / max(1, len(segments))
    sign = 1 if found > wanted else -1
    off = [n for n, s in enumerate(segments) if sign * (count_units(s) - share) > TOLERANCE * share]
    detail = say(f"stories.length.{brief.language}", language, count=found, wanted=wanted)
    places = [] if passed else off or list(range(len(segments)))
    return Finding(Check(name="length", passed=passed, detail=detail), places)


def check_characters(
    segments: list[str], brief: StoryBrief, plan: StoryPlan, language: Language
) -> Finding:
    """Check that all characters named by the user appear, or those of the plan if the user named
    none. At fault is the segment whose plot point mentions the missing character, or else the
    first."""
    missing = missing_names(segments, brief, plan)
    places = {
        next((n for n, p in enumerate(plan.points[: len(segments)]) if mentions(p, name)), 0)
        for name in missing
    }
    detail = ", ".join(brief.characters or plan.characters) or "-"
    if missing:
        detail = say("stories.missing", language, names=", ".join(missing))
    return Finding(Check(name="characters", passed=not missing, detail=detail), sorted(places))


def missing_names(segments: list[str], brief: StoryBrief, plan: StoryPlan | None) -> list[str]:
    """Return the expected characters that do not appear."""
    named = brief.characters or (plan.characters if plan else [])
    text = "\n".join(segments)
    return [name for name in named if not mentions(text, name)]


def check_repetition(
    segments: list[str], brief: StoryBrief, language: Language, before: str = ""
) -> Finding:
    """Check that no segment repeats what the story has already said."""
    shares = measure_repetition(segments, brief.language, before)
    said = [before, *segments]
    places = [
        n
        for n, share in enumerate(shares)
        if share > MAX_REPETITION
        or find_repeats(segments[n], brief.language, "\n\n".join(said[: n + 1]))
    ]
    worst = max(range(len(shares)), key=lambda n: shares[n], default=0)
    detail = say(
        "stories.repeats", language, number=worst + 1, share=f"{max(shares, default=0):.0%}"
    )
    return Finding(Check(name="repetition", passed=not places, detail=detail), places)


def check_language(segments: list[str], brief: StoryBrief, language: Language) -> Finding:
    """Check that every segment is in the requested language."""
    wrong = [measure_chinese_share(s) < 1 - MAX_FOREIGN_SHARE for s in segments]
    if brief.language == "en":
        wrong = [measure_chinese_share(s) > MAX_FOREIGN_SHARE for s in segments]
    slips = [bool(find_other_language(s, brief.language, brief.topic)) for s in segments]
    places = [n for n in range(len(segments)) if wrong[n] or slips[n]]
    detail = say(f"language.{brief.language}", language)
    if places:
        detail = say("stories.parts", language, what=detail, parts=_format_places(places))
    return Finding(Check(name="language", passed=not places, detail=detail), places)


def check_role(segments: list[str], language: Language) -> Finding:
    """Check that a role-play turn stays in character."""
    out = [n for n, segment in enumerate(segments) if _OUT_OF_ROLE.search(segment)]
    detail = say("stories.out_of_role" if out else "stories.in_role", language)
    return Finding(Check(name="role", passed=not out, detail=detail), out)


def find_uncovered_points(segments: list[str], brief: StoryBrief, plan: StoryPlan) -> list[int]:
    """Return the places of plot points whose segments contain too few of their content words."""
    names = [*brief.characters, *plan.characters]
    padded = [*segments, *[""] * (len(plan.points) - len(segments))]
    return [
        place
        for place, (point, segment) in enumerate(zip(plan.points, padded, strict=True))
        if measure_coverage(point, segment, names) < MIN_COVERAGE[brief.language]
    ]


async def check_plot(
    model: LanguageModel,
    segments: list[str],
    brief: StoryBrief,
    plan: StoryPlan,
    language: Language,
) -> tuple[Finding, Usage]:
    """Check that every plot point is told in its segment: in its own words or, failing that, in the
    model's opinion backed by a quotation from the segment."""
    doubtful = [
        place for place in find_uncovered_points(segments, brief, plan) if place < len(segments)
    ]
    opinions = await asyncio.gather(
        *(ask_opinion(model, plan.points[n], segments[n], brief.language) for n in doubtful)
    )
    confirmed = {place for place, reply in zip(doubtful, opinions, strict=True) if reply.value}
    places = [
        place for place in find_uncovered_points(segments, brief, plan) if place not in confirmed
    ]
    share = f"{len(plan.points) - len(places)}/{len(plan.points)}"
    detail = "; ".join([share, *(plan.points[place] for place in places)])
    found = Finding(Check(name="plot", passed=not places, detail=detail), places)
    return found, sum((reply.usage for reply in opinions), Usage())


async def ask_opinion(
    model: LanguageModel, point: str, segment: str, language: Language
) -> Reply[bool]:
    """Ask the model whether the segment tells the plot point. A yes counts only with a quotation
    that the segment contains; an unusable reply is a no."""
    try:
        reply = await model.generate_structured(
            OPINION[language].messages(point=point, segment=segment),
            Opinion,
            max_tokens=MAX_TOKENS,
            language=language,
        )
    except StructuredOutputError as error:
        return Reply(False, error.usage)
    return Reply(reply.value.told and stands_in(reply.value.quote, segment), reply.usage)


def stands_in(quote: str, text: str) -> bool:
    """Return whether a text contains a quotation of at least three units, ignoring punctuation and
    case."""
    wanted = split_units(quote)
    return len(wanted) > 2 and f" {' '.join(wanted)} " in f" {' '.join(split_units(text))} "


def _format_places(places: list[int]) -> str:
    return ", ".join(str(place + 1) for place in places)
