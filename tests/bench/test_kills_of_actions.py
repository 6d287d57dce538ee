"""Tasks over files are killed at random moments: no effect is lost, none happens twice, and none is
told that did not happen."""

import os

import pytest
from bench.kills_of_actions import kill_tasks
from concertino.tools.sandbox import find_command_obstacle

KILLS = int(os.environ.get("KILLS", "6"))
"""How often a task's process is killed; CI asks for 30, the benchmark for 200."""


@pytest.mark.skipif(
    find_command_obstacle() is not None, reason="needs commands that can be confined"
)
def test_whatever_is_killed_every_effect_happens_once_and_is_told() -> None:
    counts = kill_tasks(KILLS)
    assert counts.problems == []
    assert counts.kills == KILLS
    assert counts.calls_done
    assert (counts.leftovers, counts.processes) == (0, 0)
