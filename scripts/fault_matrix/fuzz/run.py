"""Runs the cases, a process for each provider."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
import logging
import time
import traceback
from typing import Final

from hypothesis import HealthCheck, Phase, given, settings, strategies as st

from .bends import BENDS, Bend
from .judge import Judge
from .tape import record

_PHASES: Final = (Phase.generate, Phase.shrink)


def judge(provider: str, cases: int, *, derandomize: bool = False) -> int:
    """Go through so many cases, half of them with a single bad row; return how many there were.

    Raises whatever a bent payload brought about, shrunk to the least bend that does.
    """
    with asyncio.Runner() as runner:
        tape = runner.run(record(provider))
        judge = Judge(tape)
        runner.run(judge.prepare())
        options = settings(
            max_examples=max(1, cases // 2),
            deadline=None,
            database=None,
            derandomize=derandomize,
            phases=_PHASES,
            suppress_health_check=list(HealthCheck),
        )

        @options
        @given(BENDS)
        def any_bend(bends: list[Bend]) -> None:
            runner.run(judge.any_bend(bends))

        @options
        @given(BENDS, st.integers(0, 255))
        def one_row(bends: list[Bend], row: int) -> None:
            runner.run(judge.one_row(bends, row))

        any_bend()
        one_row()
        return judge.cases


def _run(provider: str, cases: int) -> tuple[str, int, str, float]:
    """Return the provider, how many cases ran, what failed, and the seconds it took."""
    logging.disable(logging.CRITICAL)
    began = time.monotonic()
    done, failure = 0, ""
    try:
        done = judge(provider, cases)
    except Exception:  # noqa: BLE001 - whatever it is, it is what was looked for
        failure = traceback.format_exc(limit=-6)
    return provider, done, failure, time.monotonic() - began


def run_all(providers: Sequence[str], cases: int, jobs: int) -> int:
    """Run all providers; return 0 if nothing but our own errors left any account."""
    code = 0
    with ProcessPoolExecutor(max_workers=jobs) as pool:
        tasks = [pool.submit(_run, provider, cases) for provider in providers]
        for task in as_completed(tasks):
            provider, done, failure, seconds = task.result()
            if failure:
                code = 1
                print(f"fuzz: {provider}: FAILED after {seconds:.0f} s\n{failure}", flush=True)
            else:
                print(f"fuzz: {provider}: {done} cases survived in {seconds:.0f} s", flush=True)
    return code
