"""The skills index: built, saved, read again, refused."""

import numpy as np
import pytest

from skillstream.errors import IndexFormatError, OutputError
from skillstream.index.cached import default_index, default_index_folder
from skillstream.index.skills_index import build_index, check_model, index_summary, load_index, save_index
from skillstream.taxonomy.skills import Skill, Taxonomy
from skillstream.testing import HashEncoder

SKILLS = [
    Skill("u/1", "weld pipes", ["pipe welding"], ["joining", "constructing"], "skill"),
    Skill("u/2", "bake bread", [], ["cooking"], None),
    Skill("u/3", "metallurgy"),
]


@pytest.fixture
def taxonomy():
    return Taxonomy("own", "7", list(SKILLS))


def test_round_trip(tmp_path, taxonomy):
    encoder = HashEncoder(dim=32)
    built = build_index(taxonomy, encoder)
    folder = save_index(built, tmp_path)
    index = load_index(tmp_path)
    assert folder == tmp_path / index.version
    assert isinstance(index.vectors, np.memmap)
    np.testing.assert_array_equal(index.vectors, encoder.encode([skill.label for skill in SKILLS]))
    for one in (built, index):
        assert len(one) == 3
        assert (list(one.uris), list(one.labels)) == (
            ["u/1", "u/2", "u/3"],
            ["weld pipes", "bake bread", "metallurgy"],
        )
        assert (one.alt_labels(0), one.groups(0), one.kind(0)) == (
            ["pipe welding"],
            ["joining", "constructing"],
            "skill",
        )
        assert (one.alt_labels(2), one.groups(2), one.kind(2)) == ([], [], None)
        assert (one.taxonomy_name, one.taxonomy_version, one.fingerprint) == (
            "own",
            "7",
            taxonomy.fingerprint,
        )
        assert (one.model_name, one.model_fingerprint) == ("hash", encoder.fingerprint)
        assert one.version == built.version
    ids, scores = index.search(encoder.encode(["they bake bread"]), 2)
    assert ids[0, 0] == 1
    assert scores[0, 0] > scores[0, 1]


def test_version_is_of_vectors_skills_and_model(taxonomy):
    version = build_index(taxonomy, HashEncoder(dim=32)).version
    assert version == build_index(taxonomy, HashEncoder(dim=32)).version
    other_skill = Taxonomy("own", "7", [*SKILLS[:2], Skill("u/3", "metallurgy", ["metals"])])
    other_order = Taxonomy("own", "7", SKILLS[::-1])
    versions = {
        build_index(other_skill, HashEncoder(dim=32)).version,
        build_index(other_order, HashEncoder(dim=32)).version,
        build_index(taxonomy, HashEncoder(dim=32, max_tokens=99)).version,
        version,
    }
    assert len(versions) == 4


def test_label_longer_than_the_encoder_takes(taxonomy):
    long = Taxonomy("own", "7", [Skill("u/1", "weld " * 20 + "!")])
    index = build_index(long, HashEncoder(dim=32, max_tokens=4))
    np.testing.assert_array_equal(index.vectors, HashEncoder(dim=32).encode(["weld weld weld weld"]))
    assert index.labels[0] == "weld " * 20 + "!"


def test_vectors_that_are_none_are_refused(taxonomy):
    class Broken(HashEncoder):
        def encode(self, texts):
            return np.full((len(texts), self.dim), np.nan, np.float32)

    with pytest.raises(IndexFormatError, match="model hash gives vectors that are not finite"):
        build_index(taxonomy, Broken())


def test_index_of_another_model_is_refused(taxonomy):
    index = build_index(taxonomy, HashEncoder(dim=32))
    check_model(index, HashEncoder(dim=32))
    with pytest.raises(
        IndexFormatError, match=r"made with model hash .*32 dimensions.*in use is hash .*64 dimensions"
    ):
        check_model(index, HashEncoder(dim=64))


def test_summary_is_plain_values(tmp_path, taxonomy):
    save_index(build_index(taxonomy, HashEncoder(dim=32)), tmp_path)
    summary = index_summary(tmp_path)
    assert (summary["count"], summary["dim"], summary["taxonomy_name"]) == (3, 32, "own")


class CountingEncoder(HashEncoder):
    """Counts how often an index is built."""

    calls = 0

    def encode(self, texts):
        CountingEncoder.calls += 1
        return super().encode(texts)


@pytest.fixture
def own_csv(tmp_path, monkeypatch):
    monkeypatch.setenv("SKILLSTREAM_CACHE_DIR", str(tmp_path / "cache"))
    CountingEncoder.calls = 0
    path = tmp_path / "own.csv"
    path.write_text("id,label\n1,weld pipes\n2,bake bread\n", "utf-8")
    return path


def test_default_index_is_built_once(own_csv):
    first = default_index(str(own_csv), CountingEncoder(dim=32))
    again = default_index(str(own_csv), CountingEncoder(dim=32))
    assert (first.version, CountingEncoder.calls) == (again.version, 1)


def test_default_index_is_built_in_full_precision(own_csv):
    class Coarse(HashEncoder):
        precision = "int8"

        def encode(self, texts):
            raise AssertionError("an index serves all precisions")

    built = default_index(str(own_csv), Coarse(dim=32), lambda: CountingEncoder(dim=32))
    found = default_index(str(own_csv), Coarse(dim=32), lambda: CountingEncoder(dim=32))
    assert (built.version, CountingEncoder.calls) == (found.version, 1)


def test_default_index_follows_taxonomy_and_model(own_csv):
    default_index(str(own_csv), CountingEncoder(dim=32))
    default_index(str(own_csv), CountingEncoder(dim=64))
    own_csv.write_text("id,label\n1,weld pipes\n", "utf-8")
    assert len(default_index(str(own_csv), CountingEncoder(dim=32))) == 1
    assert CountingEncoder.calls == 3


def test_damaged_cache_is_built_again(own_csv, tmp_path):
    default_index(str(own_csv), CountingEncoder(dim=32))
    (vectors,) = (tmp_path / "cache").rglob("vectors.npy")
    vectors.write_bytes(vectors.read_bytes()[:-8])
    assert len(default_index(str(own_csv), CountingEncoder(dim=32))) == 2
    default_index(str(own_csv), CountingEncoder(dim=32))
    assert CountingEncoder.calls == 2


def test_cache_that_cannot_be_written_is_done_without(own_csv, tmp_path, caplog):
    (tmp_path / "cache").write_text("a file where the folder should be", "utf-8")
    assert len(default_index(str(own_csv), CountingEncoder(dim=32))) == 2
    assert "not cached" in caplog.text


def test_a_cache_that_cannot_be_written_is_told_before_the_work(own_csv, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be", "utf-8")
    with pytest.raises(OutputError, match="SKILLSTREAM_CACHE_DIR"):
        default_index_folder(str(own_csv), CountingEncoder(dim=32))
    assert CountingEncoder.calls == 0


def test_a_temporary_folder_does_where_the_cache_cannot_be_written(own_csv, tmp_path, caplog):
    (tmp_path / "cache").write_text("a file where the folder should be", "utf-8")
    folder = default_index_folder(str(own_csv), CountingEncoder(dim=32), temporary=True)
    assert len(load_index(folder)) == 2
    assert default_index_folder(str(own_csv), CountingEncoder(dim=32), temporary=True) == folder
    assert CountingEncoder.calls == 1


def test_the_same_content_under_another_name_is_another_index(own_csv, tmp_path):
    other = tmp_path / "other.csv"
    other.write_bytes(own_csv.read_bytes())
    encoder = CountingEncoder(dim=32)
    one, two = default_index(str(own_csv), encoder), default_index(str(other), encoder)
    assert (one.taxonomy_name, two.taxonomy_name) == ("own", "other")
    assert one.fingerprint == two.fingerprint
    assert one.version != two.version  # workers keep unpacked indexes by their version
