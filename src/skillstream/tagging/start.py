"""How every job that tags begins: the model and the index, then the output it writes to.

A job that tags in this process (the local runner, `replay`) makes its worker here: the encoder is loaded
once, the index read and checked once, and the pipeline's steps use that worker. For a job that is sent
elsewhere nothing is loaded here: the model's name and fingerprint, and what the index states of itself, tell
whether they fit. Either way what does not fit is refused before anything is written.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Generic, TypeVar

from skillstream.encoder import resolve_model
from skillstream.index import check_fingerprint, index_folder, read_info
from skillstream.output import (
    RunInfo,
    open_run,
    read_run,
    sweep,
    taxonomy_identity,
    versions,
    without_secrets,
    without_user,
)
from skillstream.tagging.made_rows import model_version, taxonomy_version
from skillstream.tagging.worker import TagWorker, hand_over

if TYPE_CHECKING:
    from skillstream.tagging.config import FilesConfig
    from skillstream.tagging.replay import ReplayConfig
    from skillstream.tagging.stream_config import StreamConfig

__all__ = ["Start", "start_job"]

logger = logging.getLogger(__name__)

C = TypeVar("C", bound="FilesConfig | StreamConfig | ReplayConfig")


@dataclass(frozen=True)
class Start(Generic[C]):
    """A job that may begin: its output is claimed.

    Attributes:
        config: what workers are told; elsewhere it names the folder of their index.
        model_version, taxonomy_version: as rows will state them, unless a job takes up a newer index.
        worker: what tags in this process; `None` for a job that runs elsewhere.
    """

    config: C
    model_version: str
    taxonomy_version: str
    worker: TagWorker | None

    def handed_over(self) -> AbstractContextManager[None]:
        """While the body runs, steps of a pipeline in this process use `worker`."""
        return nullcontext() if self.worker is None else hand_over(self.worker)


def start_job(
    config: C,
    identity: Mapping[str, str],
    *,
    here: bool,
    follow: bool = False,
    temporary: bool = False,
    sources: Mapping[str, str] | None = None,
    range_bytes: int | None = None,
    phase: Callable[[str], object] = lambda _: None,
    loaded: Callable[[C], str | None] = lambda _: None,
) -> Start[C]:
    """Opens model and index, then the output: writes or verifies `run.json`, sweeps what dead writers left.

    Args:
        config: what the job does.
        identity: what `run.json` must say at every start, beside the taxonomy.
        here: whether this process tags; else nothing is loaded unless an index has to be built.
        follow: take up new versions of `config.index` while the job runs (elsewhere `TagChunks` decides).
        temporary: workers elsewhere get the index packed, so a folder that ends with this process will do.
        sources: source → where it is read from (see `skillstream.output.run_info`).
        range_bytes: see `RunInfo`.
        phase: called with what is being done, a few words each.
        loaded: called with the configuration for workers before the output is opened: what it raises leaves
            nothing written. Gives the precision that they compute with, if it knows.

    Raises:
        UsageError: model, index or output cannot be used, or do not belong together; nothing was written.
    """
    given = config
    config = _as_begun(config)
    worker: TagWorker | None = None
    if here:
        phase(f"loading the model {config.model}")
        worker = TagWorker(config, follow=follow)
        phase("loading the skills index")
        tagger = worker.tagger()
        info, model = tagger.index.info, model_version(tagger.encoder)
        precision: str | None = tagger.encoder.precision
    else:
        phase("looking for the skills index")
        # The folder in the user's cache is read whole here, since a damaged one can be built again here only.
        folder = config.index or str(
            index_folder(config.taxonomy, config.model, config.backend, temporary=temporary)
        )
        info, found = read_info(folder), resolve_model(config.model)
        check_fingerprint(info, found)
        config, model = dataclasses.replace(config, index=folder), model_version(found)
        precision = None if config.precision == "auto" else config.precision
    precision = loaded(config) or precision
    taxonomy = taxonomy_identity(info.taxonomy_name, info.taxonomy_fingerprint, prebuilt=bool(given.index))
    run = RunInfo(
        identity={**identity, "taxonomy": taxonomy},
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=versions(),
        options=without_secrets(dataclasses.asdict(given)),
        sources={name: without_user(path) for name, path in (sources or {}).items()},
        range_bytes=range_bytes,
        precision=precision,
    )
    begun = open_run(config.output, run, force=config.force).precision
    if None not in (begun, precision) and begun != precision:
        logger.warning(
            "%s was begun in %s, this run computes in %s: confidences may differ slightly between their rows",
            config.output,
            begun,
            precision,
        )
    sweep(config.output)
    return Start(config, model, taxonomy_version(info), worker)


def _as_begun(config: C) -> C:
    """With the precision that the output was begun with, unless one is given: its rows are to be alike."""
    if config.precision != "auto":
        return config
    held = read_run(config.output)
    if held is None or held.precision is None:
        return config
    return dataclasses.replace(config, precision=held.precision)
