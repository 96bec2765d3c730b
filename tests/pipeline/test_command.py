"""`python -m skillstream.pipelines.*`: flags, help and exit codes; and what Beam's own flags say."""

from __future__ import annotations

import dataclasses

import pytest

from skillstream.errors import RunError, UsageError
from skillstream.pipelines import tag_files, tag_stream, training_data
from skillstream.pipelines.beam_flags import read_beam_flags
from skillstream.pipelines.command import run_command
from skillstream.tagging import FilesConfig, StreamConfig
from skillstream.training.data_config import TrainingDataConfig

PIPELINES = [(tag_files, FilesConfig), (tag_stream, StreamConfig), (training_data, TrainingDataConfig)]


@pytest.mark.parametrize(("module", "config_class"), PIPELINES)
def test_help_has_the_text_of_every_option(module, config_class, capsys):
    with pytest.raises(SystemExit) as stop:
        module.main(["--help"])
    assert stop.value.code == 0
    said = "".join(capsys.readouterr().out.split())
    for field in dataclasses.fields(config_class):
        assert f"--{field.name}" in said
        assert f"--{field.name.replace('_', '-')}" in said
        assert "".join(field.metadata["help"].split()) in said
    assert (
        f"{config_class.__dataclass_fields__['output'].metadata['help']}[required]".replace(" ", "") in said
    )


@pytest.mark.parametrize(
    ("module", "missing"),
    [
        (tag_files, "--input, --output"),
        (tag_stream, "--topic, --output"),
        (training_data, "--source, --output"),
    ],
)
def test_what_is_missing_is_one_line(module, missing, capsys):
    assert module.main([]) == 2
    error = capsys.readouterr().err
    assert error == f"skillstream: the following arguments are required: {missing}\n"


@pytest.mark.parametrize("flag", ["--held-out=0.1", "--held_out=0.1"])
def test_both_spellings_reach_the_configuration(flag):
    given = []
    code = run_command(
        "x",
        TrainingDataConfig,
        lambda *arguments: given.append(arguments),
        ["--output=o", flag, "--region=r"],
    )
    config, _, beam_flags = given[0]
    assert (code, config, beam_flags) == (0, TrainingDataConfig(output="o", held_out=0.1), ["--region=r"])


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--held-out=much"], "invalid float value: 'much'"),
        (["--held-out=0.7"], "--held-out 0.7: expected a number from 0 to 0.5"),
        (["--output="], "--output is missing: "),
    ],
)
def test_a_wrong_value_is_one_line_and_exit_code_2(flags, says, capsys):
    assert training_data.main(["--source=phrases=builtin", "--output=o", *flags]) == 2
    error = capsys.readouterr().err
    assert error.startswith("skillstream: ")
    assert says in error
    assert error.count("\n") == 1


@dataclasses.dataclass
class Result:
    problems: list[str]


@pytest.mark.parametrize(
    ("outcome", "code", "out", "err"),
    [
        (Result([]), 0, '{"problems":[]}\n', ""),
        (Result(["a"]), 1, '{"problems":["a"]}\n', ""),
        (UsageError("no"), 2, "", "skillstream: no\n"),
        (RunError("broke"), 1, "", "skillstream: broke\n"),
    ],
)
def test_exit_codes(outcome, code, out, err, capsys):
    def job(*_):
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    assert run_command("x", TrainingDataConfig, job, ["--output=o"]) == code
    assert capsys.readouterr() == (out, err)


# --- Beam's own flags --------------------------------------------------------------------------------------


def test_beam_flags_are_read_as_beam_reads_them():
    flags = read_beam_flags(["--region=r", "--streaming", "--sdk_worker_parallelism=2", "--frob=3"])
    assert (flags.region, flags.streaming, flags.project) == ("r", True, None)
    assert flags.unknown == ["--frob=3"]
    assert (flags.is_local, flags.is_flink, flags.is_dataflow) == (True, False, False)


def test_flags_of_the_job_server_have_values_and_stay_unknown_to_beam():
    given = ["--runner=FlinkRunner", "--checkpointing_interval=5", "--max_bundle_size=1"]
    flags = read_beam_flags(given)
    assert (flags.checkpointing_interval, flags.max_bundle_size) == (5, 1)
    assert flags.unknown == given[1:]
    assert flags.is_flink
    absent = read_beam_flags([])
    assert (absent.checkpointing_interval, absent.max_bundle_size) == (-1, 0)


@pytest.mark.parametrize("flag", ["--direct_num_workers=x", "--max_bundle_size=x"])
def test_a_value_that_cannot_be_read_is_refused(flag):
    with pytest.raises(UsageError, match=f"{flag.partition('=')[0]}: invalid int value"):
        read_beam_flags([flag])
