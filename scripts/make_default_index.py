"""Makes the index that skillstream ships: of the default taxonomies, by the default model in fp32.

And what is found out about its names, which takes four seconds: run this again after a change to their rules.

    python scripts/make_default_index.py

writes a version below `src/skillstream/data/index` and files to `src/skillstream/data/names`, in place of
what is there; `--names` the latter alone. Vectors are rounded to
what 16 bits hold and kept so, which halves their size: no cosine changes by more than .0005.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np

from skillstream.encoder import load_encoder
from skillstream.index import build_index, load_index
from skillstream.index.versions import write_version
from skillstream.ranking.kept import SHIPPED, file_name, write
from skillstream.ranking.name_evidence import collect_words
from skillstream.ranking.names import name_table
from skillstream.ranking.word_overlap import label_stems
from skillstream.taxonomy import DEFAULT_TAXONOMIES, Skill, load_taxonomies

TARGET = Path(__file__).parent.parent / "src" / "skillstream" / "data" / "index"


NAMES = (name_table, collect_words, label_stems)


def write_names(skills: Sequence[Skill], target: Path = SHIPPED) -> None:
    shutil.rmtree(target, ignore_errors=True)
    for make in NAMES:
        write(target / file_name(make, skills), make(skills))


@click.command()
@click.option("--target", type=click.Path(path_type=Path), default=TARGET, help="Folder of the index.")
@click.option("--names", is_flag=True, help="Only what is found out about the names of the index there.")
def main(target: Path, names: bool) -> None:
    if names:
        write_names(load_index(target).skills)
        return
    index = build_index(
        load_taxonomies(DEFAULT_TAXONOMIES), load_encoder("default", "openvino", "fp32"), half=True
    )
    shutil.rmtree(target, ignore_errors=True)
    folder = write_version(target, index.info, index.skills, index.vectors.astype(np.float16))
    (target / ".lock").unlink(missing_ok=True)
    write_names(index.skills)
    print(f"{index!r} in {folder}")


if __name__ == "__main__":
    main()
