"""The typed streams, as they are installed and in Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typed_streams import IMPLEMENTATIONS

if TYPE_CHECKING:
    from types import SimpleNamespace


@pytest.fixture(scope="session", params=IMPLEMENTATIONS, ids=lambda found: found.name)
def streams(request: pytest.FixtureRequest) -> SimpleNamespace:
    return request.param
