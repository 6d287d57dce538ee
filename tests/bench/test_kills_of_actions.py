"""Tasks over files are killed at random moments: no effect is lost, none happens twice, and none is
told that did not happen."""

import os
import re
import subprocess
import sys

import pytest
from concertino.tools.sandbox import find_command_obstacle

KILLS = int(os.environ.get("KILLS", "6"))
"""How often a task's process is killed; CI asks for 30, the benchmark for 200."""


@pytest.mark.skipif(
    find_command_obstacle() is not None, reason="needs commands that can be confined"
)
def test_whatever_is_killed_every_effect_happens_once_and_is_told() -> None:
    # In a process of its own: the killed ones are forked with all modules of the one that starts
    # them, and a worker of pytest has some that cannot be loaded a second time.
    command = [sys.executable, "-m", "bench.kills_of_actions", "--kills", str(KILLS)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    counts = dict(re.findall(r"^\| ([a-z ]+) \| (\d+) \|$", run.stdout, re.MULTILINE))
    assert counts["kills"] == str(KILLS)
    assert counts["calls done"] != "0"
    assert (counts["leftovers"], counts["processes"]) == ("0", "0")
