"""The benchmarks run: what they measure is no matter of tests."""

import json
from pathlib import Path
import subprocess
import sys

from benchmarks import document

ROOT = Path(__file__).parents[1]
POLL = {
    "figure": "poll, 1000 devices, same bytes",
    "value": 0.7123,
    "unit": "x fetch and parse",
    "reach": 0.8,
    "reached": True,
    "devices": 1000,
    "case": "same bytes",
    "ms": 5.5,
    "fetch_ms": 7.72,
    "write_ms": 0.0,
    "writes": 0,
    "us_a_device": 5.5,
}
ROUND = {
    "figure": "Enectiva, 1000 devices, nothing changed",
    "value": 3.6245,
    "unit": "x fetch and parse",
    "provider": "Enectiva",
    "devices": 1000,
    "state": "nothing changed",
    "polls": 50,
    "ms": 334.18,
    "fetch_ms": 92.2,
    "us_a_device": 242.0,
    "requests": 1006.0,
    "least": 1001,
    "writes": 0,
}
HOLD = {"figure": "longest hold", "value": 60, "unit": "ms", "reach": 50, "reached": False}


def test_polls_of_ten_devices() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.polls", "--sizes", "10", "--repeats", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    figures = {one["figure"]: one for one in map(json.loads, done.stdout.splitlines())}
    assert figures["set-up, 10 devices"]["states"] > 100
    requests = figures["requests a poll, 10 vehicles"]
    assert requests["value"] == requests["reach"]
    assert figures["poll, 10 devices, same bytes"]["writes"] == 0
    assert figures["poll, 10 devices, one timestamp a page"]["writes"] == 0
    assert figures["poll, 10 devices, all timestamps"]["writes"] == 0
    assert figures["poll, 10 devices, all changed"]["writes"] >= 100
    assert figures["poll, 10 devices, all changed"]["ms"] > 0
    assert "longest hold, 10 devices, 10 % changed" in figures


def test_each_provider() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.providers", "--sizes", "10", "--repeats", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    figures = {one["figure"]: one for one in map(json.loads, done.stdout.splitlines())}
    for provider in ("Enectiva", "Traxes", "ev.energy"):
        quiet = figures[f"{provider}, 10 devices, nothing changed"]
        assert quiet["writes"] == 0
        assert 0 < quiet["least"] <= quiet["requests"]
        assert figures[f"{provider}, 10 devices, all measured anew"]["writes"] >= 10
    assert "KOSTAL Smart Energy Meter, 1 devices, nothing changed" in figures


def test_figures_become_tables() -> None:
    lines = document.tables([POLL, ROUND, HOLD]).splitlines()
    assert "| 1,000 | same bytes | 5.5 | 5.5 | 7.7 | 0.71 (reach 0.8) | 0 | 0.0 |" in lines
    row = "| Enectiva | 1,000 | nothing changed | 50 | 1,006 | 1,001 | 334.2 | 92.2 | 3.62 | 242.0"
    assert f"{row} | 0 |" in lines
    assert "| longest hold | 60 ms (missed) | 50 |" in lines
