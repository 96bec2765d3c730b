"""What pip brings, some extras included, is licensed permissively: no copyleft reaches its user."""

from __future__ import annotations

import re
import tomllib
from email import message_from_string
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
# The extra `protobuf` is in the image, too.
CORE = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["protobuf"]]

PERMISSIVE = {
    *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-0", "MIT-CMU"),
    *("PSF-2.0", "Zlib"),
}
# Copyleft by file: it binds who changes these very files and passes them on. They are used as they come.
BY_FILE = {"certifi": {"MPL-2.0"}, "tqdm": {"MPL-2.0"}}
# Free text of `License:` and the ends of classifiers, as found.
WORDS = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "OSI Approved :: Apache Software License": "Apache-2.0",
}


def installed(requirements: list[str]) -> dict[str, metadata.Distribution]:
    """The distributions that these requirements bring on this machine, by name."""
    found: dict[str, metadata.Distribution] = {}
    seen: set[tuple[str, str]] = set()

    def add(requirement: Requirement) -> None:
        for extra in ("", *requirement.extras):
            name = canonicalize_name(requirement.name)
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            found[name] = metadata.distribution(name)
            for line in found[name].requires or []:
                needed = Requirement(line)
                if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                    add(needed)

    for line in requirements:
        add(Requirement(line))
    return found


def licences(about: metadata.PackageMetadata) -> set[str]:
    """SPDX identifiers, or what else is stated. `A OR B` is A where A is permissive."""
    free = str(about.get("License") or "").strip()
    stated = about.get("License-Expression") or (free if "\n" not in free else "")
    classifiers = [
        line.rpartition(" :: ")[-1]
        for line in about.get_all("Classifier") or []
        if line.startswith("License")
    ]
    if not stated or stated == "Dual License":
        return {WORDS.get(name, name) for name in classifiers}
    if stated in WORDS:
        return {WORDS[stated]}
    parts = [part.strip("() ") for part in re.split(r" AND ", stated)]
    return {next((one for one in part.split(" OR ") if one in PERMISSIVE), part) for part in parts}


def optional(extra: str) -> dict[str, metadata.Distribution]:
    """What the extra brings, if it is installed here."""
    try:
        return installed(PROJECT["optional-dependencies"][extra])
    except metadata.PackageNotFoundError:
        return {}


BROUGHT = installed(CORE) | optional("google") | optional("msk")


def test_the_walk_finds_what_is_brought_by_others():
    assert {"apache-beam", "certifi", "grpcio", "numpy", "protobuf"} <= BROUGHT.keys()
    assert "torch" not in BROUGHT


@pytest.mark.parametrize("name", sorted(BROUGHT))
def test_licence_is_permissive(name):
    stated = licences(BROUGHT[name].metadata)
    assert stated, f"{name} states no licence: read its LICENSE and decide"
    assert stated <= PERMISSIVE | BY_FILE.get(name, set())


@pytest.mark.parametrize("name", ["LGPL-2.1-or-later", "GPL-3.0-only", "EPL-2.0", "MPL-2.0", "whatever"])
def test_other_licences_are_noticed(name):
    about = message_from_string(f"License-Expression: MIT AND {name}")
    assert not licences(about) <= PERMISSIVE
