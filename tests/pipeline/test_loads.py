"""What a start loads: one encoder, and the index read and checked once; for a job sent elsewhere, nothing."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from contextlib import nullcontext
from pathlib import Path

import pytest

from skillstream import FilesConfig
from skillstream.errors import IndexFormatError, ModelError
from skillstream.index import build_index, pack_index, save_index
from skillstream.output import read_run
from skillstream.pipelines import tag_files
from skillstream.tagging import TagConfig, TagWorker, start_job
from skillstream.tagging.files_job import plan_job
from skillstream.tagging.worker import hand_over, process_worker
from skillstream.testing import HashEncoder
from skillstream.workers import files
from skillstream.workers.messages import Ready
from tests.data import make_jsonl
from tests.loads import WARM, counted


@pytest.fixture
def config(exported_model, tmp_path, monkeypatch):
    """Builds of the index go to a cache of the test's own."""
    monkeypatch.setenv("SKILLSTREAM_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "own.csv").write_text("id,label\n1,weld pipes\n2,bake bread\n", "utf-8")
    (tmp_path / "a.jsonl").write_bytes(make_jsonl(5))

    def make(**options) -> FilesConfig:
        defaults = {
            "output": str(tmp_path / "out"),
            "model": str(exported_model),
            "taxonomy": str(tmp_path / "own.csv"),
            "precision": "fp32",  # whatever is fastest here
        }
        return FilesConfig(**(defaults | options))

    return make


@pytest.mark.slow
def test_tag_loads_one_encoder_and_reads_a_cached_index_once(config, tmp_path):
    inputs = [str(tmp_path / "a.jsonl")]
    with counted() as cold:
        assert tag_files.run(config(output=str(tmp_path / "first")), inputs).records == 5
    assert (cold["encoder loads, worker"], cold["encoder loads, driver"]) == (1, 0)
    with counted() as warm:
        assert tag_files.run(config(), inputs).records == 5
    assert warm == WARM


def test_tag_reads_a_prebuilt_index_once(config, tmp_path):
    worker = TagWorker(config())
    save_index(worker.tagger().index, tmp_path / "index")
    with counted() as counts:
        tag_files.run(config(index=str(tmp_path / "index")), [str(tmp_path / "a.jsonl")])
    assert counts == WARM


def test_a_worker_elsewhere_checks_the_packed_index_once(config, tmp_path):
    package = pack_index(save_index(TagWorker(config()).tagger().index, tmp_path / "index"))
    for _ in range(2):  # written, then found in the cache
        with counted() as counts:
            TagWorker(config()).tagger(package)
        assert counts == WARM


ELSEWHERE = """
import sys
for name in ("openvino", "onnxruntime", "torch", "transformers", "sentence_transformers"):
    sys.modules[name] = None
from skillstream import FilesConfig
from skillstream.tagging import start_job
output, model, taxonomy, index = sys.argv[1:]
config = FilesConfig(output=output, model=model, taxonomy=taxonomy, index=index or None)
start = start_job(config, {"source": "files"}, here=False)
print(start.worker, start.config.index, start.model_version, start.taxonomy_version)
"""


@pytest.mark.slow
@pytest.mark.parametrize("prebuilt", [True, False])
def test_a_machine_that_only_submits_needs_nothing_that_runs_a_model(config, tmp_path, prebuilt):
    tagger = TagWorker(config()).tagger()
    index = str(tmp_path / "index") if prebuilt else ""
    if prebuilt:
        save_index(tagger.index, index)
    arguments = [str(tmp_path / "out"), config().model, str(tmp_path / "own.csv"), index]
    command = [sys.executable, "-c", textwrap.dedent(ELSEWHERE), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    worker, folder, model, taxonomy = done.stdout.split()
    assert (worker, model, taxonomy) == ("None", tagger.model_version, tagger.taxonomy_version)
    assert folder == index if prebuilt else Path(folder).is_relative_to(tmp_path / "cache")


def test_an_index_that_has_to_be_built_for_elsewhere_is_built_here_once(config):
    for expected in (1, 0):
        with counted() as counts:
            start_job(config(), {"source": "files"}, here=False)
        assert counts["encoder loads, driver"] == expected
        assert counts["encoder loads, worker"] == 0


@pytest.mark.parametrize("here", [True, False])
def test_an_index_of_another_model_is_refused_and_nothing_written(config, tmp_path, taxonomy, here):
    save_index(build_index(taxonomy, HashEncoder()), tmp_path / "index")
    with pytest.raises(IndexFormatError, match="made with model"):
        start_job(config(index=str(tmp_path / "index")), {"source": "files"}, here=here)
    assert not (tmp_path / "out").exists()


def test_a_damaged_index_in_the_cache_is_built_again_for_elsewhere(config, tmp_path):
    start_job(config(), {"source": "files"}, here=False)
    (vectors,) = (tmp_path / "cache" / "indexes").rglob("vectors.npy")
    vectors.write_bytes(vectors.read_bytes()[:-8])
    with counted() as counts:
        start_job(config(), {"source": "files"}, here=False)
    assert counts["encoder loads, driver"] == 1


def test_a_model_that_cannot_be_loaded_is_refused_before_anything_is_written(config, tmp_path):
    with pytest.raises(ModelError):
        tag_files.run(config(model=str(tmp_path / "cache")), [str(tmp_path / "a.jsonl")])
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("hash_model")
def test_a_worker_is_handed_over_for_its_configuration_while_the_job_runs():
    config = TagConfig(top_k=3)
    worker = TagWorker(config)
    with hand_over(worker):
        assert process_worker(TagConfig(top_k=3)) is worker
        assert process_worker(TagConfig(top_k=4)) is not worker
    assert process_worker(config) is not worker


@pytest.fixture
def begun_in(config, tmp_path, monkeypatch):
    """Starts a job: `fastest` is what `auto` would choose here, `asked` what encoders were asked for."""
    asked = []

    def begin(fastest: str, **options) -> str | None:
        def load(model, backend, wanted):
            asked.append(wanted)
            encoder = HashEncoder()
            encoder.precision = fastest if wanted == "auto" else wanted
            return encoder

        monkeypatch.setattr("skillstream.tagging.worker.load_encoder", load)
        monkeypatch.setattr("skillstream.tagging.tagger.exact_encoder", lambda *_: HashEncoder())
        start_job(config(**({"precision": "auto"} | options)), {"source": "files"}, here=True)
        return read_run(tmp_path / "out").precision

    begin.asked = asked
    return begin


def test_an_output_keeps_the_precision_that_it_was_begun_in(begun_in, caplog):
    assert begun_in("int8") == "int8"
    assert begun_in("fp32") == "int8"  # on a machine where fp32 would be the fastest
    assert begun_in.asked == ["auto", "int8"]
    assert not caplog.messages


def test_another_precision_is_taken_if_asked_for_and_said(begun_in, caplog, tmp_path):
    begun_in("int8")
    assert begun_in("int8", precision="fp32") == "int8"
    assert begun_in.asked == ["auto", "fp32"]
    [line] = caplog.messages
    assert f"{tmp_path}/out was begun in int8, this run computes in fp32" in line


def test_workers_compute_in_what_the_first_one_chose(config, tmp_path, monkeypatch):
    class Pool(NoPool):
        def wait_until_ready(self, number):
            assert self.started == [0]
            return Ready("model@1", "taxonomy@1", "int8")

    monkeypatch.setattr(files, "Pool", Pool)
    inputs = [tmp_path / f"{name}.jsonl" for name in "bc"]
    for path in inputs:
        path.write_bytes(make_jsonl(2, seed=len(path.name)))
    plan = plan_job(config(precision="auto"), [str(path) for path in inputs], 2)
    with pytest.raises(NoPool.Started):
        files.tag_with_workers(config(precision="auto"), plan, 2, lambda *_: nullcontext())
    assert [job.config.precision for job in Pool.jobs.values()] == ["int8", "int8"]
    assert read_run(tmp_path / "out").precision == "int8"


class NoPool:
    """Workers that are never started but the first one, which loads."""

    class Started(Exception):  # noqa: N818 - the end of the test
        pass

    def __init__(self, jobs, _places):
        type(self).jobs = jobs
        self.started = []

    def start(self, number):
        if number:
            raise NoPool.Started
        assert self.jobs[0].config.precision == "auto"
        self.started.append(number)

    def send(self, *_):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass
