from __future__ import annotations

import importlib
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
FILES = [path.relative_to(BENCHMARKS) for path in sorted(BENCHMARKS.rglob("*.py")) if path.stem != "__init__"]


@pytest.mark.parametrize("script", [".".join(path.with_suffix("").parts) for path in FILES])
def test_every_benchmark_finds_what_it_imports(script: str) -> None:
    assert importlib.import_module(script).__name__ == script
