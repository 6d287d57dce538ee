"""Schemas that go to a model: the longest reply they allow fits into its limit of tokens."""

import json
from typing import Any

import pytest
from concertino.agents.coordinator import build_decision_schema
from concertino.agents.lesson.answers import Draft
from concertino.agents.lesson.contracts import TeachingPlan
from concertino.agents.restate import Restated
from concertino.agents.sources.cited_answer import CitedSentences
from concertino.agents.story.checks import Opinion
from concertino.agents.story.plan import PlotDraft
from concertino.agents.story.request import StoryRequest
from concertino.models.structured import SHORT, build_provider_schema, fit_schema
from concertino.state import Comprehension, Contract, Diagnosis, Plan
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, create_model

SCHEMAS: list[type[Contract]] = [
    CitedSentences,
    Comprehension,
    Diagnosis,
    Draft,
    Opinion,
    Plan,
    PlotDraft,
    Restated,
    StoryRequest,
    TeachingPlan,
    build_decision_schema(("execution", "planning")),
]


def longest(node: dict[str, Any], root: dict[str, Any]) -> Any:
    """The longest value that a schema allows."""
    if "$ref" in node:
        return longest(root["$defs"][node["$ref"].rpartition("/")[2]], root)
    if "anyOf" in node:
        return max((longest(option, root) for option in node["anyOf"]), key=lambda v: len(str(v)))
    if words := node.get("enum", [node["const"]] if "const" in node else []):
        return max(words, key=len)
    match node.get("type"):
        case "object":
            return {name: longest(field, root) for name, field in node["properties"].items()}
        case "array":
            return [longest(node["items"], root)] * node.get("maxItems", 1)
        case "string":
            return "长" * node.get("maxLength", 0)
        case "boolean":
            return False
    return 1000


@pytest.mark.parametrize("model", SCHEMAS, ids=lambda model: model.__name__)
@pytest.mark.parametrize("room", [1200, 2400, 4800])
def test_the_longest_reply_that_a_schema_allows_fits_and_is_valid(
    model: type[Contract], room: int
) -> None:
    schema = fit_schema(build_provider_schema(model, string_bounds=True), room)
    reply = json.dumps(longest(schema, schema), ensure_ascii=False)
    assert len(reply) <= room
    model.model_validate_json(reply)


def bounded_item(number: int, length: int) -> type[BaseModel]:
    """A model with one text of so many characters at most."""
    return create_model(f"Item{number}", text=(str, Field(max_length=length)))


@given(
    st.lists(st.tuples(st.integers(1, 20), st.integers(10, 500)), min_size=1, max_size=5),
    st.integers(50, 5000),
)
def test_bounds_only_ever_shrink_and_never_below_a_short_sentence_or_one_item(
    lists: list[tuple[int, int]], room: int
) -> None:
    fields: dict[str, Any] = {
        f"list_{n}": (list[bounded_item(n, length)], Field(max_length=items))  # type: ignore[misc]
        for n, (items, length) in enumerate(lists)
    }
    before = build_provider_schema(create_model("Model", **fields), string_bounds=True)
    after = fit_schema(before, room)
    for name, field in before["properties"].items():
        assert 1 <= after["properties"][name]["maxItems"] <= field["maxItems"]
    for name, item in before["$defs"].items():
        shrunk = after["$defs"][name]["properties"]["text"]["maxLength"]
        whole = item["properties"]["text"]["maxLength"]
        assert min(whole, SHORT) <= shrunk <= whole


def test_a_schema_that_fits_stays_as_it_is() -> None:
    schema = build_provider_schema(Comprehension, string_bounds=True)
    assert fit_schema(schema, 100_000) == schema
