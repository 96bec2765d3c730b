"""The fastest precision that keeps its promise is measured once and remembered."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from skillstream.encoder.precision import (
    PROMISES,
    SENTENCES,
    Conditions,
    Measured,
    choose_precision,
    fastest,
    measure,
)

CONDITIONS = Conditions("a processor", "2026.1", 2, "f00d", ("fp32", "int8"))


class StubEncoder:
    """Vectors that are turned away from those of fp32 by an angle; counts how many run at a time."""

    parallel = 1
    running = 0
    most = 0
    lock = threading.Lock()

    def __init__(self, cosine: float) -> None:
        self.vector = np.array([cosine, np.sqrt(1 - cosine**2)], np.float32)

    def token_spans(self, text):
        return [(0, len(text))]

    def encode(self, texts):
        with self.lock:
            StubEncoder.running += 1
            StubEncoder.most = max(StubEncoder.most, StubEncoder.running)
        result = np.tile(self.vector, (len(texts), 1))
        with self.lock:
            StubEncoder.running -= 1
        return result


class Maker:
    """Makes encoders, and counts them."""

    def __init__(self, **cosines: float) -> None:
        self.cosines = {"fp32": 1.0, "int8": 0.99} | cosines
        self.made: list[str] = []

    def __call__(self, precision):
        self.made.append(precision)
        return StubEncoder(self.cosines[precision])


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SKILLSTREAM_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "precision"


@pytest.mark.parametrize(
    ("speeds", "expected"),
    [
        ({"fp32": 1000, "int8": 4000}, "int8"),
        ({"fp32": 1000, "int8": 1200}, "fp32"),  # too little for vectors that are less exact
        ({"fp32": 1000, "int8": 900}, "fp32"),
        ({"fp32": 1000, "bf16": 2000, "int8": 2100}, "bf16"),
        ({"fp32": 1000, "bf16": 2000, "int8": 2600}, "int8"),
        ({"fp32": 1000, "bf16": 800, "int8": 3000}, "int8"),
    ],
)
def test_the_fastest_is_taken_if_it_gains_enough(speeds, expected):
    assert fastest([Measured(name, speed, 1.0) for name, speed in speeds.items()]) == expected


@pytest.mark.parametrize("name", ["bf16", "fp16", "int8"])
def test_one_that_breaks_its_promise_is_not_taken(name):
    exact = Measured("fp32", 1000, 1.0)
    assert fastest([exact, Measured(name, 9000, PROMISES[name] - 0.001)]) == "fp32"
    assert fastest([exact, Measured(name, 9000, PROMISES[name])]) == name


def test_cosines_are_those_to_fp32():
    exact, eight = measure(("fp32", "int8"), Maker(int8=0.97))
    assert (exact.precision, exact.cosine, exact.kept) == ("fp32", pytest.approx(1, abs=1e-5), True)
    assert (eight.precision, eight.cosine, eight.kept) == ("int8", pytest.approx(0.97, abs=1e-4), False)


def test_measured_once_for_the_same_conditions(own_cache):
    first = Maker()
    choice = choose_precision(CONDITIONS, first)
    assert first.made == ["fp32", "int8"]
    again = Maker()
    assert choose_precision(CONDITIONS, again) == choice
    assert again.made == []
    for other in (
        Conditions("another one", "2026.1", 2, "f00d", ("fp32", "int8")),
        Conditions("a processor", "2026.2", 2, "f00d", ("fp32", "int8")),
        Conditions("a processor", "2026.1", 1, "f00d", ("fp32", "int8")),
        Conditions("a processor", "2026.1", 2, "beef", ("fp32", "int8")),
        Conditions("a processor", "2026.1", 2, "f00d", ("fp32", "bf16", "int8")),
    ):
        assert not (own_cache / f"{other.key}.json").exists()


@pytest.mark.parametrize("content", [b"", b"[1]", b'[{"precision":"fp32","tokens_per_s":1,"cosine":1}]'])
def test_a_damaged_file_is_measured_again(own_cache, content):
    own_cache.mkdir(parents=True)
    (own_cache / f"{CONDITIONS.key}.json").write_bytes(content)
    maker = Maker()
    assert {item.precision for item in choose_precision(CONDITIONS, maker).measured} == {"fp32", "int8"}
    assert maker.made


def test_a_cache_that_cannot_be_written_is_no_error(own_cache):
    own_cache.parent.write_bytes(b"")  # a file where the folder should be
    assert len(choose_precision(CONDITIONS, Maker()).measured) == 2


def test_several_at_once_take_turns_and_measure_once():
    maker = Maker()
    with ThreadPoolExecutor(4) as pool:
        choices = list(pool.map(lambda _: choose_precision(CONDITIONS, maker), range(4)))
    assert maker.made == ["fp32", "int8"]
    assert StubEncoder.most == 1
    assert choices.count(choices[0]) == 4


def test_sentences_are_of_all_lengths():
    lengths = [len(text.split()) for text in SENTENCES]
    assert min(lengths) == 1
    assert max(lengths) > 20
