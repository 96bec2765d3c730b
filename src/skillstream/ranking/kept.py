"""What is found out about the names of a large taxonomy, kept in the user's cache: that takes seconds.

The package has it for the default taxonomies (scripts/make_default_index.py).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import xxhash
import zstandard

from skillstream.ranking import words
from skillstream.storage import cache_folder, whole_file
from skillstream.taxonomy import Skill

__all__ = ["SHIPPED", "file_name", "kept", "write"]

logger = logging.getLogger(__name__)

SHIPPED = Path(__file__).parent.parent / "data" / "names"

# Skills below which finding out is about as quick as reading.
WORTH = 2000

T = TypeVar("T")


def kept(make: Callable[[Sequence[Skill]], T], skills: Sequence[Skill], kind: Any) -> T:
    """`make(skills)`, from the package or the cache if the same skills were met before by the same rules.

    Args:
        make: a function of a module; it may use `skillstream.ranking.words` and the package's table of names.
        skills: what it is called with.
        kind: type of what it returns, for msgspec.
    """
    if len(skills) < WORTH:
        return make(skills)
    name = file_name(make, skills)
    cached = cache_folder() / "names" / name
    for path in (SHIPPED / name, cached):
        found: T | None = _read(path, kind)
        if found is not None:
            return found
    made = make(skills)
    try:
        write(cached, made)
    except OSError as error:
        logger.info("what is known of names is not cached: %s", error)
    return made


def write(path: Path, found: Any) -> None:
    """Writes what was found out, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    content = msgspec.msgpack.encode(found, order="deterministic")
    with whole_file(path) as file:
        file.write_bytes(zstandard.ZstdCompressor(write_checksum=True).compress(content))


def file_name(make: Callable[..., Any], skills: Sequence[Skill]) -> str:
    """Name of the file of what `make` finds out about these skills by today's rules."""
    digest = xxhash.xxh3_128(msgspec.msgpack.encode(skills))
    for rules in _rules(make.__code__.co_filename):
        digest.update(rules)
    return f"{make.__name__}-{digest.hexdigest()}.msgpack.zst"


@cache
def _rules(source: str) -> tuple[bytes, ...]:
    """What decides the result: the source itself, as a version would be forgotten to be raised."""
    table = resources.files("skillstream") / "data" / "ambiguous_names.csv"
    return Path(source).read_bytes(), Path(words.__file__).read_bytes(), table.read_bytes()


def _read(path: Path, kind: Any) -> Any:
    try:
        content = zstandard.ZstdDecompressor().decompress(path.read_bytes())
        return msgspec.msgpack.decode(content, type=kind)
    except FileNotFoundError:
        return None
    except (OSError, zstandard.ZstdError, msgspec.DecodeError) as error:
        logger.info("what is cached of names is found out again: %s", error)
        return None
