"""What Kafka and the output themselves say of a stream: where its topic ends, and where its chains end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from skillstream.errors import RunError, SkillstreamError
from skillstream.output import ChainTail
from skillstream.sources.kafka.client import end_offsets, make_admin, make_consumer, topic_facts
from skillstream.sources.kafka.client_settings import client_settings
from skillstream.sources.kafka.retry import one_line
from skillstream.storage import Store, open_store
from skillstream.tagging import StreamConfig

__all__ = ["Look", "StreamEyes"]


@dataclass(frozen=True)
class Look:
    """One moment, by partition: `heads`, where the output ends, and `ends`, where the topic ends."""

    heads: Mapping[int, int]
    ends: Mapping[int, int]

    @property
    def lag(self) -> dict[int, int]:
        """Offsets that are waiting."""
        return {p: max(0, end - self.heads.get(p, 0)) for p, end in self.ends.items()}


class StreamEyes:
    """Looks at one stream from outside, again and again.

    Chains are remembered between looks: a day of looks every ten seconds at four chains takes at most 104,000
    small requests to an object store, whatever the number of files.

    Args:
        config: which stream.
        ends: asks Kafka for the exclusive end of each partition.
        store: where the output lies, by default what `config` says.
    """

    def __init__(
        self,
        config: StreamConfig,
        *,
        ends: Callable[[StreamConfig], Mapping[int, int]] | None = None,
        store: Store | None = None,
    ) -> None:
        self._config = config
        self._ends = ends or topic_ends
        self._store = open_store(config.output) if store is None else store
        self._tails: dict[int, ChainTail] = {}

    def look(self, afresh: bool = False) -> Look:
        """Asks Kafka where the topic ends, and the output where its chains end.

        Args:
            afresh: list the chains' files again: somebody may have made the output anew.

        Raises:
            SourceError: there is no such topic.
            RunError: Kafka or the store does not answer.
        """
        ends = self._ends(self._config)
        if afresh:
            self._tails.clear()
        heads = {partition: self._tail(partition).head() for partition in ends}
        return Look({p: head for p, head in heads.items() if head is not None}, ends)

    def _tail(self, partition: int) -> ChainTail:
        if partition not in self._tails:
            config = self._config
            self._tails[partition] = ChainTail(config.output, config.topic, partition, store=self._store)
        return self._tails[partition]


def topic_ends(config: StreamConfig) -> dict[int, int]:
    """The exclusive end of each partition of the stream's topic.

    Raises:
        SourceError: there is no such topic.
        RunError: Kafka does not answer.
    """
    settings = client_settings(config)
    clients = []
    try:
        clients += [admin := make_admin(settings)]
        partitions = topic_facts(admin, config.topic).partitions
        clients += [consumer := make_consumer(settings)]
        return end_offsets(consumer, config.topic, partitions)
    except SkillstreamError:
        raise
    except Exception as error:
        raise RunError(f"Kafka cannot be asked: {one_line(error, settings)}") from error
    finally:
        for client in clients:
            client.close()
