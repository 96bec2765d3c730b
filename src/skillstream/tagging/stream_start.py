"""How a stream begins: the topic and the chains are looked at, then model, index and output (see `start`)."""

from __future__ import annotations

from collections.abc import Callable

from skillstream.output import Chain, chain_name, check_layout
from skillstream.sources.kafka.plan import StreamPlan, plan_stream
from skillstream.tagging.start import Start, start_job
from skillstream.tagging.stream_config import StreamConfig

__all__ = ["prepare_stream"]


def prepare_stream(
    config: StreamConfig,
    *,
    here: bool,
    phase: Callable[[str], object] = lambda _: None,
    planned: Callable[[StreamConfig, StreamPlan], StreamConfig] = lambda config, _: config,
    loaded: Callable[[StreamConfig, StreamPlan], str | None] = lambda *_: None,
) -> tuple[Start[StreamConfig], StreamPlan]:
    """Everything before the first record: the topic and the chains are looked at, the output is claimed.

    Args:
        config: what to do.
        here: whether this process tags.
        phase: called with what is being done, a few words each.
        planned: gives the configuration to continue with, now that the topic is known; what it raises leaves
            nothing written.
        loaded: see `start_job`; called with the plan, too.

    Returns:
        The job that may begin, with the configuration for its workers, and what is about to be read.

    Raises:
        UsageError: refused; nothing was written, or nothing but `run.json` and the chains' roots.
    """
    chain_name(config.topic, 0)  # a file's name has less room than Kafka gives to topics
    check_layout(config.output)
    phase(f"asking Kafka about the topic {config.topic}")
    plan = plan_stream(config, lambda partition: Chain(config.output, config.topic, partition))
    config = planned(config, plan)
    identity = {
        "source": "kafka",
        "topic": config.topic,
        "topic_id": plan.topic_id,
        "cluster_id": plan.cluster_id,
    }
    sources = {config.topic: f"kafka://{config.bootstrap_servers}/{config.topic}"}
    start = start_job(
        config,
        identity,
        here=here,
        follow=True,
        sources=sources,
        phase=phase,
        loaded=lambda given: loaded(given, plan),
    )
    for partition, root in plan.roots.items():
        Chain(config.output, config.topic, partition).claim(root)
    return start, plan
