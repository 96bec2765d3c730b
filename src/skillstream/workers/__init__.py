"""One job on all cores of one machine: processes over ranges of files or over partitions of a topic.

    cores      how many workers, and which cores are whose
    messages   what parent and workers say to each other
    pool       starts the processes, hears them, starts those again that die
    process    what runs in one of them
    ranges     one range of a file, tagged and published
    files      `skillstream tag`, in this process or as the parent
    files_run  progress and summary of a run over files, by workers or by Beam
    stream     `skillstream stream`, as the parent

Workers publish by the same chains as everything else (docs/exactly-once.md), so the parent never holds a row:
it plans, counts and shows. Nothing here needs Beam: ADR 25 says why.
"""

from __future__ import annotations

from skillstream.workers.cores import most_workers, workers_for_files
from skillstream.workers.files import tag_here, tag_with_workers

# `stream_with_workers` is in `stream`: it loads the Kafka client, which files do without.
__all__ = ["most_workers", "tag_here", "tag_with_workers", "workers_for_files"]
