"""How quick is the exact lane with the whole of ESCO?

    python benchmarks/exact.py [POSTINGS.jsonl] [--json]

One thread, CPU time. Sentences come from the postings given (segmented as `skillstream tag` does it), else
they are invented.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from skillstream.postings.fields import FieldMapping
from skillstream.postings.parse import JobPosting, parse_payload
from skillstream.postings.sentences import segment
from skillstream.ranking.exact import ExactMatcher
from skillstream.taxonomy.load import load_taxonomy

INVENTED = [
    "You write Python and SQL every day.",
    "A licence to drive vehicles up to 7.5 tonnes is of use.",
] * 5000


def read_sentences(path: Path) -> list[str]:
    postings = (parse_payload(line, FieldMapping()) for line in path.read_bytes().splitlines())
    return [
        one.text
        for posting in postings
        if isinstance(posting, JobPosting)
        for one in segment(posting).sentences
    ]


def measure(sentences: list[str], rounds: int) -> dict[str, float]:
    skills = load_taxonomy("esco").skills
    start = time.process_time()
    matcher = ExactMatcher(skills)
    build = time.process_time() - start
    best, found = float("inf"), 0
    for _ in range(rounds):
        start = time.process_time()
        found = sum(len(matcher.find(sentence)) for sentence in sentences)
        best = min(best, time.process_time() - start)
    return {
        "build_cpu_s": round(build, 2),
        "sentences": len(sentences),
        "characters_per_sentence": round(sum(map(len, sentences)) / len(sentences), 1),
        "matches_per_sentence": round(found / len(sentences), 3),
        "sentences_per_cpu_s": round(len(sentences) / best),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("postings", nargs="?", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = measure(read_sentences(options.postings) if options.postings else INVENTED, options.rounds)
    print(
        json.dumps(result)
        if options.json
        else "\n".join(f"{name}: {value}" for name, value in result.items())
    )


if __name__ == "__main__":
    main()
