"""Training pairs to the examples of the recipe `skills`: queries that look like sentences of postings.

Plain pairs teach what belongs together, but not how postings write. So short texts are put into the templates
of bullets and requirements, several skills into one bullet, and sentences behind each other, as the
sentences of postings name two or three skills as a rule.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from skillstream.training.pairs import Kind, TrainingPair

__all__ = ["DEFAULT_MIX", "Example", "compose"]

# How often each view is drawn. Sentences matter most; the others keep labels that no sentence has in sight.
DEFAULT_MIX: Mapping[str, float] = {
    "sentence": 3.0,
    "sentence+": 1.0,
    "bullet": 2.0,
    "alternative": 1.2,
    "phrase": 1.2,
    "description": 1.0,
    "span": 0.6,
}

TEMPLATES = (
    "{}", "* {}", "- {}", "• {}", "{} .", "{} required", "{} is a plus", "{} skills", "Experience with {}",
    "experience in {}", "Proven experience: {}", "Hands-on experience with {}", "Strong knowledge of {}",
    "Knowledge of {} is a plus", "Good understanding of {}", "Familiarity with {} preferred",
    "Proficient in {}",
    "You will {}", "You are able to {}", "Ability to {}", "Responsible for {}", "Duties include {}",
    "Must have: {}",
    "Help us {}", "Work on {}", "We are looking for someone with experience in {} .",
)  # fmt: skip
SEPARATORS = (", ", "; ", " / ", ", ", " and ", " * ", ". ", " , ")
LAST_SEPARATORS = (" and ", ", ", " & ", " or ")

JOINED_SENTENCES = 0.2  # chance that another sentence follows
TEMPLATED = 0.6  # chance that a short text is put into a template
FIRST_SENTENCE = 0.7  # chance that of a description only the first sentence is taken
ALTERNATIVE = 0.75  # chance that a skill in a bullet is named by another name than its label


class Example(msgspec.Struct, frozen=True):
    """One query, a text that it should find, and all texts that must not count as wrong for it.

    `negative` is a text near to it that is wrong, where the pairs have some (`training-data --negatives`).
    """

    query: str
    positive: str
    known: frozenset[str]
    negative: str | None = None


def compose(
    pairs: Iterable[TrainingPair], count: int, seed: int, mix: Mapping[str, float] = DEFAULT_MIX
) -> Iterator[Example]:
    """`count` examples, the same ones for the same pairs and seed; more examples begin with the fewer.

    Views for which there are no pairs are left out.

    Raises:
        ValueError: no pairs for any view of `mix`.
    """
    pool = _Pool(pairs)
    names = [name for name in mix if pool.has(name)]
    if not names:
        raise ValueError(f"no training pairs for any of {', '.join(mix)}")
    weights = [mix[name] for name in names]
    chance = random.Random(seed)  # noqa: S311 - reproducible draws, no secrets
    for _ in range(count):
        query, known = pool.draw(chance.choices(names, weights)[0], chance)
        positive = chance.choice(sorted(known))
        yield Example(query, positive, frozenset(known), pool.negative(positive, known, chance))


class _Pool:
    """Pairs by kind: texts with all their positives, and labels with all their names."""

    def __init__(self, pairs: Iterable[TrainingPair]) -> None:
        positives: dict[str, dict[str, dict[str, None]]] = defaultdict(lambda: defaultdict(dict))
        self._names: dict[str, list[str]] = defaultdict(list)
        negatives: dict[str, dict[str, None]] = defaultdict(dict)
        for pair in pairs:
            positives[pair.kind][pair.anchor][pair.positive] = None
            if pair.kind in (Kind.ALTERNATIVE, Kind.PHRASE):
                self._names[pair.positive].append(pair.anchor)
            if pair.negatives:
                negatives[pair.positive].update(dict.fromkeys(pair.negatives))
        self._texts: dict[str, list[tuple[str, Sequence[str]]]] = {
            kind: [(anchor, tuple(found)) for anchor, found in of_kind.items()]
            for kind, of_kind in positives.items()
        }
        self._labels = sorted(self._names)
        self._hard = {positive: tuple(found) for positive, found in negatives.items()}
        self._any_hard = sorted({text for found in self._hard.values() for text in found})

    def has(self, view: str) -> bool:
        if view == "bullet":
            return len(self._labels) > 1
        if view == "sentence+":
            return self.has("sentence") and self.has("bullet")
        return view in self._texts

    def draw(self, view: str, chance: random.Random) -> tuple[str, list[str]]:
        if view == "bullet":
            return self._bullet(chance)
        if view == "sentence+":
            sentence, known = chance.choice(self._texts["sentence"])
            more, others = self._bullet(chance)
            parts = [sentence, more]
            chance.shuffle(parts)
            return " ".join(parts), [*known, *others]
        anchor, known = chance.choice(self._texts[view])
        labels = list(known)
        if view == Kind.SENTENCE:
            while chance.random() < JOINED_SENTENCES:
                anchor_2, known_2 = chance.choice(self._texts[view])
                anchor, labels = f"{anchor} {anchor_2}", [*labels, *known_2]
        elif view == Kind.DESCRIPTION and chance.random() < FIRST_SENTENCE:
            anchor = anchor.split(". ")[0]
        elif view in (Kind.ALTERNATIVE, Kind.PHRASE):
            anchor = _in_template(anchor, chance)
        return anchor, labels

    def negative(self, positive: str, known: Sequence[str], chance: random.Random) -> str | None:
        """One that was mined for this positive, else for any other; `None` if there are none at all."""
        if not self._any_hard:
            return None
        return chance.choice([x for x in self._hard.get(positive, ()) if x not in known] or self._any_hard)

    def _bullet(self, chance: random.Random) -> tuple[str, list[str]]:
        labels = list(dict.fromkeys(chance.choices(self._labels, k=chance.choice((1, 2, 2, 3, 3, 4)))))
        names = [chance.choice(self._names[x]) if chance.random() < ALTERNATIVE else x for x in labels]
        separator = chance.choice(SEPARATORS)
        text = separator.join(names[:-1])
        text += (chance.choice((*LAST_SEPARATORS, separator)) if text else "") + names[-1]
        return _in_template(text, chance), labels


def _in_template(text: str, chance: random.Random) -> str:
    draw = chance.random()
    if draw < 0.25:
        text = text[:1].upper() + text[1:]
    elif draw < 0.3:
        text = text.title()
    elif draw < 0.35:
        text = text.lower()
    return chance.choice(TEMPLATES).format(text) if chance.random() < TEMPLATED else text
