"""Which form of a model to compute with is measured at the first use on a machine, and remembered.

A processor's flags do not tell: bf16 is faster than fp32 on some that have it and slower on others, and what
int8 gains depends on the runtime, too. So the forms are timed for about a second on built-in sentences, and
their vectors are compared with those of fp32. Processes of one machine take turns, since they would slow each
other down; the later ones read what the first one found.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from skillstream.storage import cache_folder, check_writable, taking_turns, whole_file

if TYPE_CHECKING:
    from skillstream.encoder.batches import BatchEncoder

__all__ = [
    "PRECISIONS",
    "PROMISES",
    "Conditions",
    "Form",
    "Measured",
    "best",
    "measure",
    "measured_here",
]

# The least cosine to fp32 of any built-in sentence's vector. From the most exact to the least.
PROMISES = {"fp32": 1.0, "bf16": 0.999, "fp16": 0.999, "int8": 0.98}
PRECISIONS = ("auto", *PROMISES)
# A less exact form has to be this many times as fast: on a crowded machine the ratio of OpenVINO's int8
# to fp32 was measured as up to 1.11 where alone it is 0.87; on a Xeon with 8-bit dot products it was 2.3.
GAIN = 1.25
MEASURE_S = 0.5
CLOCK_S = 1e-6  # no round is shorter: clocks have steps
ROUNDS = 3  # at least; the best round of each counts, since other work on the machine only slows down
# What counts is processor time, not the clock: beside other work the clock's ratio of two precisions was
# between 0.9 and 2.5 where alone it is 0.87, that of processor time between 0.85 and 1.11.
TOKENS_PER_THREAD = 256
LOCK = ".lock"

SENTENCES = (
    "SQL",
    "Experience with Python, SQL and Apache Kafka is required.",
    "You look after patients on the ward and administer medication.",
    "Forklift licence or willingness to get one",
    "manage budgets",
    "Strong communication skills, in writing and in conversation, with colleagues and customers.",
    "Prepare monthly reports for the board and present them.",
    "We offer flexible hours, a pension plan and a friendly team in a modern office close to the station.",
    "Plan, carry out and document inspections of pumps, valves and pipes in line with the safety rules of "
    "the plant, and train new technicians in their use.",
    "food hygiene",
    "Bachelor's degree in computer science or a related field, or several years of comparable experience",
    "Answer the telephone, welcome visitors and keep the reception tidy.",
    "You design, build and operate data pipelines in the cloud, write tests for them, and review the code of "
    "others so that the team keeps its pace.",
    "CNC programming and reading of technical drawings",
    "Drive deliveries to shops in the region, load and unload the van with care, and keep the log book.",
    "negotiate with suppliers",
)


class Form(NamedTuple):
    """A precision, and the backend that computes it."""

    precision: str
    backend: str


class Measured(msgspec.Struct, frozen=True):
    """What was found of one form.

    Attributes:
        precision, backend: the form.
        tokens_per_s: speed on the built-in sentences in the best round, had it its cores for itself.
        cosine: the least cosine of a sentence's vector to that in fp32.
    """

    precision: str
    backend: str
    tokens_per_s: float
    cosine: float

    @property
    def form(self) -> Form:
        """What it was found of."""
        return Form(self.precision, self.backend)

    @property
    def kept(self) -> bool:
        """Whether its vectors are as near to those of fp32 as promised (up to rounding)."""
        return self.cosine >= PROMISES[self.precision] - 1e-5


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a measurement holds for.

    Attributes:
        processor: its name, and what it can do.
        runtimes: names and versions of what computes.
        threads: threads to compute with.
        model: fingerprint of the model.
        int8: what runs it in 8 bits.
    """

    processor: str
    runtimes: tuple[str, ...]
    threads: int
    model: str
    int8: tuple[str, ...]

    @property
    def key(self) -> str:
        """Name of the file that keeps the measurement."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:16]


def measured_here(
    conditions: Conditions, forms: Callable[[], Sequence[Form]], make: Callable[[Form], BatchEncoder]
) -> tuple[Measured, ...]:
    """What is known of each form under these conditions; measured if it never was.

    Args:
        conditions: what the measurement is kept under, in the user's cache; it is not kept if that cannot be
            written.
        forms: those to measure, that in fp32 first.
        make: the encoder of a form.

    Raises:
        ModelError: by `make`.
    """
    folder = cache_folder() / "precision"
    path = folder / f"{conditions.key}.json"
    measured = _read(path, conditions)
    if measured is None:
        try:
            check_writable(folder)
        except OSError:
            return measure(forms(), make)
        with taking_turns(folder / LOCK):
            measured = _read(path, conditions)
            if measured is None:
                measured = measure(forms(), make)
                with whole_file(path) as file:
                    file.write_bytes(msgspec.json.format(msgspec.json.encode(measured)) + b"\n")
    return measured


def measure(forms: Sequence[Form], make: Callable[[Form], BatchEncoder]) -> tuple[Measured, ...]:
    """Times the forms in turn, so that other load meets all alike; the first one has to be in fp32.

    Nothing else should compute in this process meanwhile.
    """
    encoders = {form: make(form) for form in forms}
    exact = encoders[forms[0]]
    cores = exact.parallel
    tokens = sum(len(exact.token_spans(text)) + 2 for text in SENTENCES)
    repeats = -(-TOKENS_PER_THREAD * cores // tokens)
    sentences = SENTENCES * repeats
    reference = exact.encode(SENTENCES)
    cosines = {
        form: float((encoder.encode(SENTENCES) * reference).sum(axis=1).min())
        for form, encoder in encoders.items()
    }
    times: dict[Form, list[float]] = {form: [] for form in encoders}
    started = time.perf_counter()
    while len(times[forms[0]]) < ROUNDS or time.perf_counter() - started < MEASURE_S:
        for form, encoder in encoders.items():
            before = time.process_time()
            encoder.encode(sentences)
            times[form].append(max(time.process_time() - before, CLOCK_S))
    return tuple(
        Measured(*form, round(tokens * repeats * cores / min(times[form])), round(cosines[form], 6))
        for form in encoders
    )


def best(measured: Sequence[Measured]) -> Form:
    """The form to take: the most exact of those that are about as fast as the fastest.

    Args:
        measured: one at least; if none keeps its promise, all count.
    """
    kept = [item for item in measured if item.kept] or measured
    enough = max(item.tokens_per_s for item in kept) / GAIN
    return max(
        (item for item in kept if item.tokens_per_s >= enough),
        key=lambda item: (item.cosine, item.tokens_per_s),
    ).form


def _read(path: Path, conditions: Conditions) -> tuple[Measured, ...] | None:
    try:
        measured = msgspec.json.decode(path.read_bytes(), type=tuple[Measured, ...])
    except (OSError, msgspec.DecodeError):
        return None
    int8 = tuple(item.backend for item in measured if item.precision == "int8")
    return measured if int8 == conditions.int8 else None
