"""The data card: what is in a folder of training pairs, where it came from, and what fell by the wayside."""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from skillstream.training.pair_files import iter_pairs
from skillstream.training.pair_sources import PairSource
from skillstream.training.pairs import TrainingPair, text_id
from skillstream.training.split import SPLITS

__all__ = ["describe_pairs", "write_data_card"]

COUNTED = 100_000  # pairs at most whose tokens are counted: every n-th of more
SAMPLES = 3

LICENCES = {
    "esco": "ESCO, European Commission; reuse free with acknowledgement (Decision 2011/833/EU):"
    ' "This service uses the ESCO classification of the European Commission."',
    "onet": "O*NET database, USDOL/ETA, CC BY 4.0, modified",
    "phrases": "phrasebook of skillstream, Apache-2.0",
}
UNKNOWN_LICENCE = "not stated here: as the file's own source says"

CountTokens = Callable[[Sequence[str]], Sequence[int]]
Ids = npt.NDArray[np.int64]


def describe_pairs(
    folder: str | Path,
    sources: Sequence[PairSource],
    options: Mapping[str, object],
    counters: Mapping[str, int],
    count_tokens: CountTokens | None = None,
) -> dict[str, Any]:
    """The facts of the card, read from the files as they were written.

    Args:
        folder: with `train/`, `dev/` and `test/`.
        sources: what the pairs were made of.
        options: of the run.
        counters: of its steps.
        count_tokens: tokens of each text, special ones included; `None` leaves the statistics out.
    """
    ids: dict[str, Ids] = {}
    splits: dict[str, Any] = {}
    for split in SPLITS:
        splits[split], ids[split] = _describe_split(folder, split, count_tokens)
    return {
        "options": dict(options),
        "sources": [{"source": s.name, "licence": LICENCES.get(s.kind, UNKNOWN_LICENCE)} for s in sources],
        "steps": dict(sorted(counters.items())),
        "splits": splits,
        "leakage": {
            "texts in train and dev": _common(ids["train"], ids["dev"]),
            "texts in train and test": _common(ids["train"], ids["test"]),
            "texts in dev and test": _common(ids["dev"], ids["test"]),
        },
    }


def write_data_card(folder: str | Path, facts: Mapping[str, Any]) -> None:
    """`data_card.json` and `data_card.md` in the folder."""
    Path(folder, "data_card.json").write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", "utf-8")
    Path(folder, "data_card.md").write_text(_markdown(facts), "utf-8")


def _describe_split(
    folder: str | Path, split: str, count_tokens: CountTokens | None
) -> tuple[dict[str, Any], Ids]:
    """Facts of one split, and the ids of all its texts. Holds 16 bytes a pair, not the texts."""
    total = sum(1 for _ in iter_pairs(folder, split))
    step = max(1, -(-total // COUNTED))
    # At even distances: files are in order of their texts, so the first ones are all alike.
    at = {(2 * i + 1) * total // (2 * SAMPLES) for i in range(min(SAMPLES, total))}
    anchors, positives, kinds = array("q"), array("q"), Counter[str]()
    chosen, samples = [], []
    for number, pair in enumerate(iter_pairs(folder, split)):
        anchors.append(text_id(pair.anchor))
        positives.append(text_id(pair.positive))
        kinds[pair.kind] += 1
        if number % step == 0:
            chosen.append(pair)
        if number in at:
            samples.append([pair.anchor, pair.positive])
    distinct = [np.unique(np.frombuffer(found, np.int64)) for found in (anchors, positives)]
    facts = {
        "pairs": total,
        "distinct_anchors": len(distinct[0]),
        "distinct_positives": len(distinct[1]),
        "kinds": dict(sorted(kinds.items())),
        "tokens": _token_statistics(chosen, count_tokens) if count_tokens and chosen else None,
        "samples": samples,
    }
    return facts, np.union1d(*distinct)


def _common(one: Ids, other: Ids) -> int:
    return len(np.intersect1d(one, other, assume_unique=True))


def _token_statistics(chosen: Sequence[TrainingPair], count_tokens: CountTokens) -> dict[str, Any]:
    statistics: dict[str, Any] = {"counted": len(chosen)}
    for column in ("anchor", "positive"):
        lengths = np.asarray(count_tokens([getattr(pair, column) for pair in chosen]))
        mean = round(float(lengths.mean()), 2)
        statistics[column] = {"min": int(lengths.min()), "mean": mean, "max": int(lengths.max())}
    return statistics


def _markdown(facts: Mapping[str, Any]) -> str:
    lines = [
        "# Data card",
        "",
        "Training pairs for a sentence encoder, made by `skillstream training-data`.",
        "",
    ]
    lines += ["## Sources", "", "| source | licence |", "|---|---|"]
    lines += [f"| {item['source']} | {item['licence']} |" for item in facts["sources"]]
    lines += ["", "## Options", ""]
    lines += [f"- {name}: {value}" for name, value in facts["options"].items()]
    lines += ["", "## Pairs at each step", "", "| step | pairs |", "|---|---|"]
    lines += [f"| {_cell(name)} | {count:,} |" for name, count in facts["steps"].items()]
    lines += ["", "## Splits", "", "| split | pairs | anchors | positives | kinds |", "|---|---|---|---|---|"]
    for split, found in facts["splits"].items():
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in found["kinds"].items())
        lines.append(
            f"| {split} | {found['pairs']:,} | {found['distinct_anchors']:,}"
            f" | {found['distinct_positives']:,} | {kinds} |"
        )
    lines += ["", "## Leakage", ""]
    lines += [f"- {name}: {count}" for name, count in facts["leakage"].items()]
    for split, found in facts["splits"].items():
        if not found["pairs"]:
            continue
        lines += ["", f"## {split}", ""]
        if found["tokens"]:
            lines += ["| tokens | min | mean | max |", "|---|---|---|---|"]
            for column in ("anchor", "positive"):
                tokens = found["tokens"][column]
                lines.append(f"| {column} | {tokens['min']} | {tokens['mean']} | {tokens['max']} |")
            lines += ["", f"Counted over {found['tokens']['counted']:,} pairs.", ""]
        lines += ["| anchor | positive |", "|---|---|"]
        lines += [f"| {_cell(anchor)} | {_cell(positive)} |" for anchor, positive in found["samples"]]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
