"""What does ranking cost beside the encoder, per sentence?

    python benchmarks/ranking.py [--model base] [--sentences 2000]

Invented sentences of the length that real postings have (17 tokens on average), one process. Prints the
time of each part and the ratio to encoding, which is what counts: both grow alike on a slower machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import click
import numpy as np

from skillstream.encoder import load_encoder
from skillstream.index.cached import default_index
from skillstream.postings.sentences import Document, Sentence
from skillstream.ranking.heads import load_heads
from skillstream.ranking.ranker import Ranker

BLOCK = 256
VERBS = ("Prepare", "Maintain", "Analyse", "You will design", "Experience in", "Support the team with")
THINGS = (
    "monthly budgets",
    "SQL databases",
    "welding robots",
    "patient records",
    "Python services",
    "tax returns",
)
ENDS = (
    "for customers in three countries",
    "together with the sales department",
    "under tight deadlines",
    "daily",
)


def sentences(n: int) -> list[str]:
    random = np.random.default_rng(0)
    parts = [
        [options[i] for i in random.integers(len(options), size=n)]
        for options in (VERBS, THINGS, THINGS, ENDS)
    ]
    return [f"{a} {b} and {c} {d}, case {i}." for i, (a, b, c, d) in enumerate(zip(*parts, strict=True))]


@click.command()
@click.option("--model", default="base", show_default=True)
@click.option("--sentences", "n", default=2000, show_default=True)
def main(model: str, n: int) -> None:
    """Time the parts of ranking beside the encoder."""
    encoder = load_encoder(model, precision="fp32")
    index = default_index("esco", encoder)
    start = time.perf_counter()
    ranker = Ranker(index, load_heads(encoder.fingerprint))
    print(f"making the ranker: {time.perf_counter() - start:.2f} s")
    texts = sentences(n)
    blocks = [texts[i : i + BLOCK] for i in range(0, n, BLOCK)]
    encoder.encode_tokens(blocks[0])

    def timed(name: str, run: Callable[[], object]) -> float:
        start = time.perf_counter()
        run()
        seconds = time.perf_counter() - start
        print(f"{name:34} {1000 * seconds / n:7.3f} ms a sentence")
        return seconds

    encoded = [encoder.encode_tokens(block) for block in blocks]
    encoding = timed("encode_tokens", lambda: [encoder.encode_tokens(block) for block in blocks])
    timed("search", lambda: [index.search(e.pooled, ranker.options.candidates) for e in encoded])
    maker = ranker.sentence_stage.pairs
    near = [maker.near(e) for e in encoded]
    timed("names word for word", lambda: [maker.names(text) for text in texts])
    timed(
        "pairs and their features",
        lambda: [list(maker.pairs(b, e, k)) for b, e, k in zip(blocks, encoded, near, strict=True)],
    )
    matches = [ranker.match_sentences(b, e) for b, e in zip(blocks, encoded, strict=True)]
    matching = timed(
        "match_sentences (all of the above)",
        lambda: [ranker.match_sentences(b, e) for b, e in zip(blocks, encoded, strict=True)],
    )
    documents = [
        Document("", [Sentence(text, 0, len(text), "other") for text in block[i : i + 32]], "en")
        for block in blocks
        for i in range(0, len(block), 32)
    ]
    parts = [found[i : i + 32] for found in matches for i in range(0, len(found), 32)]
    ranking = timed(
        "rank_document (32 sentences each)",
        lambda: [ranker.rank_document(d, m) for d, m in zip(documents, parts, strict=True)],
    )
    print(f"ranking costs {(matching + ranking) / encoding:.2f} of encoding")


if __name__ == "__main__":
    main()
