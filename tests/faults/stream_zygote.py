"""Processes that run `skillstream stream`, made by fork from one that has imported everything already.

A start costs a second instead of ten, so that hundreds of kills are affordable. The model is the
HashEncoder. Commands on stdin, answers on stdout, one line each:

    start JSON      fork a job with these flags and environment; answers its process id
    wait PID        answers how it ended: its exit code, or minus the signal's number
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from unittest import mock

import skillstream.tagging.worker
from skillstream.pipelines import tag_stream
from skillstream.tagging.tagger import Tagger
from skillstream.testing import HashEncoder


def run_job(flags: list[str], log: str, seconds_a_chunk: float, refresh_s: float) -> int:
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number in (1, 2):
        os.dup2(output, number)
    skillstream.tagging.worker.REFRESH_S = refresh_s
    whole = Tagger.tag_chunk

    def slow(self: Tagger, *args: object, **options: object) -> object:
        time.sleep(seconds_a_chunk)  # the work of a real encoder, during which most kills fall
        return whole(self, *args, **options)

    encoder = HashEncoder()
    with (
        mock.patch.object(Tagger, "tag_chunk", slow),
        mock.patch("skillstream.tagging.worker.load_encoder", return_value=encoder),
    ):
        return tag_stream.main(flags)


def main() -> None:
    running: set[int] = set()
    print("ready", flush=True)
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        if command == "start":
            options = json.loads(argument)
            pid = os.fork()
            if pid == 0:
                sys.stdin.close()
                code = 1
                try:
                    code = run_job(**options)
                finally:
                    sys.stdout.flush()
                    os._exit(code)
            running.add(pid)
            print(pid, flush=True)
        else:
            _, status = os.waitpid(int(argument), 0)
            running.discard(int(argument))
            print(os.waitstatus_to_exitcode(status), flush=True)
    for pid in running:  # the test failed before it ended them
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
