"""The figures as the tables and pictures of `docs/performance.md`."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
import os
from pathlib import Path
import platform
from typing import Any, Final

type Figure = Mapping[str, Any]

ROOT: Final = Path(__file__).parents[1]
LINES: Final = ROOT / ".cache" / "bench.jsonl"
"""What was measured last."""

DOCUMENT: Final = ROOT / "docs" / "performance.md"
IMAGES: Final = ROOT / "docs" / "images"

_BEGIN: Final = "<!-- figures: begin -->"
_END: Final = "<!-- figures: end -->"
# Readable on white and on black.
_INK: Final = "#808080"
_COLOURS: Final = ("#1f9e89", "#3b82d0", "#8b6fd0", "#d08a2e", "#d0503b")


def polls(figures: Iterable[Figure]) -> list[Figure]:
    """Return the figures of cases of polls."""
    return [figure for figure in figures if "case" in figure]


def machine() -> str:
    """Return on what this runs."""
    model = platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return (
        f"{os.cpu_count()} CPUs ({model}), Python {platform.python_version()},"
        f" Home Assistant {version('homeassistant')}"
    )


def tables(figures: Sequence[Figure]) -> str:
    """Return the figures as Markdown: the polls, the providers, then all others."""
    lines = [
        "| devices | what changed | ms | µs a device | fetch, ms | ratio | writes | minimal, ms |",
        "| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {one['devices']:,} | {one['case']} | {one['ms']:.1f} | {one['us_a_device']:.1f}"
        f" | {one['fetch_ms']:.1f} | {_judged(one)} | {one['writes']:,} | {one['write_ms']:.1f} |"
        for one in polls(figures)
    ]
    lines += ["", *_of_providers(figures)]
    lines += ["", "| figure | value | reach |", "| --- | ---: | ---: |"]
    for one in figures:
        if "case" not in one and "state" not in one:
            reach = f"{one['reach']:.4g}" if "reach" in one else ""
            missed = " (missed)" if one.get("reached") is False else ""
            lines.append(
                f"| {one['figure']} | {one['value']:.4g} {one['unit']}{missed} | {reach} |"
            )
    return "\n".join(lines)


def _of_providers(figures: Iterable[Figure]) -> list[str]:
    """Return the table of what each provider costs in an interval."""
    return [
        (
            "| provider | devices | what became of it | polls | requests | least | ms | fetch, ms"
            " | ratio | µs a device more | writes |"
        ),
        "| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        *(
            f"| {one['provider']} | {one['devices']:,} | {one['state']} | {one['polls']:.0f}"
            f" | {one['requests']:,.0f} | {one['least']:,} | {one['ms']:.1f}"
            f" | {one['fetch_ms']:.1f} | {one['value']:.2f} | {one['us_a_device']:.1f}"
            f" | {one['writes']:,} |"
            for one in figures
            if "state" in one
        ),
    ]


def _judged(one: Figure) -> str:
    value = f"{one['value']:.2f}"
    if "reach" not in one:
        return value
    return f"{value} (reach {one['reach']}{'' if one['reached'] else ', missed'})"


def write_tables(figures: Sequence[Figure], *, quick: bool) -> None:
    """Print the tables, and put them between the document's markers."""
    command = "scripts/bench --report" + (" --quick" if quick else "")
    head = f"Made by `{command}` on {datetime.now(UTC):%Y-%m-%d}: {machine()}."
    made = f"{head}\n\n{tables(figures)}"
    print(made)
    before, _, rest = DOCUMENT.read_text().partition(_BEGIN)
    _, _, after = rest.partition(_END)
    DOCUMENT.write_text(f"{before}{_BEGIN}\n\n{made}\n\n{_END}{after}")


def write_plots(figures: Sequence[Figure]) -> None:
    """Draw what a device costs by their number, and what a poll costs beside its floor."""
    # Not at the top: only this needs it, and it takes a second.
    import matplotlib as mpl  # noqa: PLC0415 - see above

    mpl.use("svg")
    from matplotlib import pyplot as plt  # noqa: PLC0415 - see above

    mpl.rcParams.update(
        {
            "svg.hashsalt": "energy-connect",
            "svg.fonttype": "none",
            "font.size": 9,
            **dict.fromkeys(
                ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"),
                _INK,
            ),
        }
    )
    IMAGES.mkdir(exist_ok=True)

    def save(axes: Any, name: str) -> None:
        axes.grid(alpha=0.3, color=_INK)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, labelcolor=_INK, loc="center left", bbox_to_anchor=(1, 0.5))
        axes.figure.savefig(
            IMAGES / name, transparent=True, bbox_inches="tight", metadata={"Date": None}
        )
        plt.close(axes.figure)

    measured = polls(figures)
    cases = list(dict.fromkeys(one["case"] for one in measured))
    _, axes = plt.subplots(figsize=(6, 3.4))
    for case, colour in zip(cases, _COLOURS, strict=False):
        rows = [one for one in measured if one["case"] == case]
        x = [one["devices"] for one in rows]
        axes.plot(x, [one["us_a_device"] for one in rows], "o-", color=colour, label=case)
    axes.set(xscale="log", yscale="log", xlabel="devices", ylabel="µs of processor time a device")
    save(axes, "poll-growth.svg")

    largest = max(
        (one["devices"] for one in measured if one["devices"] <= 1000),
        default=measured[0]["devices"],
    )
    rows = [one for one in measured if one["devices"] == largest]
    _, axes = plt.subplots(figsize=(6, 2.8))
    names = [one["case"] for one in rows]
    places = range(len(rows))
    fetched = [one["fetch_ms"] for one in rows]
    writes = [one["write_ms"] for one in rows]
    axes.barh(
        [y - 0.2 for y in places],
        [one["ms"] for one in rows],
        0.38,
        color=_COLOURS[0],
        label="a poll",
    )
    axes.barh([y + 0.2 for y in places], fetched, 0.38, color=_COLOURS[1], label="fetch and parse")
    axes.barh(
        [y + 0.2 for y in places],
        writes,
        0.38,
        left=fetched,
        color=_COLOURS[3],
        label="minimal writes",
    )
    axes.set_yticks(list(places), names)
    axes.invert_yaxis()
    axes.set(xlabel=f"ms of processor time, {largest:,} devices")
    save(axes, "poll-cost.svg")
