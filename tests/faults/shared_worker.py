"""A worker process with the HashEncoder, which loads at once: what `tests.faults.shared_job` starts.

SKILLSTREAM_TEST_PAUSE: seconds that each chunk takes longer. SKILLSTREAM_TEST_POISON: a word that kills.
"""

import os
import signal
import time
from unittest import mock

from skillstream.tagging.tagger import Tagger
from skillstream.testing import HashEncoder
from skillstream.workers import process

if __name__ == "__main__":
    whole = Tagger.tag_chunk
    pause = float(os.environ.get("SKILLSTREAM_TEST_PAUSE", "0"))
    poison = os.environ.get("SKILLSTREAM_TEST_POISON", "").encode()

    def slow(self, chunk):
        time.sleep(pause)  # the work of a real encoder, during which most kills fall
        if poison and any(poison in (record.payload or b"") for record in chunk.records):
            os.kill(os.getpid(), signal.SIGKILL)
        return whole(self, chunk)

    model = mock.patch("skillstream.tagging.worker.load_encoder", return_value=HashEncoder())
    with mock.patch.object(Tagger, "tag_chunk", slow), model:
        os._exit(process.main())
