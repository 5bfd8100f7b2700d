"""Says the results as ratios within the run: the only figures that mean anything elsewhere.

What is not a time of this process is kept in ``facts``, which become a part of the run's JSON,
so that the report needs nothing else.
"""

from __future__ import annotations

import os
import platform
import sysconfig
from collections import defaultdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest
import pyximport

# Compiles limits.pyx when it is imported, and again when it has changed.
pyximport.install(
    build_dir=str(Path(__file__).resolve().parents[1] / ".benchmarks" / "pyximport"),
    language_level=3,
)

PACKAGES = [
    "sseparse",
    "cython",
    "aiohttp",
    "aiohttp-sse-client",
    "anthropic",
    "fastapi",
    "google-genai",
    "httpx",
    "httpx-sse",
    "httpx2",
    "jiter",
    "launchdarkly-eventsource",
    "msgspec",
    "openai",
    "orjson",
    "pydantic",
    "pydantic-core",
    "requests",
    "sse-starlette",
    "sseclient-py",
]

# What the others of a group are compared with: the first of these that is in it.
BASES = (
    "sseparse",
    "msgspec alone",
    "PartialJSON",
    "for",
    "f-string",
    "by hand",
    "openai",
    "async openai",
)

# A machine shared with others is slow for seconds at a time, which would be some contender's bad
# luck: all that takes time is measured so often, with everything else between, and the best of
# the medians counts.
SWEEPS = 3

FACTS = pytest.StashKey[dict[str, Any]]()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.module.__name__ != "test_memory":
        if "sweep" not in metafunc.fixturenames:
            metafunc.fixturenames.append("sweep")
        metafunc.parametrize("sweep", range(SWEEPS), scope="session")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[FACTS] = {
        "interpreter": {
            "version": platform.python_version(),
            "implementation": platform.python_implementation(),
            "compiler": platform.python_compiler(),
            # Whether it was built with profile-guided optimization, above all.
            "configured": sysconfig.get_config_var("CONFIG_ARGS"),
            "flags": sysconfig.get_config_var("PY_CFLAGS"),
        },
        "machine": {
            "processor": processor(),
            "cores": os.cpu_count(),
            "system": f"{platform.system()}, {' '.join(platform.libc_ver())}",
        },
        "versions": {name: version(name) for name in PACKAGES if is_here(name)},
        # Group, way, median seconds, items: what another process has timed.
        "times": [],
        # Group, way: what gives other events than it should, or none.
        "wrong": [],
        # What is measured in something else than seconds: group, way, value, unit.
        "amounts": [],
        # Recorded streams, one by one: API, provider, file, payloads, and the seconds that msgspec
        # took, the loop over typed objects, and the official package, where it reads the stream.
        "streams": [],
    }


def is_here(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


def processor() -> str:
    """The model's name, where Linux tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


@pytest.fixture
def facts(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the run's JSON is to have beside the times of this process."""
    return request.config.stash[FACTS]


def pytest_report_header(config: pytest.Config) -> str:
    facts = config.stash[FACTS]
    interpreter = facts["interpreter"]
    return (
        f"{interpreter['implementation']} {interpreter['version']} ({interpreter['configured']}), "
        f"{facts['machine']['processor']}; "
        + ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    )


def pytest_benchmark_update_json(config: pytest.Config, output_json: dict[str, Any]) -> None:
    output_json["facts"] = config.stash[FACTS]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    config = terminalreporter.config
    facts = config.stash[FACTS]
    groups: dict[str, dict[str, float]] = defaultdict(dict)
    for benchmark in config._benchmarksession.benchmarks:
        medians = groups[benchmark.group]
        median = benchmark.stats.median / benchmark.extra_info["items"]
        medians[benchmark.name] = min(median, medians.get(benchmark.name, median))
    for group, name, seconds, items in facts["times"]:
        groups[group][name] = min(seconds / items, groups[group].get(name, float("inf")))
    for group, medians in groups.items():
        base = next((base for base in BASES if base in medians), None)
        if base is None:
            continue
        terminalreporter.section(f"{group}: times the time of {base}, by medians an item")
        for name, median in sorted(medians.items(), key=lambda item: item[1]):
            if name != base:
                terminalreporter.write_line(f"{median / medians[base]:8.2f}  {name}")
        for wrong_group, name in facts["wrong"]:
            if wrong_group == group:
                terminalreporter.write_line(f"   wrong events  {name}")
    terminalreporter.section("what else was measured")
    for group, way, value, unit in facts["amounts"]:
        terminalreporter.write_line(f"{group}, {way}: {value:,.2f} {unit}")
