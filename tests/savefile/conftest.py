"""What the savefile tests share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def save(tmp_path: Path) -> Callable[[bytes], Path]:
    def save(contents: bytes) -> Path:
        path = tmp_path / "trace.pcap"
        path.write_bytes(contents)
        return path

    return save
