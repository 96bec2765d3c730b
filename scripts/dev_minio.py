"""A throw-away MinIO until Ctrl-C:  python scripts/dev_minio.py --port 9000 --bucket tags

The server ends with this program, however that ends. `--build` builds MinIO and does nothing else; CI does
that while it installs. See tests/servers/minio.py for what it needs.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]  # as a program
from tests.servers.common import ServerUnavailableError, until_told_to_end  # noqa: E402
from tests.servers.minio import MinioServer, fetch_minio  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description="Run a throw-away MinIO until Ctrl-C or SIGTERM.")
    parser.add_argument("--build", action="store_true", help="only build the program, if it is not there yet")
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--bucket", action="append", default=[], help="made at start; may be repeated")
    arguments = parser.parse_args()
    if arguments.build:
        print(fetch_minio())
        return
    with (
        until_told_to_end(),
        tempfile.TemporaryDirectory(prefix="skillstream-minio-") as folder,
        MinioServer(Path(folder), port=arguments.port) as server,
    ):
        for bucket in arguments.bucket:
            server.make_bucket(bucket)
        print("\n".join(f"export {name}={value}" for name, value in server.environment.items()), flush=True)
        signal.pause()


if __name__ == "__main__":
    try:
        main()
    except ServerUnavailableError as error:
        sys.exit(f"dev_minio: {error}")
