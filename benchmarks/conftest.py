"""Says the results as ratios within the run: the only figures that mean anything elsewhere."""

from __future__ import annotations

import platform
import sysconfig
from collections import defaultdict
from importlib.metadata import version

import pytest

PEERS = ["cython", "httpx-sse", "httpx2", "msgspec", "openai"]


def pytest_report_header() -> str:
    return (
        f"{platform.python_implementation()} {platform.python_version()} "
        f"({sysconfig.get_config_var('CONFIG_ARGS')}), {platform.machine()}; "
        + ", ".join(f"{name} {version(name)}" for name in PEERS)
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    session = terminalreporter.config._benchmarksession
    groups = defaultdict(dict)
    for benchmark in session.benchmarks:
        groups[benchmark.group][benchmark.name] = benchmark.stats.median
    for group, medians in groups.items():
        own = medians.get("sseparse")
        if own is None:
            continue
        terminalreporter.section(f"{group}: times as fast, by medians")
        for name, median in sorted(medians.items(), key=lambda item: item[1]):
            if name != "sseparse":
                terminalreporter.write_line(f"sseparse / {name}: {median / own:.1f}")
