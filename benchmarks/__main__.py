"""``make bench``: the same work on us and on other servers, side by side, into docs/benchmarks.

make bench                                  all of it three times, in about 75 minutes
make bench ARGS=--quick                     two steps of each, once: does it work?
make bench NAME="whep tcp" ARGS="--only Gamecast,Janus"
make bench NAME=whep_fanout ARGS="--viewers 100,200"     one of the single measurements

A name that is no workload is a module of ``benchmarks``, which gets all other arguments.
"""

from __future__ import annotations

import argparse
import runpy
import signal
import sys
from pathlib import Path

from benchmarks import machine, report
from benchmarks.results_file import ResultsFile
from benchmarks.side_by_side import Plan, measure
from benchmarks.workloads import Pace, workloads

DOCS = Path(__file__).resolve().parent.parent / "docs" / "benchmarks"


def main(arguments: list[str]) -> int:
    """Measure, then write the results and the report made of them."""
    known = {workload.name: workload for workload in workloads()}
    if arguments and arguments[0] not in known and not arguments[0].startswith("-"):
        sys.argv = arguments
        runpy.run_module(f"benchmarks.{arguments[0]}", run_name="__main__", alter_sys=False)
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # it ends what it has started
    options = _parse(arguments, list(known))
    chosen = [known[name] for name in options.workload or known]
    pace = Pace(seconds=options.seconds, quick=options.quick)
    repeat = options.repeat
    if options.quick:
        pace, repeat = Pace(seconds=1.5, settle=1.0, quick=True), 1
    plan = Plan(
        workloads=chosen,
        pace=pace,
        repeat=repeat,
        minutes=options.minutes,
        only=frozenset(options.only.split(",")) if options.only else frozenset(),
    )
    options.out.mkdir(parents=True, exist_ok=True)
    results = ResultsFile.load(options.out / "results.json")
    sys.stderr.write(f"{machine.describe()}; load average {machine.load_average():.1f}\n")
    for workload in chosen:
        results.begin(workload, machine.describe(), quick=options.quick)
    for workload, case, outcome in measure(plan):
        results.add(workload, case, outcome)
        results.save()
    report.write(results, options.out)
    sys.stdout.write((options.out / "results.md").read_text())
    return 0


def _parse(arguments: list[str], names: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("workload", nargs="*", choices=[*names, []], help="; without: all")
    parser.add_argument("--quick", action="store_true", help="see that it works; no figures")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each step")
    parser.add_argument("--minutes", type=float, default=100.0, help="nothing is begun after that")
    parser.add_argument("--only", default="", help="contenders, by name: Gamecast,Janus")
    parser.add_argument("--out", type=Path, default=DOCS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
