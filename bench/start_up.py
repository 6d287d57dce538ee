"""Seconds to import the package and to show the command's help, in fresh processes.

python -m bench.start_up
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

TIMES = 7
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import concertino": [sys.executable, "-c", "import concertino"],
    "concertino --help": [str(Path(sys.executable).with_name("concertino")), "--help"],
}


def seconds(command: list[str]) -> float:
    """Return the seconds that one run takes."""
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    print("| command | median s | best s |\n| --- | --- | --- |")
    for name, command in COMMANDS.items():
        times = [seconds(command) for _ in range(TIMES)]
        print(f"| {name} | {statistics.median(times):.3f} | {min(times):.3f} |")


if __name__ == "__main__":
    main()
