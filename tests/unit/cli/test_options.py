"""Options are declared once: for the command line, for Beam's flags and in Python."""

from __future__ import annotations

import dataclasses

import click
import pytest

from skillstream.cli import cli, main
from skillstream.errors import UsageError
from skillstream.flink import FlinkConfig
from skillstream.options import check_options, default_text, option
from skillstream.tagging import FilesConfig, StreamConfig, TagConfig
from skillstream.tagging.replay import ReplayConfig
from skillstream.training.data_config import TrainingDataConfig

CONFIGS = [FilesConfig, FlinkConfig, ReplayConfig, StreamConfig, TagConfig, TrainingDataConfig]


def commands(command: click.Command, path: str) -> dict[str, click.Command]:
    found = {path: command}
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found |= commands(command.get_command(context, name), f"{path} {name}")
    return found


COMMANDS = commands(cli, "skillstream")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    place: str = option("", "Where it is.", required=True)
    colour: str = option("red", "Colour of it.", choices=("red", "green"))
    count: int = option(0, "Number of them.")
    loud: bool = option(False, "Make a noise.")


def test_a_missing_value_and_a_wrong_choice_are_refused():
    check_options(Config(place="here"))
    with pytest.raises(UsageError, match=r"^--place is missing: Where it is\.$"):
        check_options(Config())
    with pytest.raises(UsageError, match=r"^--colour must be one of red, green, got 'blue'$"):
        check_options(Config(place="here", colour="blue"))


def test_what_follows_the_help_text():
    shown = {field.name: default_text(field) for field in dataclasses.fields(Config)}
    assert shown == {
        "place": "[required]",
        "colour": "[default: red]",
        "count": "[default: 0]",
        "loud": "",
    }


@pytest.mark.parametrize("config_class", [FilesConfig, ReplayConfig, TrainingDataConfig])
def test_without_an_output_there_is_no_configuration(config_class):
    with pytest.raises(UsageError, match="^--output is missing: "):
        config_class()


@pytest.mark.parametrize("config_class", CONFIGS)
def test_help_texts_of_fields_are_sentences(config_class):
    for field in dataclasses.fields(config_class):
        check_sentence(field.metadata["help"])


@pytest.mark.parametrize("path", COMMANDS)
def test_help_texts_of_options_are_sentences(path):
    for parameter in COMMANDS[path].params:
        if isinstance(parameter, click.Option):
            check_sentence(parameter.help)


def check_sentence(text: str) -> None:
    assert text.endswith("."), text
    assert text[0].isupper(), text
    assert "..." not in text.replace("s3://...", "").replace("gs://...", ""), text


def test_json_has_one_help_text():
    texts = {p.help for command in COMMANDS.values() for p in command.params if p.name == "as_json"}
    assert len(texts) == 1


@pytest.mark.parametrize(
    ("command", "required"),
    [
        ("tag", ["--output"]),
        ("stream", ["--topic", "--output"]),
        ("replay", ["--output"]),
        ("training-data", ["--source", "--output"]),
        ("flink submit", ["--topic", "--output"]),
    ],
)
def test_required_options_say_so(command, required, capsys):
    assert main([*command.split(), "--help"]) == 0
    said = capsys.readouterr().out
    parameters = COMMANDS[f"skillstream {command}"].params
    assert {p.opts[0] for p in parameters if p.required and p.opts[0].startswith("--")} == set(required)
    assert said.count("[required]") == len(required)
    assert '[default: ""]' not in said
    assert "(required)" not in said


def test_a_missing_option_is_one_line_that_names_it(capsys):
    assert main(["stream", "--output", "x"]) == 2
    assert capsys.readouterr().err == "skillstream: Missing option '--topic'.\n"
    assert main(["stream", "--topic", "", "--output", "x"]) == 2
    assert capsys.readouterr().err.startswith("skillstream: --topic is missing: ")


# --- groups ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [[], ["index"], ["model"], ["flink"]])
def test_a_group_without_a_command_prints_its_help(arguments, capsys):
    assert main([*arguments, "--help"]) == 0
    help_text = capsys.readouterr().out
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == help_text
    assert help_text.count("\n") > 5


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["tags"], "No such command 'tags'. Did you mean 'tag'?"),
        (["trian"], "No such command 'trian'. Did you mean 'train'?"),
        (["help"], "No such command 'help'. Did you mean 'skillstream --help'?"),
        (["version"], "No such command 'version'. Did you mean 'skillstream --version'?"),
        (["index", "biuld"], "No such command 'biuld'. Did you mean 'build'?"),
        (["flink", "help"], "No such command 'help'. Did you mean 'skillstream flink --help'?"),
        (["flink", "version"], "No such command 'version'."),
        (["frobnicate"], "No such command 'frobnicate'."),
    ],
)
def test_an_unknown_command_suggests_what_may_be_meant(arguments, says, capsys):
    assert main(arguments) == 2
    assert capsys.readouterr().err == f"skillstream: {says}\n"
