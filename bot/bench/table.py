"""The figures of benchmarks as tables in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.markdown import table

PLACE = "<!-- figures: written by `amiable bench table` -->"
"""In a page, the figures follow it."""
RUNS = (
    *("run", "clients", "looked at", "rows written", "seconds", "S", "C", "× (S + C)", "CPU s", "peak MB"),
    *("log MB", "longest lock s"),
)
OTHERS = ("figure", "size", "seconds", "per second", "compared with", "its seconds", "ratio", "remark")
SAID = (
    *("exponent", "times_as_fast", "times_less_cpu", "same_decisions", "unbalanced", "changed", "mean_ms"),
    *("p50_ms", "p95_ms", "p99_ms"),
)

Line = Mapping[str, Any]


def tables(figures: Sequence[Line]) -> str:
    """A table of the decision runs beside S + C, one of everything else, and the machines they were taken on."""
    runs = [one for one in figures if "scan_seconds" in one]
    others = [one for one in figures if "scan_seconds" not in one]
    parts = [table(RUNS, map(_run, runs))] if runs else []
    parts += [table(OTHERS, map(_other, others))] if others else []
    grown = [
        f"{one['size']:,} clients: {one['exponent']} in time, {one.get('cpu_exponent')} in CPU"
        for one in runs
        if "exponent" in one
    ]
    parts += [f"Exponent of growth from 10,000 clients: {'; '.join(grown)}."] if grown else []
    parts += [f"Machine: {machine}." for machine in dict.fromkeys(one["machine"] for one in figures)]
    return "\n\n".join(parts)


def _run(one: Line) -> list[str]:
    return [
        one["run"],
        f"{one['size']:,}",
        f"{one['looked_at']:,}",
        f"{one['rows']:,}",
        _seconds(one["seconds"]),
        _seconds(one["scan_seconds"]),
        _seconds(one["copy_seconds"]),
        f"**{one['ratio']:.2f}**",
        _seconds(one["cpu_seconds"]),
        f"{one['peak_mb']:.0f}",
        f"{one['log_mb']:.1f}",
        _seconds(one["lock_seconds"]),
    ]


def _other(one: Line) -> list[str]:
    return [
        f"{one['bench']}: {one['run']}" if "run" in one else one["bench"],
        f"{one['size']:,}",
        _seconds(one["seconds"]),
        f"{one['per_second']:,.0f}",
        one["baseline"]["what"],
        _seconds(one["baseline"]["seconds"]),
        f"{one['ratio']:.2g}",
        ", ".join(f"{name.replace('_', ' ')}: {one[name]}" for name in SAID if name in one),
    ]


def _seconds(value: float) -> str:
    return f"{value:.3f}" if value < 1 else f"{value:.2f}"
