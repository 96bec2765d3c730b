"""Estimates the size of the container image from what it installs: no Docker needed.

python scripts/image_size.py [--extra torch] [--base-mb 125]

Adds up the installed files of skillstream's dependencies in this environment (with those of the extras
named), its own with model and index, the exported model, and the base image, whose size is the one its
registry states: look it up, it changes. Layers are compressed on their way, by a half or so.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
MODEL_MB = 70  # what `skillstream model export default` writes


def needed(requirements: list[str]) -> set[str]:
    """Normalised names of the distributions that these requirements bring, all the way down."""
    found: set[str] = set()
    waiting = [(requirement, frozenset[str]()) for requirement in requirements]
    while waiting:
        requirement, extras = waiting.pop()
        name, wanted, marker = parse(requirement)
        if not applies(marker, extras):
            continue
        key = re.sub(r"[-_.]+", "-", name).lower()
        try:
            below = importlib.metadata.requires(key) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        if key not in found or wanted:
            found.add(key)
            waiting += [(item, wanted) for item in below]
    return found


def parse(requirement: str) -> tuple[str, frozenset[str], str]:
    head, _, marker = requirement.partition(";")
    match = re.match(r"\s*([\w.-]+)\s*(?:\[([^\]]*)\])?", head)
    assert match, requirement
    extras = frozenset(extra.strip() for extra in (match[2] or "").split(",") if extra.strip())
    return match[1], extras, marker


def applies(marker: str, extras: frozenset[str]) -> bool:
    from packaging.markers import Marker

    return not marker or any(Marker(marker).evaluate({"extra": extra}) for extra in extras or {""})


def installed_mb(name: str) -> float:
    files = importlib.metadata.files(name) or []
    paths = {Path(str(file.locate())) for file in files}
    return sum(path.stat().st_size for path in paths if path.is_file()) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--extra", action="append", default=[])
    parser.add_argument("--base-mb", type=float, default=125, help="python:3.11-slim-bookworm, uncompressed")
    options = parser.parse_args()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    requirements = list(project["dependencies"])
    for extra in options.extra:
        requirements += project["optional-dependencies"][extra]
    parts = {name: installed_mb(name) for name in needed(requirements)}
    own = sum(path.stat().st_size for path in (ROOT / "src").rglob("*") if path.is_file()) / 1e6
    rows = sorted(parts.items(), key=lambda row: -row[1])
    for name, megabytes in rows[:12]:
        print(f"{megabytes:8.0f} MB  {name}")
    print(f"{sum(size for _, size in rows[12:]):8.0f} MB  {len(rows) - 12} more")
    for text, megabytes in (
        ("skillstream", own),
        ("exported model", MODEL_MB),
        ("base image", options.base_mb),
    ):
        print(f"{megabytes:8.0f} MB  {text}")
    print(f"{sum(parts.values()) + own + MODEL_MB + options.base_mb:8.0f} MB  in all, an estimate")


if __name__ == "__main__":
    main()
