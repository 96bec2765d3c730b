"""How much faster is `skillstream tag` than what one would use otherwise?

    python benchmarks/end_to_end.py POSTINGS.jsonl --records 1000 --environments ENVS --json --plot DIR

- `run_inference`: Beam's RunInference around sentence-transformers' own `encode`, with a top-20 against the
  same index for each of the same sentences, on the same local runner. It has no exact lane, no token-level
  match, no posting stage and writes nothing; ours does all of that and publishes Parquet.
- `run_inference_buckets`: the same, its batches made of sentences of like length (`batch_length_fn` and
  bucket boundaries, Beam 2.77).
- `esco_skill_extractor` 0.1.18 and `skill_extractor` 0.2.0: other extractors, as their pages say, in
  environments of their own: ENVS/esco_skill_extractor and ENVS/skill_extractor, made by `python -m venv` and
  `pip install`. The first gets the weights of our base model, which are those it asks for; the second fetches
  its own from a hub.

Each contender runs in a fresh process, one after the other; loading is outside of the clock for all. One that
cannot run is left out with the reason.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

CONTENDERS = (
    "skillstream",
    "run_inference",
    "run_inference_buckets",
    "esco_skill_extractor",
    "skill_extractor",
)
OWN_ENVIRONMENT = ("esco_skill_extractor", "skill_extractor")
BATCH = 64  # postings at once, for extractors that take a list


def cpu_seconds() -> float:
    """Of this process and those that it has ended, all threads: a busy machine changes them little."""
    import resource

    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(times.ru_utime + times.ru_stime for times in used)


def run_skillstream(postings: Path, model: str) -> dict[str, float]:
    from skillstream import FilesConfig
    from skillstream.pipelines import tag_files

    with tempfile.TemporaryDirectory() as output:
        # One posting first: converts and caches model and index, as any second run finds them.
        first = Path(output, "first.jsonl")
        first.write_bytes(postings.read_bytes().splitlines()[0] + b"\n")
        before = cpu_seconds()
        tag_files.run(FilesConfig(output=f"{output}/warm", model=model), [str(first)])
        loading = cpu_seconds() - before
        summary = tag_files.run(FilesConfig(output=f"{output}/out", model=model), [str(postings)])
        cpu = cpu_seconds() - before - 2 * loading  # the second run loads once more
    return {
        "seconds": summary.seconds,
        "cpu_seconds": round(cpu, 2),
        "postings_per_second": summary.postings_per_second,
        "sentences": summary.sentences,
        "sentences_encoded": summary.sentences - summary.cached_sentences,
        "tokens": summary.tokens,
        "peak_memory_mb": summary.peak_memory_mb,
    }


def run_plain(postings: Path, model: str, *, buckets: bool = False) -> dict[str, float]:
    import resource

    import apache_beam as beam
    from apache_beam.ml.inference.base import RunInference
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner
    from run_inference import TopSkills, load

    from skillstream.postings.parse import JobPosting, parse_payload
    from skillstream.postings.sentences import segment

    load(model)

    def sentences(line: bytes) -> list[str]:
        posting = parse_payload(line)
        return [s.text for s in segment(posting).sentences] if isinstance(posting, JobPosting) else []

    lines = postings.read_bytes().splitlines()
    count = sum(len(sentences(line)) for line in lines)
    started, before = time.monotonic(), cpu_seconds()
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        (
            pipeline
            | beam.Create(lines, reshuffle=False)
            | beam.FlatMap(sentences)
            | RunInference(TopSkills(model, buckets=buckets))
            | beam.combiners.Count.Globally()
        )
    seconds = time.monotonic() - started
    return {
        "seconds": round(seconds, 3),
        "cpu_seconds": round(cpu_seconds() - before, 2),
        "postings_per_second": round(len(lines) / seconds, 2),
        "sentences": count,
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def run_extractor(postings: Path, extract: Callable[[list[str]], list[list[str]]]) -> dict[str, float]:
    """Title and description of each posting as one text; nothing of skillstream is imported here."""
    import resource

    texts = []
    for line in postings.read_bytes().splitlines():
        posting = json.loads(line)
        texts.append(f"{posting.get('title') or ''}\n{posting.get('description') or ''}")
    extract(texts[:1])  # warm up
    started, before = time.monotonic(), cpu_seconds()
    found = [
        skills for first in range(0, len(texts), BATCH) for skills in extract(texts[first : first + BATCH])
    ]
    seconds = time.monotonic() - started
    return {
        "seconds": round(seconds, 3),
        "cpu_seconds": round(cpu_seconds() - before, 2),
        "postings_per_second": round(len(texts) / seconds, 2),
        "tags": sum(map(len, found)),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def run_esco_skill_extractor(postings: Path, weights: str) -> dict[str, float]:
    from esco_skill_extractor import SkillExtractor

    with contextlib.redirect_stdout(sys.stderr):
        extractor = SkillExtractor(model=weights, device="cpu")
    return run_extractor(postings, extractor.get_skills)


def run_skill_extractor(postings: Path, _: str) -> dict[str, float]:
    from skill_extractor import SkillExtractor

    extractor = SkillExtractor()
    return run_extractor(postings, lambda texts: [extractor.extract(text) for text in texts])


def run_one(name: str, postings: Path, model: str) -> dict[str, float]:
    match name:
        case "skillstream":
            return run_skillstream(postings, model)
        case "run_inference" | "run_inference_buckets":
            return run_plain(postings, model, buckets=name.endswith("buckets"))
        case "esco_skill_extractor":
            return run_esco_skill_extractor(postings, model)
        case _:
            return run_skill_extractor(postings, model)


def start(name: str, sample: Path, model: str, environments: Path | None) -> dict[str, float] | str:
    """The figures of a contender in a process of its own, or why there are none."""
    python = Path(sys.executable)
    if name in OWN_ENVIRONMENT:
        if environments is None:
            return "needs --environments"
        from skillstream.encoder import resolve_model

        python, model = environments / name / "bin" / "python", str(resolve_model("base").path)
        if not python.exists():
            return f"no {python}"
    command = [str(python), __file__, str(sample), "--model", model, "--contender", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["failed"])[-1][:200]
    return json.loads(done.stdout.splitlines()[-1])


def plot(results: dict[str, dict[str, float]], folder: Path) -> None:
    """Postings a second of each contender, as SVG."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 0.6 * len(results) + 1))
    bars = axes.barh(list(results), [figures["postings_per_second"] for figures in results.values()])
    axes.bar_label(bars, fmt="%.1f", padding=3)
    axes.invert_yaxis()
    axes.set_xlabel("postings per second, one run")
    figure.tight_layout()
    figure.savefig(folder / "end_to_end.svg")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("postings", type=Path, help="JSON lines")
    parser.add_argument("--records", type=int, default=500)
    parser.add_argument("--model", default="default")
    parser.add_argument("--only", nargs="*", choices=CONTENDERS, default=CONTENDERS)
    parser.add_argument("--environments", type=Path, help="folder with an environment for each extractor")
    parser.add_argument("--plot", type=Path, help="folder for a plot")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.plot and not importlib.util.find_spec("matplotlib"):
        parser.error("--plot needs matplotlib: pip install matplotlib")
    if options.contender:
        print(json.dumps(run_one(options.contender, options.postings, options.model)))
        return
    results, left_out = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        sample = Path(folder, "sample.jsonl")
        sample.write_bytes(b"\n".join(options.postings.read_bytes().splitlines()[: options.records]) + b"\n")
        for name in options.only:
            found = start(name, sample, options.model, options.environments)
            (left_out if isinstance(found, str) else results)[name] = found
            print(f"{name}: {found}", file=sys.stderr, flush=True)  # the next one takes minutes
    ours = results.get("skillstream", {}).get("postings_per_second")
    for figures in results.values() if ours else ():
        figures["ours_is_faster_by"] = round(ours / figures["postings_per_second"], 2)
    if options.json:
        print(json.dumps({"results": results, "left_out": left_out}), flush=True)
    else:
        for name, figures in results.items():
            print(f"{name:22} " + "  ".join(f"{key} {value:,}" for key, value in figures.items()))
        for name, reason in left_out.items():
            print(f"{name:22} left out: {reason}")
    if options.plot:
        plot(results, options.plot)


if __name__ == "__main__":
    main()
