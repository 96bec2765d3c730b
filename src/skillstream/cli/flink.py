"""`skillstream flink`: the stream as a job on a Flink cluster."""

from __future__ import annotations

import dataclasses
import logging
from datetime import timedelta
from typing import Any

import click
import msgspec
from prometheus_client import start_http_server

from skillstream.cli.groups import CommandGroup
from skillstream.cli.options import config_options, json_option
from skillstream.errors import UsageError
from skillstream.flink import FlinkConfig, FlinkJob, FlinkRest
from skillstream.monitoring.look import Look, StreamEyes
from skillstream.monitoring.watchdog import Watchdog, WatchdogMetrics, watch
from skillstream.output import check_layout
from skillstream.tagging import StreamConfig

__all__ = ["flink_group"]

REST = "http://localhost:8081"
# Set by --parallelism, or of no use where the readers run on other machines.
NOT_ON_FLINK = ("readers", "metrics_port", "metrics_address")

rest_option = click.option(
    "--rest", default=REST, show_default=True, help="Address of the Flink cluster's REST API."
)


@click.group("flink", cls=CommandGroup)
def flink_group() -> None:
    """Run the stream as a job on a Flink cluster."""


@flink_group.command("submit", epilog="Flags after -- are passed to Beam and override the options above.")
@config_options(StreamConfig, leave_out=NOT_ON_FLINK)
@config_options(FlinkConfig)
@json_option
@click.pass_obj
def submit_command(beam_flags: list[str] | None, /, as_json: bool, **options: Any) -> int:
    """Start the stream on the cluster, and come back when it runs there.

    It resumes where the files in --output end, no matter how the previous job ended. --output, --index and
    --model must be visible to all workers.
    """
    config, flink = split_options(options)
    from skillstream.pipelines.flink import submit  # Beam takes seconds to import

    _show(submit(config, flink, beam_flags or []), as_json)
    return 0


@flink_group.command("status")
@click.argument("job", required=False)
@rest_option
@json_option
def status_command(job: str | None, rest: str, as_json: bool) -> int:
    """List the cluster's jobs, or show JOB (a name or an id) with its checkpoints and last failure."""
    cluster = FlinkRest(rest)
    if job is None:
        jobs = cluster.jobs()
        if as_json:
            click.echo(msgspec.json.encode(jobs))
        else:
            for found in jobs:
                click.echo(f"{found.id}  {found.state:<10} {_duration(found)}  {found.name}")
        return 0
    found = cluster.find(job)
    checkpoints, failure = cluster.checkpoints(found.id), cluster.last_failure(found.id)
    if as_json:
        status = {"job": found, "checkpoints": checkpoints, "last_failure": failure}
        click.echo(msgspec.json.encode(status))
        return 0
    click.echo(f"{found.name} ({found.id}): {found.state} for {_duration(found)}")
    line = f"checkpoints: {checkpoints.completed} complete, {checkpoints.failed} failed"
    if checkpoints.latest_bytes is not None:
        line += f"; the latest: {checkpoints.latest_bytes:,} bytes in {checkpoints.latest_ms} ms"
    click.echo(line)
    click.echo(f"last failure: {failure or 'none'}")
    return 0


@flink_group.command("stop")
@click.argument("job")
@rest_option
@click.option(
    "--savepoints",
    help="Address for the savepoint that the whole cluster can reach; default: the cluster's own setting.",
)
@click.option(
    "--drain", is_flag=True, help="Fire all timers first; no job can be started from the savepoint then."
)
@click.option(
    "--cancel", is_flag=True, help="Stop the job at once and without a savepoint, as a stuck job needs it."
)
@json_option
def stop_command(
    job: str, rest: str, savepoints: str | None, drain: bool, cancel: bool, as_json: bool
) -> int:
    """Stop JOB (a name or an id); what its readers have buffered is published first.

    The savepoint is for `submit --savepoint-path`, which is never needed: a new job resumes where the
    files in its output end.
    """
    cluster = FlinkRest(rest)
    found = cluster.find(job)
    savepoint = None
    if not found.ended:
        if cancel:
            cluster.cancel(found.id)
        else:
            savepoint = cluster.stop(found.id, savepoints, drain=drain)
    if as_json:
        click.echo(msgspec.json.encode({"job": found.id, "savepoint": savepoint}))
    elif found.ended:
        click.echo(f"{found.name} ({found.id}) had ended already: {found.state}")
    else:
        click.echo(
            f"{found.name} ({found.id}) has stopped" + (f"; savepoint: {savepoint}" if savepoint else "")
        )
    return 0


@flink_group.command("watch", epilog="The options are those of submit: --mend starts the job with them.")
@config_options(StreamConfig, leave_out=NOT_ON_FLINK)
@config_options(FlinkConfig)
@click.option(
    "--stall-after",
    default=120.0,
    type=click.FloatRange(1),
    show_default=True,
    help="Seconds without progress, while records are waiting, after which a partition counts as stalled; "
    "must be longer than loading the model and tagging one chunk take.",
)
@click.option(
    "--every",
    default=10.0,
    type=click.FloatRange(0.1),
    show_default=True,
    help="Seconds between two checks.",
)
@click.option("--mend", is_flag=True, help="Cancel a stalled job and submit it again.")
@click.option(
    "--metrics-port",
    type=click.IntRange(0, 65535),
    help="Port to serve Prometheus metrics on; default: none.",
)
@click.option(
    "--metrics-address",
    default="127.0.0.1",
    show_default=True,
    help="Address that --metrics-port listens on; 0.0.0.0 is all interfaces.",
)
@click.pass_obj
def watch_command(
    beam_flags: list[str] | None,
    /,
    stall_after: float,
    every: float,
    mend: bool,
    metrics_port: int | None,
    metrics_address: str,
    **options: Any,
) -> int:
    """Watch from outside whether the stream makes progress; exit code 1 as soon as it does not.

    Kafka says what waits, the files in --output say what is done: a job that says RUNNING and reads
    nothing is noticed. With --mend a stalled job is restarted, which is safe at any time, and watching
    continues. A job that somebody has stopped or cancelled is left alone.
    """
    config, flink = split_options(options)
    check_layout(config.output)
    metrics = WatchdogMetrics()
    if metrics_port is not None:
        try:
            start_http_server(metrics_port, metrics_address, registry=metrics.registry)
        except OSError as error:
            raise UsageError(
                f"--metrics-port {metrics_port}: cannot listen on {metrics_address}: {error}"
            ) from error

    eyes = StreamEyes(config)
    if not mend:
        watch(eyes.look, Watchdog(stall_after), metrics, topic=config.topic, every_s=every)
        return 0
    from skillstream.pipelines.flink_restart import Restarter  # Beam takes seconds to import

    restarter = Restarter(config, flink, beam_flags or [], patience_s=stall_after)

    def look(afresh: bool) -> Look:
        restarter.see()
        return eyes.look(afresh)

    watch(
        look,
        Watchdog(stall_after),
        metrics,
        topic=config.topic,
        every_s=every,
        mend=restarter.restart,
    )
    return 0


def split_options(options: dict[str, Any]) -> tuple[StreamConfig, FlinkConfig]:
    """The two configurations that the options of `submit` make."""
    # The reader tells what is wrong, once; the client tells every attempt of every connection.
    logging.getLogger("kafka").propagate = False
    names = {field.name for field in dataclasses.fields(FlinkConfig)}
    flink = FlinkConfig(**{name: value for name, value in options.items() if name in names})
    config = StreamConfig(**{name: value for name, value in options.items() if name not in names})
    return config, flink


def _show(job: FlinkJob, as_json: bool) -> None:
    click.echo(msgspec.json.encode(job) if as_json else f"{job.name} ({job.id}): {job.state}")


def _duration(job: FlinkJob) -> str:
    return str(timedelta(seconds=job.duration // 1000))
