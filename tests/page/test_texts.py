"""What the page says: there in both languages, all of it used, and a name for whatever plays."""

import re
from itertools import chain

from concertino.actions.catalogue import ACTIONS
from concertino.graphs.coordinator import build_graph
from concertino.graphs.registry import WORKFLOWS
from concertino.learning.reward import TERM_NAMES

from tests.page.stand_in import PAGE

TEXTS = (PAGE / "texts.js").read_text()
ENTRIES = re.findall(r'^  "([\w.]+)": \{(.+?)\},$', TEXTS, re.DOTALL | re.MULTILINE)
KEYS = {key for key, _ in ENTRIES}
SOURCES = "\n".join(
    path.read_text()
    for path in chain(PAGE.glob("*.js"), [PAGE / "index.html"])
    if path.name != "texts.js"
)
BEGINNINGS = tuple(set(re.findall(r"`([a-z_]+\.(?:[a-z_]+\.)?)\$\{", SOURCES)))
"""Of the keys that are put together."""
FIELDS = re.compile(r"\{(\w+)(?::[^}]*)?\}")
COUNTED = re.compile(r"\{\w+\} [a-z]+s\b")
"""A number before a plural that is there whatever the number is."""


def test_every_text_is_there_in_both_languages_with_the_same_fields() -> None:
    for key, texts in ENTRIES:
        english, chinese = re.search(r'en:\s+(".+?"),\s+zh:\s+(".+?"),?\s*$', texts).groups()
        assert set(FIELDS.findall(english)) == set(FIELDS.findall(chinese)), key


def test_one_of_something_is_not_told_as_many() -> None:
    for key, texts in ENTRIES:
        assert not COUNTED.search(texts), key


def test_every_text_is_used_and_every_key_that_is_used_has_a_text() -> None:
    named = set(re.findall(r'say(?:ing)?\("([\w.]+)"', SOURCES))
    named |= set(re.findall(r'data-(?:say|label|placeholder)="([\w.]+)"', SOURCES))
    assert named <= KEYS
    unused = {key for key in KEYS if f'"{key}"' not in SOURCES and not key.startswith(BEGINNINGS)}
    assert unused == set()


def test_whatever_plays_has_a_name() -> None:
    outer = build_graph()
    players = {name for name in outer.nodes if not name.startswith("__")}
    steps = {
        name
        for _, graph in outer.get_subgraphs(recurse=True)
        for name in graph.nodes
        if not name.startswith("__")
    }
    missing = {f"name.{name}" for name in players} | {f"node.{name}" for name in steps}
    assert missing <= KEYS


def test_workflows_their_inputs_and_the_parts_of_a_reward_have_names() -> None:
    inputs = {name for flow in WORKFLOWS.values() for name in flow.inputs.model_fields}
    assert {f"name.{name}" for name in WORKFLOWS} <= KEYS
    assert {f"input.{name}" for name in inputs} <= KEYS
    assert {f"term.{name}" for name in TERM_NAMES} <= KEYS


def test_every_action_and_its_parameters_have_names() -> None:
    parameters = {name for action in ACTIONS.values() for name in action.params.model_fields}
    assert {f"action.{name}" for name in ACTIONS} <= KEYS
    assert {f"param.{name}" for name in parameters} <= KEYS


def test_every_module_is_asked_for_at_once_and_not_when_another_one_imports_it() -> None:
    index = (PAGE / "index.html").read_text()
    loaded = re.findall(
        r'<(?:link rel="modulepreload" href|script type="module" src)="([^"]+)"', index
    )
    assert sorted(loaded) == sorted(f"page/{path.name}" for path in PAGE.glob("*.js"))
