"""How much faster is `skillstream tag` than the plain way?

The plain way: Beam's RunInference around sentence-transformers' own `encode`, with a top-20 against the same
index for each of the same sentences, on the same local runner. It has no exact lane, no token-level
match, no dedupe and writes nothing; ours does all of that and publishes Parquet.

    python benchmarks/end_to_end.py POSTINGS.jsonl --records 500 --json

Each contender runs in a fresh process, one after the other; loading is outside of the clock for both.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

TOP_K = 20
CONTENDERS = ("skillstream", "run_inference")


def run_skillstream(postings: Path, model: str) -> dict[str, float]:
    from skillstream import FilesConfig
    from skillstream.pipelines import tag_files

    with tempfile.TemporaryDirectory() as output:
        # One posting first: converts and caches model and index, as any second run finds them.
        first = Path(output, "first.jsonl")
        first.write_bytes(postings.read_bytes().splitlines()[0] + b"\n")
        tag_files.run(FilesConfig(output=f"{output}/warm", model=model), [str(first)])
        summary = tag_files.run(FilesConfig(output=f"{output}/out", model=model), [str(postings)])
    return {
        "seconds": summary.seconds,
        "postings_per_second": summary.postings_per_second,
        "sentences": summary.sentences,
        "sentences_encoded": summary.sentences - summary.cached_sentences,
        "tokens": summary.tokens,
        "peak_memory_mb": summary.peak_memory_mb,
    }


def run_plain(postings: Path, model: str) -> dict[str, float]:
    import resource

    import apache_beam as beam
    import numpy as np
    from apache_beam.ml.inference.base import ModelHandler, PredictionResult, RunInference
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner
    from sentence_transformers import SentenceTransformer

    from skillstream import Tagger
    from skillstream.encoder import resolve_model
    from skillstream.postings.parse import JobPosting, parse_payload
    from skillstream.postings.sentences import segment

    vectors = np.array(Tagger.load(model=model).index.vectors)
    encoder = SentenceTransformer(str(resolve_model(model).path), device="cpu")
    encoder.encode(["warm up"])

    class Handler(ModelHandler[str, PredictionResult, SentenceTransformer]):
        def load_model(self) -> SentenceTransformer:
            return encoder

        def run_inference(
            self,
            batch: Sequence[str],
            model: SentenceTransformer,
            inference_args: object = None,  # noqa: ARG002 - Beam passes it
        ) -> Iterable[PredictionResult]:
            scores = model.encode(list(batch), normalize_embeddings=True, show_progress_bar=False) @ vectors.T
            top = np.argpartition(-scores, TOP_K, axis=1)[:, :TOP_K]
            return [PredictionResult(text, ids) for text, ids in zip(batch, top, strict=True)]

        def batch_elements_kwargs(self) -> dict[str, int]:
            return {"min_batch_size": 64, "max_batch_size": 512}

    def sentences(line: bytes) -> list[str]:
        posting = parse_payload(line)
        return [s.text for s in segment(posting).sentences] if isinstance(posting, JobPosting) else []

    lines = postings.read_bytes().splitlines()
    count = sum(len(sentences(line)) for line in lines)
    started = time.monotonic()
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        (
            pipeline
            | beam.Create(lines, reshuffle=False)
            | beam.FlatMap(sentences)
            | RunInference(Handler())
            | beam.combiners.Count.Globally()
        )
    seconds = time.monotonic() - started
    return {
        "seconds": round(seconds, 3),
        "postings_per_second": round(len(lines) / seconds, 2),
        "sentences": count,
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("postings", type=Path, help="JSON lines")
    parser.add_argument("--records", type=int, default=500)
    parser.add_argument("--model", default="base")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contender:
        contender = {"skillstream": run_skillstream, "run_inference": run_plain}[options.contender]
        print(json.dumps(contender(options.postings, options.model)))
        return
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        sample = Path(folder, "sample.jsonl")
        sample.write_bytes(b"\n".join(options.postings.read_bytes().splitlines()[: options.records]) + b"\n")
        for name in CONTENDERS:
            command = [sys.executable, __file__, str(sample), "--model", options.model, "--contender", name]
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
            results[name] = json.loads(done.stdout.splitlines()[-1])
    ratio = results["skillstream"]["postings_per_second"] / results["run_inference"]["postings_per_second"]
    results["ratio"] = round(ratio, 2)
    if options.json:
        print(json.dumps(results))
    else:
        for name in CONTENDERS:
            print(f"{name:14} " + "  ".join(f"{key} {value:,}" for key, value in results[name].items()))
        print(f"ratio          {results['ratio']}")


if __name__ == "__main__":
    main()
