"""`python -m tests.faults.chaos`: SEED, KILLS and RUNS in the environment, `--control` to see it go red."""

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.faults.chaos.loop import Setup, run_loop, run_points
from tests.faults.chaos.plan import FEW_SCENES, SCENES, plan_of
from tests.faults.chaos.processes import FEWEST, NAMES, WORKERS
from tests.faults.chaos.strikes import STRIKES
from tests.faults.chaos.verdict import Verdict

ENDLESS: Final = 3000  # more runs than are asked for while every failpoint has its turn


def main() -> int:
    """Print the verdict, the fixed line last; 1 when a figure is not as promised."""
    options = _options()
    print(f"seed {options.seed}", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="paiban-faults-", ignore_cleanup_errors=True) as folder:
        verdict = _verdict(options, Path(folder))
        keep_logs(Path(folder), verdict)
    for complaint in verdict.complaints():
        print(f"  {complaint}")
    print(f"{verdict.interrupted} runs were interrupted, {verdict.sent_again} calls sent again under their key")
    print(f"calls without a key: {verdict.asked} sent again as told, {verdict.left_open} runs failed as unknown")
    if options.signal == "term":
        print(f"told to end, they ended within {verdict.slowest_end:.1f} s")
    if options.signal == "stop":
        print(f"calls that a stopped worker sent when it was let go on: {verdict.late}")
    print(f"ended unasked and were started again: {', '.join(verdict.gave_up) or 'none'}")
    print(f"stood still the longest: {verdict.slowest_was or 'none'}")
    print(f"{time.monotonic() - began:.0f} s, claims {'disabled' if options.control else 'as they are'}")
    print(line(options.seed, verdict))
    return 0 if verdict.holds else 1


def _verdict(options: argparse.Namespace, folder: Path) -> Verdict:
    setup = Setup(FEWEST if options.small else NAMES, options.in_place, options.control, options.signal)
    scenes = FEW_SCENES if options.small else SCENES
    if options.failpoints:
        return run_points(plan_of(options.seed, runs=ENDLESS, kills=0), folder, setup)
    victims = setup.names if options.signal == "kill" else WORKERS
    plan = plan_of(options.seed, runs=options.runs, kills=options.kills, victims=victims, scenes=scenes)
    return run_loop(plan, folder, setup)


def line(seed: int, verdict: Verdict) -> str:
    """The last line; others read it."""
    return (
        f"seed {seed}: runs {verdict.runs}, kills {verdict.kills}, lost {len(verdict.lost)}, "
        f"repeated {len(verdict.repeated)}, double charges {len(verdict.charged_twice)}, "
        f"slowest recovery {verdict.slowest:.0f} s"
    )


def keep_logs(folder: Path, verdict: Verdict) -> None:
    """What the processes said, for whoever has to find out."""
    kept = os.environ.get("CI_ARTIFACTS")
    if kept and not verdict.holds:
        for log in folder.glob("*.log"):
            (Path(kept) / f"faults-{log.name}").write_bytes(log.read_bytes())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--control", action="store_true", help="disable the workers' claims; this must go red")
    parser.add_argument("--failpoints", action="store_true", help="die once at every failpoint, instead of by chance")
    parser.add_argument(
        "--signal", choices=sorted(STRIKES), default="kill", help="end the workers politely, or stop them for a while"
    )
    parser.add_argument("--small", action="store_true", help="as few processes as it takes, for a quick look")
    parser.add_argument("--in-place", action="store_true", help="use DATABASE_URL itself, which is migrated and empty")
    parser.add_argument("--seed", type=int, default=_number("SEED", random.SystemRandom().randrange(1, 2**31)))
    parser.add_argument("--kills", type=int, default=_number("KILLS", 20))
    parser.add_argument("--runs", type=int, default=_number("RUNS", 200))
    options = parser.parse_args()
    if options.seed < 0 or options.kills < 1 or options.runs < 1:
        parser.error("SEED must not be negative, KILLS and RUNS must be at least 1")
    return options


def _number(name: str, otherwise: int) -> int:
    told = os.environ.get(name, "")
    if told and not told.isdecimal():
        sys.exit(f"{name} is {told!r}, not a whole number")
    return int(told) if told else otherwise


if __name__ == "__main__":
    sys.exit(main())
