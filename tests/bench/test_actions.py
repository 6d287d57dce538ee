"""The benchmark of the action loop: rows that survive a stop, a planner of one call, and peers
whose calls are performed, approved and checked."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bench.actions import Rows, format_matrix, format_table, load_all, run_all, vary
from bench.actions_peers import PeerBench
from concertino.tasks.scenarios import Scenario, ScenarioOutcome, run_scenario

from bench import actions_peers
from tests.scripted_model import ScriptedModel
from tests.scripted_server import ScriptedServer

Scripted = Callable[..., ScriptedModel]

SCENARIO = """
version: 1
name: {name}
workspace:
  files:
    a.txt: 12 apples
turns:
{turns}
"""
DELETE = """
- input: Delete a.txt
  expect: {status: needs_approval}
- input: approve
  expect: {status: done, answer_contains: [deleted], max_approvals: 1}
  verify:
  - python: import os; assert not os.path.exists('a.txt')
"""
DENY = """
- input: Delete a.txt
  expect: {status: needs_approval}
- input: "deny: I need it"
  expect: {status: done}
  verify:
  - python: import os; assert os.path.exists('a.txt')
"""
QUESTION = """
- input: Ask me
  expect: {status: needs_input, answer_contains: [Which]}
"""
COUNT = """
- input: How many apples are in a.txt?
  expect: {status: done, answer_contains: ['12']}
"""
PEER = """
import json, sys, urllib.request
order = json.loads(sys.stdin.readline())
def ask(address, body):
    head = {"Content-Type": "application/json"}
    data = json.dumps(body).encode()
    return json.load(urllib.request.urlopen(urllib.request.Request(address, data, head)))
for line in sys.stdin:
    text = json.loads(line)["input"]
    said = {"messages": [{"role": "user", "content": text}]}
    reply = ask(order["url"] + "/chat/completions", said)
    told = ""
    if "Delete" in text:
        told = ask(order["address"], {"name": "file_delete", "params": {"path": "a.txt"}})["text"]
    if "Ask" in text:
        ask(order["address"], {"name": "ask_user", "params": {"question": "Which one?"}})
    said = told or reply["choices"][0]["message"]["content"]
    print(json.dumps({"answer": said + " deleted" if told else said}), flush=True)
"""


def write_scenario(folder: Path, name: str, turns: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.yaml").write_text(SCENARIO.format(name=name, turns=turns))


def succeed(scenario: Scenario) -> ScenarioOutcome:
    return ScenarioOutcome(
        name=scenario.name,
        passed=scenario.name != "b",
        rounds=2,
        calls=1,
        prompt_tokens=100,
        output_tokens=10,
        seconds=1.5,
        faults=["1: no '12' in 'a | b'"] if scenario.name == "b" else [],
        task_ids=["t"],
    )


def test_a_run_that_was_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    for name in "abc":
        write_scenario(tmp_path / "in", name, COUNT)
    chosen = load_all([tmp_path / "in"], None)
    out = tmp_path / "rows.jsonl"
    run_all(chosen[:2], "act", succeed, Rows(out, resume=False))
    with out.open("a") as file:
        file.write('{"variant": "act", "name": "c", "pas')
    again: list[str] = []

    def note(scenario: Scenario) -> ScenarioOutcome:
        again.append(scenario.name)
        return succeed(scenario)

    rows = Rows(out, resume=True)
    run_all(chosen, "act", note, rows)
    assert again == ["c"]
    assert "| act | 2 of 3 | 2.0 | 1.0 | 100.0 | 10.0 | 1.5 |" in format_table(rows.all)
    assert "| b | 1: no '12' in 'a / b' |" in format_matrix(rows.all)


def test_one_call_chooses_an_action_and_fills_in_its_form(
    scripted: Scripted, tmp_path: Path
) -> None:
    write_scenario(tmp_path / "in", "count", COUNT)
    [scenario] = load_all([tmp_path / "in"], None)
    read = {"action": "file_read", "path": "a.txt", "offset": 0}
    told = {
        "action": "done",
        "outcome": "complete",
        "evidence": ["r1"],
        "message": "There are 12 apples.",
    }
    model = scripted(
        act_next=[{"reasoning": "look", "call": read}, {"reasoning": "known", "call": told}]
    )
    with vary(plans=False, shortlisted=False, one_call=True) as variant:
        outcome = run_scenario(scenario, model=model)
    assert variant == "act, no plans, no shortlist, one call"
    assert (outcome.passed, outcome.rounds, outcome.calls) == (True, 2, 1), outcome.faults
    assert len(model.asked) == 2
    offered = {line.partition("(")[0] for line in model.asked[0].splitlines() if "- " in line}
    assert {"- file_copy", "- file_edit", "- file_write", "- python_run"} <= offered


@pytest.fixture
def peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> argparse.Namespace:
    (tmp_path / "run_small.py").write_text(PEER)
    monkeypatch.setattr(actions_peers, "SCRIPTS", tmp_path)
    return argparse.Namespace(
        peer="small", python=sys.executable, key="k", model="m", seconds=60, tools=""
    )


def play(peer: argparse.Namespace, folder: Path, turns: str) -> ScenarioOutcome:
    write_scenario(folder, "one", turns)
    server = ScriptedServer(lambda body: (200, answer("There are 12.")))
    peer.url = server.url
    try:
        with PeerBench.open(peer) as bench:
            return bench.run_scenario(load_all([folder], None)[0])
    finally:
        server.close()


def answer(text: str) -> dict[str, Any]:
    return {
        "choices": [{"message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10},
    }


@pytest.mark.parametrize(("turns", "calls"), [(COUNT, 0), (DELETE, 1), (DENY, 1), (QUESTION, 0)])
def test_a_peers_turns_are_performed_answered_and_checked(
    peer: argparse.Namespace, tmp_path: Path, turns: str, calls: int
) -> None:
    outcome = play(peer, tmp_path / "in", turns)
    assert outcome.passed, outcome.faults
    assert (outcome.calls, outcome.prompt_tokens, outcome.output_tokens) == (calls, 100, 10)


def test_a_peer_that_leaves_the_files_as_they_were_has_failed(
    peer: argparse.Namespace, tmp_path: Path
) -> None:
    check = "  verify:\n  - python: assert open('a.txt').read() == '13 apples'\n"
    outcome = play(peer, tmp_path / "in", COUNT + check)
    assert not outcome.passed
    assert "AssertionError" in outcome.faults[0]


def test_a_peer_that_breaks_off_is_told_with_its_last_words(
    peer: argparse.Namespace, tmp_path: Path
) -> None:
    (tmp_path / "run_small.py").write_text("raise SystemExit('no such model')")
    outcome = play(peer, tmp_path / "in", COUNT)
    assert not outcome.passed
    assert "no such model" in json.dumps(outcome.faults)
