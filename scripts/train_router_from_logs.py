"""Train the router from traces: ``python scripts/train_router_from_logs.py --traces traces/``.

The same as ``concertino train-router``, for those who look for a script.
"""

import argparse
import sys

from concertino.cli.main import main

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--traces", nargs="+", default=[], help="files and folders; or your own")
    parser.add_argument("--label", choices=["best", "chosen"], default="best")
    parser.add_argument("--force", action="store_true", help="use it even where it is not better")
    given = parser.parse_args()
    traces = [part for path in given.traces for part in ("--traces", path)]
    force = ["--force"] * given.force
    sys.argv = ["concertino", "train-router", "--label", given.label, *force, *traces]
    main()
