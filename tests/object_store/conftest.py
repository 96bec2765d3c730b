"""Where the tests of this folder put an output."""

from __future__ import annotations

import pytest


@pytest.fixture
def output(bucket_url: str) -> str:
    return f"{bucket_url}/some/tags"
