"""``python -m fuzz [TARGET ...] [--seconds N]``: look for inputs that break a parser.

With atheris (Linux x86-64, CPython 3.11; it comes with ``make fuzz``) coverage guides the search;
without it seeds are damaged at random. An input that breaks a target is kept below ``fuzz/seeds``.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import random
import subprocess
import sys
import time
from pathlib import Path

from fuzz.mutation import mutated
from fuzz.seeds import ROOT, SEEDS, seeds_of
from fuzz.targets import TARGETS, quietly

WORK = ROOT / "build" / "fuzz"


def main() -> int:
    """Run the targets one after the other; 1 if any was broken."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=float, default=20, help="for each target")
    given = parser.parse_args()
    unknown = set(given.targets) - set(TARGETS)
    if unknown:
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    guided = importlib.util.find_spec("atheris") is not None
    run = run_guided if guided else run_at_random
    print("guided by coverage (atheris)" if guided else "at random: atheris is not installed")
    broken = [name for name in given.targets or TARGETS if not run(name, given.seconds)]
    print(f"broken: {', '.join(broken)}" if broken else "nothing broke")
    return 1 if broken else 0


def run_guided(name: str, seconds: float) -> bool:
    """libFuzzer ends its process, so each target has one of its own."""
    corpus, kept = WORK / name, SEEDS / name
    for folder in (corpus, kept):
        folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds_of(name):
        (corpus / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    print(f"{name} …", flush=True)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "fuzz.guided", name, str(corpus)),
            *(f"-max_total_time={round(seconds)}", f"-artifact_prefix={kept}/"),
            *("-max_len=16384", "-timeout=5", "-rss_limit_mb=2048", "-verbosity=0"),
        ],
        cwd=ROOT,
        check=False,
    )
    if not any(kept.iterdir()):
        kept.rmdir()
    return done.returncode == 0


def run_at_random(name: str, seconds: float) -> bool:
    """Damage seeds until time is over."""
    quietly()
    target, seeds, dice = TARGETS[name], seeds_of(name), random.Random()
    end, count = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        data = mutated(dice.choice(seeds), dice)
        count += 1
        try:
            target(data)
        except Exception as error:
            path = keep(name, data)
            print(f"{name}: {type(error).__name__}: {error}\n  {path.relative_to(ROOT)}")
            return False
    print(f"{name}: {count} inputs")
    return True


def keep(name: str, data: bytes) -> Path:
    """Write an input that broke a target where the suite will find it."""
    path = SEEDS / name / f"crash-{hashlib.sha256(data).hexdigest()[:16]}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


if __name__ == "__main__":
    sys.exit(main())
