"""The command line: `skillstream` and `python -m skillstream`.

Exit codes: 0 done, 1 failed while running, 2 wrong usage or refused before the first record. Errors are
one line on stderr; `--debug` adds the traceback. A group alone prints its help there: exit code 2.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
import traceback
from collections.abc import Sequence

import click

from skillstream.cli.groups import LazyGroup
from skillstream.errors import SkillstreamError, UsageError
from skillstream.version import __version__

__all__ = ["cli", "main"]

# Command -> (module, attribute).
COMMANDS = {
    "inspect": ("skillstream.cli.inspect", "inspect_command"),
    "tag": ("skillstream.cli.tag", "tag_command"),
    "stream": ("skillstream.cli.stream", "stream_command"),
    "explain": ("skillstream.cli.explain", "explain_command"),
    "index": ("skillstream.cli.index", "index_group"),
    "evaluate": ("skillstream.cli.evaluate", "evaluate_command"),
    "training-data": ("skillstream.cli.training", "training_data_command"),
    "train": ("skillstream.cli.training", "train_command"),
    "model": ("skillstream.cli.model", "model_group"),
    "replay": ("skillstream.cli.replay", "replay_command"),
    "flink": ("skillstream.cli.flink", "flink_group"),
    "doctor": ("skillstream.cli.doctor", "doctor_command"),
}

# New objects until Python's cyclic garbage collector looks at them. At its own 700 it takes a tenth of a
# start, to find that nothing of what was imported or loaded is garbage.
COLLECT_AFTER = 100_000

TAKES_BEAM_FLAGS = frozenset({"tag", "stream", "training-data", "flink"})


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, prog_name="skillstream")
@click.option("--debug", is_flag=True, help="Show the traceback of an error, not only its one line.")
def cli(debug: bool) -> None:
    """Which skills does every job posting ask for?

    Files or Kafka in, ranked skill tags in Parquet out, every record exactly once.
    """


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; never raises."""
    if sys.stdout is None:  # closed by the caller: `skillstream ... >&-`
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - for the life of the process
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments or bool(os.environ.get("SKILLSTREAM_DEBUG"))
    arguments = [argument for argument in arguments if argument != "--debug"]
    # What follows `--` is for Beam, whichever the command.
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    beam_flags = arguments[cut + 1 :]
    gc.set_threshold(COLLECT_AFTER)
    set_up_logging(debug)
    try:
        if beam_flags and arguments[:1] and arguments[0] not in TAKES_BEAM_FLAGS:
            raise click.UsageError(f"{arguments[0]} takes no flags for Beam after --")
        result = cli.main(arguments[:cut], prog_name="skillstream", standalone_mode=False, obj=beam_flags)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.Abort:
        return fail("interrupted; run again to resume where it stopped", 1, debug)
    except KeyboardInterrupt:
        return fail("interrupted; run again to resume where it stopped", 1, debug)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        return fail(error.format_message(), 2, debug)
    except UsageError as error:
        return fail(str(error), 2, debug)
    except SkillstreamError as error:
        return fail(str(error), 1, debug)
    except SystemExit as stop:  # by a library: rich ends so when the reader of our output has gone
        return stop.code if isinstance(stop.code, int) else 1
    except BrokenPipeError:
        # The reader of our output (`| head`) has gone; nothing is left to tell it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - the last line of defence: one line instead of a traceback
        return fail(f"{type(error).__name__}: {error} (--debug shows where)", 1, debug)
    return result if isinstance(result, int) else 0


def set_up_logging(debug: bool) -> None:
    """Warnings on stderr, a line each.

    Beam's own logging of a worker's error is a page of traceback before we say it in one line, and on
    import it warns about Google's libraries: both only with `--debug`.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    handler.addFilter(lambda record: not record.getMessage().startswith("apitools not found"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    if not debug:
        logging.getLogger("apache_beam").setLevel(logging.CRITICAL)


def fail(message: str, code: int, debug: bool) -> int:
    """Prints one line on stderr, the traceback before it if asked, and returns the exit code."""
    if debug:
        traceback.print_exc()
    first_line = " ".join(message.split())
    click.echo(f"skillstream: {first_line}", err=True)
    return code
