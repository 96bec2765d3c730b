"""Offsets committed to a consumer group, for tools that show lag: nothing here reads them."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from kafka import KafkaAdminClient, TopicPartition
from kafka import errors as kafka_errors
from kafka.structs import OffsetAndMetadata

from skillstream.sources.kafka.retry import one_line

__all__ = ["GroupOffsets"]

logger = logging.getLogger(__name__)


class GroupOffsets:
    """Commits positions of a topic to a group; without a group, nothing."""

    def __init__(self, group: str | None, topic: str) -> None:
        self._group = group
        self._topic = topic
        self._committed: dict[int, int] = {}
        self._failures = 0

    def commit(self, admin: KafkaAdminClient, positions: Mapping[int, int]) -> None:
        """Commits the positions that have changed, by partition. A failure is logged, and never raised."""
        offsets = {p: at for p, at in positions.items() if self._committed.get(p) != at}
        if not self._group or not offsets:
            return
        request = {TopicPartition(self._topic, p): OffsetAndMetadata(at, "", -1) for p, at in offsets.items()}
        try:
            outcome = admin.alter_group_offsets(self._group, request)
            refused = {error for error in outcome.values() if error is not kafka_errors.NoError}
            if refused:
                raise refused.pop()(self._group)
        except Exception as error:  # noqa: BLE001 - for display only
            self._failures += 1
            if self._failures == 2:  # the first one of a new cluster's group fails as a rule
                logger.warning("offsets of group %s could not be committed: %s", self._group, one_line(error))
        else:
            self._committed.update(offsets)
            self._failures = 0
