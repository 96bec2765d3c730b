"""What the taxonomy of technologies finds of what readers missed, and of what they called wrong.

    python scripts/measure_technologies.py --judgements FILE --postings FILE [--half even|odd] [--list]

`--judgements`: JSON lines with `id`, `missing` (texts; those that begin with `t:` are technologies) and
`tags` (of `taxonomy` "onet", with `words` and `verdict`: r, o, d or w). `--postings`: JSON lines with `id`,
`title`, `description`. Only names are looked for: no model is needed. Prints what is found, and with --list
what is not.
"""

import argparse
import json
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from skillstream.postings import segment
from skillstream.postings.parse import posting_from_mapping
from skillstream.ranking.exact import ExactMatcher
from skillstream.ranking.name_context import SURE_ENOUGH
from skillstream.ranking.ranker import COMPANY
from skillstream.ranking.words import normal_words
from skillstream.taxonomy import load_taxonomies

# "CPA certification" was missed if "CPA" was.
SUFFIX = re.compile(
    r"\s+(certification|certificate|certified|licen[cs]e|software|systems?|degree|tools?)$", re.I
)
TAXONOMY = load_taxonomies(["esco", "technologies"])
MATCHER = ExactMatcher(TAXONOMY.skills)
TECHNOLOGY = [skill.name_only or bool(skill.same_as) for skill in TAXONOMY.skills]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--judgements", type=Path, required=True)
    parser.add_argument("--postings", type=Path, required=True)
    parser.add_argument(
        "--half", choices=("even", "odd"), help="only postings with such a number in their id"
    )
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()

    postings = {
        posting["id"]: posting for posting in map(json.loads, options.postings.open(encoding="utf-8"))
    }
    entries = defaultdict(set)
    for number, skill in enumerate(TAXONOMY.skills):
        if TECHNOLOGY[number]:
            for name in (skill.label, *skill.alt_labels):
                entries[key(name)].add(number)
    verdicts: Counter[tuple[str, bool]] = Counter()
    missing = [0, 0]
    for judged in map(json.loads, options.judgements.open(encoding="utf-8")):
        odd = int(re.sub(r"\D", "", judged["id"])) % 2
        if options.half and odd != (options.half == "odd"):
            continue
        found = technologies(postings[judged["id"]])
        for text in judged["missing"]:
            if text.startswith("t:"):
                hit = is_found(text[2:].strip(), found, entries)
                missing[hit] += 1
                if options.list and not hit:
                    print(f"{judged['id']}\tmissing\t{text[2:].strip()}")
        for tag in judged["tags"]:
            if tag["taxonomy"] == "onet" and "dwa" not in tag["uri"]:
                hit = any(within(key(tag["words"]), words) for words in found.values())
                verdicts[tag["verdict"], hit] += 1
                if options.list and hit != (tag["verdict"] in "ro"):
                    print(f"{judged['id']}\t{tag['verdict']}\t{tag['label']}\t{tag['words']}")
    print(f"missing names: {missing[1]} of {sum(missing)} found")
    for verdict in "rodw":
        kept, left = verdicts[verdict, True], verdicts[verdict, False]
        print(f"O*NET names judged {verdict}: {kept} found, {left} left out")


def technologies(posting: dict[str, Any]) -> dict[int, tuple[str, ...]]:
    """Numbers of the technologies that a posting names, with the words."""
    sure: dict[int, tuple[str, ...]] = {}
    doubtful: dict[int, tuple[str, ...]] = {}
    document = segment(posting_from_mapping({name: posting[name] for name in ("title", "description")}))
    for sentence in document.sentences:
        for match in MATCHER.find(sentence.text):
            if TECHNOLOGY[match.skill]:
                kept = sure if match.context >= SURE_ENOUGH else doubtful
                kept.setdefault(match.skill, key(sentence.text[match.start : match.end]))
    return {**doubtful, **sure} if len(sure) >= COMPANY else sure


def is_found(name: str, found: dict[int, tuple[str, ...]], entries: dict[tuple[str, ...], set[int]]) -> bool:
    words = key(SUFFIX.sub("", name))
    if entries[key(name)] & found.keys():
        return True
    return any(within(words, other) or within(other, words) for other in found.values())


def key(text: str) -> tuple[str, ...]:
    return tuple(normal_words(text))


def within(words: tuple[str, ...], others: tuple[str, ...]) -> bool:
    return f" {' '.join(words)} " in f" {' '.join(others)} "


if __name__ == "__main__":
    main()
