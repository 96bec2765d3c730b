"""The index in the package is the one of the taxonomies and the model in the package."""

from __future__ import annotations

import numpy as np
import pytest

from skillstream.encoder import load_encoder, resolve_model
from skillstream.index import default_index_folder, index_folder, load_index
from skillstream.index.cached import SHIPPED
from skillstream.taxonomy import DEFAULT_TAXONOMIES, load_taxonomies
from skillstream.testing import HashEncoder


@pytest.fixture(scope="module")
def shipped():
    return load_index(SHIPPED)


def test_it_is_of_the_default_taxonomies_and_the_default_model(shipped):
    taxonomy = load_taxonomies(DEFAULT_TAXONOMIES).ordered()
    assert shipped.model_fingerprint == resolve_model("default").fingerprint
    assert (shipped.taxonomy_name, shipped.taxonomy_version) == (taxonomy.name, taxonomy.version)
    assert shipped.fingerprint == taxonomy.fingerprint
    assert list(shipped.skills) == list(taxonomy.skills)


def test_its_vectors_are_those_of_the_labels(shipped):
    rows = np.random.default_rng(0).choice(len(shipped), 40, replace=False)
    vectors = load_encoder("default", "openvino", "fp32").encode([shipped.labels[row] for row in rows])
    np.testing.assert_allclose(shipped.vectors[rows], vectors, atol=2e-4)  # rounded to 16 bits


def test_nothing_is_loaded_or_built_for_it(monkeypatch):
    monkeypatch.setattr("skillstream.index.cached.exact_encoder", None)
    monkeypatch.setattr("skillstream.index.cached.load_taxonomies", None)
    assert index_folder(DEFAULT_TAXONOMIES) == SHIPPED


def test_another_model_or_taxonomy_has_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("SKILLSTREAM_CACHE_DIR", str(tmp_path))
    (tmp_path / "own.csv").write_text("id,label\n1,weld pipes\n2,bake bread\n", "utf-8")
    own = default_index_folder(str(tmp_path / "own.csv"), HashEncoder())
    assert own.parent == tmp_path / "indexes"
    assert len(load_index(own)) == 2
