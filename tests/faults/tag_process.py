"""`skillstream tag` as a process to be killed, with the HashEncoder, which loads at once.

python -m tests.faults.tag_process INPUT OUTPUT INDEX SECONDS_A_CHUNK [RUNNER]
"""

import sys
import time
from unittest import mock

from skillstream.cli import main
from skillstream.tagging.tagger import Tagger
from skillstream.testing import HashEncoder

if __name__ == "__main__":
    source, output, index, pause, *runner = sys.argv[1:]
    whole = Tagger.tag_chunk

    def slow(self, chunk):
        time.sleep(float(pause))  # the work of a real encoder, during which most kills fall
        return whole(self, chunk)

    model = mock.patch("skillstream.tagging.worker.load_encoder", return_value=HashEncoder())
    with mock.patch.object(Tagger, "tag_chunk", slow), model:
        import skillstream.pipelines.tag_files  # noqa: F401 - slow import, before the test's clock starts

        print("ready", flush=True)
        options = ["--output", output, "--index", index, "--max-chunk-rows", "5", "--json"]
        here = ["--workers", "1"]  # the stand-in is in this process
        sys.exit(main(["tag", source, *options, *(["--runner", *runner] if runner else here)]))
