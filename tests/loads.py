"""What a command loads, counted: `python -m tests.loads tag a.jsonl --output out` prints it as the last line.

Encoders are counted where a backend loads one, by who asked for it: the worker (`TagWorker`), or anything
else, which is the driver. Of the index, whole reads and checksums of files are counted.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from unittest import mock

from skillstream.cli import main
from skillstream.encoder import cpu
from skillstream.index import versions

WARM = {
    "encoder loads, worker": 1,
    "encoder loads, driver": 0,
    "index reads, whole": 1,
    "checksums of skills.parquet": 1,
    "checksums of vectors.npy": 1,
}


@contextmanager
def counted() -> Iterator[dict[str, int]]:
    """While the body runs; what is not in `WARM` is counted, too."""
    counts = dict.fromkeys(WARM, 0)
    load_encoder, read, digest = cpu.load, versions._read_files, versions.file_digest

    def counting_load(*args: object) -> object:
        who = "worker" if _called_by("skillstream.tagging.worker") else "driver"
        counts[f"encoder loads, {who}"] += 1
        return load_encoder(*args)

    def counting_read(version: Path) -> object:
        found = read(version)
        counts["index reads, whole"] += 1
        return found

    def counting_checksum(path: Path) -> str:
        name = f"checksums of {path.name}"
        counts[name] = counts.get(name, 0) + 1
        return digest(path)

    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(cpu, "load", counting_load))
        stack.enter_context(mock.patch.object(versions, "_read_files", counting_read))
        stack.enter_context(mock.patch.object(versions, "file_digest", counting_checksum))
        yield counts


def _called_by(module: str) -> bool:
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_globals.get("__name__") == module:
            return True
        frame = frame.f_back
    return False


if __name__ == "__main__":
    with counted() as counts:
        code = main(sys.argv[1:])
    print(json.dumps(counts))
    sys.exit(code)
