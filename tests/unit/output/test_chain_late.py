"""A put that an object store takes although its writer has given it up, and that it carries out later."""

from __future__ import annotations

import pytest

from skillstream.errors import RunError
from skillstream.output.chain import Chain
from skillstream.output.chain_check import verify_chain
from tests.chain_fakes import PARTITION, SOURCE, MemoryStore, make_rows, published_offsets


class LateStore(MemoryStore):
    """Carries out the next put of a chunk only when told to; its writer hears of a failure."""

    late: tuple[str, bytes] | None = None

    def create(self, path: str, data: bytes) -> bool:
        if path.startswith("tags/") and self.late is None:
            self.late = path, data
            raise RunError("the store does not answer")
        return super().create(path, data)

    def land(self) -> None:
        assert self.late is not None
        super().create(*self.late)


@pytest.mark.parametrize("sizes", [(5,), (3, 4), (8,)], ids=["the same cut", "smaller", "larger"])
@pytest.mark.parametrize("lands_after", [0, 1, 2])
def test_a_put_that_lands_late_is_the_chains_next_file_or_nothing(sizes, lands_after):
    store = LateStore()
    first = Chain("", SOURCE, PARTITION, store=store)
    first.claim(0)
    with pytest.raises(RunError):
        first.publish(0, 5, make_rows(0, 5))
    again = Chain("", SOURCE, PARTITION, store=store)
    start = 0
    for number, size in enumerate((*sizes, 10)):
        if number == lands_after:
            store.land()
        again.publish(start, start + size, make_rows(start, start + size))
        start += size
    if lands_after > len(sizes):
        store.land()
    assert published_offsets(store, again) == list(range(start))
    assert verify_chain("", store=store).findings == []
