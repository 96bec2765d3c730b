"""What one poll of a consumer takes in, bounded by bytes as well as by records.

kafka-python bounds a poll by records alone. A response of a few KB may hold a hundred batches that take
tens of MB each once unpacked, so a hundred records could take gigabytes before anybody sees their sizes.
"""

from __future__ import annotations

from typing import Any

from kafka import KafkaConsumer

__all__ = ["POLL_BYTES", "bound_polls"]

# A poll ends behind the record that reaches it. What is unpacked at a time is one batch, with its own bound.
POLL_BYTES = 16 << 20


def bound_polls(consumer: KafkaConsumer) -> None:
    """Makes each poll of this consumer end behind the record with which it holds `POLL_BYTES` or more."""
    _BoundedPolls(consumer._fetcher)  # noqa: SLF001 - kafka-python has no hook


class _BoundedPolls:
    """Stands between a `Fetcher` and its two methods that fill a poll's result."""

    def __init__(self, fetcher: Any) -> None:
        self._fetched_records = fetcher.fetched_records
        self._append = fetcher._append  # noqa: SLF001
        self._bytes = 0
        fetcher.fetched_records = self.fetched_records
        fetcher._append = self.append  # noqa: SLF001

    def fetched_records(self, *arguments: Any, **options: Any) -> Any:
        """A poll begins."""
        self._bytes = 0
        return self._fetched_records(*arguments, **options)

    def append(self, drained: Any, part: Any, max_records: int, update_offsets: bool) -> int:
        """One record after another into `drained`; how many, or `max_records` to end the poll."""
        for count in range(max_records):
            try:
                taken = self._append(drained, part, 1, update_offsets)
            except Exception as error:
                if not count:
                    raise
                part._next_inline_exception = error  # noqa: SLF001 - as `take` does with many at a time
                return count
            if not taken:
                return count
            record = drained[part.topic_partition][-1]
            sizes = (record.serialized_key_size, record.serialized_value_size, record.serialized_header_size)
            self._bytes += sum(size for size in sizes if size > 0)
            if self._bytes >= POLL_BYTES:
                break
        return max_records
