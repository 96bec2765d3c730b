"""Beam's Prism runner, built by Go: `python -m tests.servers.prism`, as CI does; kept in `.servers/`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests.servers.common import SERVERS, ServerUnavailableError, build_by_go

__all__ = ["built_prism"]

MODULE = "github.com/apache/beam/sdks/v2/go/cmd/prism@v2.77.0"
PROGRAM = SERVERS / "prism" / "prism"


def built_prism() -> Path:
    """The program, if it was built or installed; a test does not wait for minutes of Go's compiler.

    Raises:
        ServerUnavailableError: it was not.
    """
    if PROGRAM.exists():
        return PROGRAM
    found = shutil.which("prism") or shutil.which("prism", path=Path.home() / "go" / "bin")
    if found is None:
        raise ServerUnavailableError("prism is not built (python -m tests.servers.prism builds it)")
    return Path(found)


if __name__ == "__main__":
    try:
        print(build_by_go(MODULE, PROGRAM))
    except ServerUnavailableError as error:
        sys.exit(f"prism: {error}")
