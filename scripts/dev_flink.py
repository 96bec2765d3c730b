"""A throw-away Flink for Beam until Ctrl-C:  python scripts/dev_flink.py --slots 2 [--high-availability]

All its parts end with this program, however that ends. See tests/servers/flink.py for what it needs.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]  # as a program
from tests.servers.common import ServerUnavailableError, until_told_to_end  # noqa: E402
from tests.servers.flink import FlinkCluster  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description="Run a throw-away Flink for Beam until Ctrl-C or SIGTERM.")
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--task-managers", type=int, default=1)
    parser.add_argument("--high-availability", action="store_true", help="with a ZooKeeper")
    arguments = parser.parse_args()
    with (
        until_told_to_end(),
        tempfile.TemporaryDirectory(prefix="skillstream-flink-") as folder,
        FlinkCluster(Path(folder), **vars(arguments)) as cluster,
    ):
        print(f"Flink's page and REST API: {cluster.rest_url}; logs in {folder}; Ctrl-C ends it")
        print("Beam flags: " + " ".join(cluster.beam_flags(arguments.slots)), flush=True)
        signal.pause()


if __name__ == "__main__":
    try:
        main()
    except ServerUnavailableError as error:
        sys.exit(f"dev_flink: {error}")
