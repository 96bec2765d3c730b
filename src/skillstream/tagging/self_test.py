"""Is this machine fit to tag: versions, the backend chosen and why, and a test of a few seconds."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import time
from collections.abc import Sequence

from skillstream.encoder import Encoder
from skillstream.encoder.precision import PROMISES, Measured
from skillstream.tagging.config import TagConfig
from skillstream.tagging.tagger import Tagger
from skillstream.version import __version__

__all__ = ["check_machine"]

LIBRARIES = (
    "apache-beam",
    "openvino",
    "torch",
    "sentence-transformers",
    "tokenizers",
    "pyarrow",
    "numpy",
    "kafka-python",
)
SELF_TEST_S = 2.0
SELF_TEST_POSTING = {
    "title": "Data engineer",
    "description": "You build data pipelines in Python and SQL.\nExperience with Apache Kafka is a plus.",
}


def check_machine(model: str = "default", precision: str = "auto") -> tuple[dict[str, object], bool]:
    """What `skillstream doctor` shows, and whether the test posting got its tags.

    Raises:
        UsageError: the model or its index cannot be used.
    """
    facts: dict[str, object] = {
        "skillstream": __version__,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }
    for library in LIBRARIES:
        try:
            facts[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            facts[library] = "not installed"
    tagger = Tagger.from_config(TagConfig(model=model, precision=precision))
    encoder = tagger.encoder
    facts["model"] = (
        f"{encoder.name}@{encoder.fingerprint[:12]}, {encoder.dim} dimensions, {encoder.max_tokens} tokens"
    )
    facts["backend"] = encoder.describe()
    facts |= _precisions(encoder)
    facts["index"] = f"{len(tagger.index):,} skills, {tagger.taxonomy_version}"
    facts["confidence"] = (
        "calibrated for this model" if tagger.ranker.heads.calibrated else "not calibrated for this model"
    )
    labels = [tag.label for tag in tagger.tag(SELF_TEST_POSTING)]
    facts["self-test tags"] = ", ".join(labels[:5])
    facts["self-test tokens/s"] = round(_speed(tagger))
    healthy = "SQL" in labels
    facts["verdict"] = (
        "ready" if healthy else "the self-test posting did not get its tags: the model or index is broken"
    )
    return facts, healthy


def _precisions(encoder: Encoder) -> dict[str, object]:
    """What was measured on this machine, and which form was chosen by that."""
    measured: Sequence[Measured] = getattr(encoder, "measured", ())
    facts: dict[str, object] = {}
    for item in measured:
        chosen = ", chosen" if item.form == (encoder.precision, encoder.backend) else ""
        promise = "" if item.kept else f" (less than the promised {PROMISES[item.precision]})"
        facts[f"{item.precision} by {item.backend}"] = (
            f"{item.tokens_per_s:,.0f} tokens/s, cosine to fp32 at least {item.cosine:.3f}{promise}{chosen}"
        )
    return facts


def _speed(tagger: Tagger) -> float:
    """Tokens a second of the encoder over about two seconds."""
    sentences = [
        f"Experience with tool number {number} and good communication skills" for number in range(256)
    ]
    tokens, started = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - started) < SELF_TEST_S:
        tokens += len(tagger.encoder.encode_tokens(sentences).tokens)
    return tokens / elapsed
