"""Precisions are measured once, remembered, and the most exact of the fastest is taken."""

from __future__ import annotations

import dataclasses
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from skillstream.encoder.precision import (
    PROMISES,
    SENTENCES,
    Conditions,
    Form,
    Measured,
    best,
    measure,
    measured_here,
)

EXACT, EIGHT = Form("fp32", "openvino"), Form("int8", "openvino")
FORMS = (EXACT, EIGHT)
CONDITIONS = Conditions("a processor", ("openvino 2026.1",), 2, "f00d", ("openvino",))


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

    def __call__(self, form):
        self.made.append(form.precision)
        return StubEncoder(self.cosines[form.precision])


def forms():
    return FORMS


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SKILLSTREAM_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "precision"


@pytest.mark.parametrize(
    ("speeds", "expected"),
    [
        ({"fp32": 1000, "int8": 4000}, "int8 openvino"),
        ({"fp32": 1000, "int8": 1200}, "fp32 openvino"),  # too little for vectors that are less exact
        ({"fp32": 1000, "int8": 900}, "fp32 openvino"),
        ({"fp32": 1000, "bf16": 2000, "int8": 2100}, "bf16 openvino"),
        ({"fp32": 1000, "bf16": 2000, "int8": 2600}, "int8 openvino"),
        ({"fp32": 1000, "bf16": 800, "int8": 3000}, "int8 openvino"),
        ({"fp32": 1000, "int8": 900, "int8 onnxruntime": 1700}, "int8 onnxruntime"),
        ({"fp32": 1000, "bf16": 1200, "int8": 1400}, "bf16 openvino"),  # a gain in two small steps
        ({"fp32": 1000, "int8": 2300, "int8 onnxruntime": 2400}, "int8 onnxruntime"),
        ({"fp32": 1000, "int8": 2300, "int8 onnxruntime": 2200}, "int8 onnxruntime"),  # the more exact one
        ({"fp32": 1000, "int8": 2800, "int8 onnxruntime": 2200}, "int8 openvino"),
        # A Xeon with AMX (Emerald Rapids), two processors.
        ({"fp32": 4686, "bf16": 11616, "int8": 15075, "int8 onnxruntime": 12988}, "int8 onnxruntime"),
        ({"fp32": 1000, "int8": 900, "int8 onnxruntime": 1200}, "fp32 openvino"),
        ({"int8": 900, "int8 onnxruntime": 1000}, "int8 onnxruntime"),  # asked for int8
    ],
)
def test_the_most_exact_of_those_about_as_fast_as_the_fastest_is_taken(speeds, expected):
    cosines = {"fp32": 1.0, "bf16": 0.9999, "int8": 0.993, "int8 onnxruntime": 0.997}
    measured = [
        Measured(*(name if " " in name else f"{name} openvino").split(), speed, cosines[name])
        for name, speed in speeds.items()
    ]
    assert " ".join(best(measured)) == expected


@pytest.mark.parametrize("name", ["bf16", "fp16", "int8"])
def test_one_that_breaks_its_promise_is_not_taken(name):
    exact = Measured(*EXACT, 1000, 1.0)
    assert best([exact, Measured(name, "openvino", 9000, PROMISES[name] - 0.001)]) == EXACT
    assert best([exact, Measured(name, "openvino", 9000, PROMISES[name])]).precision == name


def test_cosines_are_those_to_fp32():
    exact, eight = measure(FORMS, Maker(int8=0.97))
    assert (exact.form, exact.cosine, exact.kept) == (EXACT, pytest.approx(1, abs=1e-5), True)
    assert (eight.form, eight.cosine, eight.kept) == (EIGHT, pytest.approx(0.97, abs=1e-4), False)


def test_measured_once_for_the_same_conditions(own_cache):
    first = Maker()
    measured = measured_here(CONDITIONS, forms, first)
    assert first.made == ["fp32", "int8"]
    again = Maker()
    assert measured_here(CONDITIONS, forms, again) == measured
    assert again.made == []
    for changed in (
        {"processor": "another one"},
        {"runtimes": ("openvino 2026.2",)},
        {"threads": 1},
        {"model": "beef"},
        {"int8": ("openvino", "onnxruntime")},
    ):
        assert not (own_cache / f"{dataclasses.replace(CONDITIONS, **changed).key}.json").exists()


def test_what_is_known_needs_no_forms():
    """Asking a runtime which forms it has means to import it."""
    measured_here(CONDITIONS, forms, Maker())

    def fail():
        raise AssertionError

    assert len(measured_here(CONDITIONS, fail, Maker())) == len(FORMS)


@pytest.mark.parametrize(
    "content", [b"", b"[1]", b'[{"precision":"fp32","backend":"openvino","tokens_per_s":1,"cosine":1}]']
)
def test_a_damaged_file_is_measured_again(own_cache, content):
    own_cache.mkdir(parents=True)
    (own_cache / f"{CONDITIONS.key}.json").write_bytes(content)
    maker = Maker()
    assert [item.form for item in measured_here(CONDITIONS, forms, maker)] == [EXACT, EIGHT]
    assert maker.made


def test_a_cache_that_cannot_be_written_is_no_error(own_cache):
    own_cache.parent.write_bytes(b"")  # a file where the folder should be
    assert len(measured_here(CONDITIONS, forms, Maker())) == 2


def test_several_at_once_take_turns_and_measure_once():
    maker = Maker()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: measured_here(CONDITIONS, forms, maker), range(4)))
    assert maker.made == ["fp32", "int8"]
    assert StubEncoder.most == 1
    assert found.count(found[0]) == 4


def test_sentences_are_of_all_lengths():
    lengths = [len(text.split()) for text in SENTENCES]
    assert min(lengths) == 1
    assert max(lengths) > 20
