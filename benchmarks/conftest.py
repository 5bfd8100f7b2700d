"""Says the results as ratios within the run: the only figures that mean anything elsewhere."""

from __future__ import annotations

import platform
import sysconfig
from collections import defaultdict
from importlib.metadata import version

import pytest

PEERS = ["aiohttp", "cython", "httpx-sse", "httpx2", "msgspec", "openai", "requests"]

# What the others of a group are compared with.
BASES = {"sseparse", "msgspec alone"}

REPORT = pytest.StashKey[list[str]]()


@pytest.fixture
def report(request: pytest.FixtureRequest) -> list[str]:
    """Lines to be printed at the end, for what is not a time."""
    return request.config.stash.setdefault(REPORT, [])


def pytest_report_header() -> str:
    return (
        f"{platform.python_implementation()} {platform.python_version()} "
        f"({sysconfig.get_config_var('CONFIG_ARGS')}), {platform.machine()}; "
        + ", ".join(f"{name} {version(name)}" for name in PEERS)
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    groups: dict[str, dict[str, float]] = defaultdict(dict)
    for benchmark in terminalreporter.config._benchmarksession.benchmarks:
        groups[benchmark.group][benchmark.name] = benchmark.stats.median
    for group, medians in groups.items():
        (base,) = BASES & set(medians) or {None}
        if base is None:
            continue
        terminalreporter.section(f"{group}: times the time of {base}, by medians")
        for name, median in sorted(medians.items(), key=lambda item: item[1]):
            if name != base:
                terminalreporter.write_line(f"{median / medians[base]:8.2f}  {name}")
    terminalreporter.section("what else was measured")
    for line in terminalreporter.config.stash.get(REPORT, []):
        terminalreporter.write_line(line)
