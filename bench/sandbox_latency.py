"""Latency of a sandbox call: ``python bench/sandbox_latency.py --calls 200``."""

import argparse
import asyncio
import statistics
import time

from concertino.tools.sandbox import Sandbox

PROGRAMS = {
    "arithmetic": "answer = 6 * 7",
    "import sympy": "from sympy import *\nanswer = sqrt(8)",
    "solve": "from sympy import *\nx = symbols('x')\nanswer = solve(x**2 - 5*x + 6, x)",
    "integrate": "from sympy import *\nx = symbols('x')\nanswer = integrate(x*sin(x), x)",
}


async def measure(sandbox: Sandbox, code: str, calls: int) -> list[float]:
    """Return the milliseconds of each of ``calls`` calls, run one after another."""
    taken = []
    for _ in range(calls):
        started = time.perf_counter()
        result = await sandbox.run(code)
        taken.append((time.perf_counter() - started) * 1000)
        if result.status != "ok":
            raise SystemExit(f"{result.status}: {result.error}")
    return taken


async def main(calls: int) -> None:
    sandbox = Sandbox()
    [cold] = await measure(sandbox, PROGRAMS["arithmetic"], 1)
    print(f"cold start {cold:8.1f} ms\n")
    print(f"{'program':<14}{'calls':>6}{'median ms':>11}{'p95 ms':>9}")
    for name, code in PROGRAMS.items():
        taken = await measure(sandbox, code, calls)
        p95 = statistics.quantiles(taken, n=20)[-1]
        print(f"{name:<14}{calls:>6}{statistics.median(taken):>11.1f}{p95:>9.1f}")
    sandbox.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=100, help="calls of each program")
    asyncio.run(main(parser.parse_args().calls))
