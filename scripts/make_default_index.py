"""Makes the index that skillstream ships: of the default taxonomies, by the default model in fp32.

    python scripts/make_default_index.py

writes a version below `src/skillstream/data/index`, in place of the one that is there. Vectors are rounded to
what 16 bits hold and kept so, which halves their size: no cosine changes by more than .0005.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import click
import numpy as np

from skillstream.encoder import load_encoder
from skillstream.index import build_index
from skillstream.index.versions import write_version
from skillstream.taxonomy import DEFAULT_TAXONOMIES, load_taxonomies

TARGET = Path(__file__).parent.parent / "src" / "skillstream" / "data" / "index"


@click.command()
@click.option("--target", type=click.Path(path_type=Path), default=TARGET, help="Folder of the index.")
def main(target: Path) -> None:
    index = build_index(
        load_taxonomies(DEFAULT_TAXONOMIES), load_encoder("default", "openvino", "fp32"), half=True
    )
    shutil.rmtree(target, ignore_errors=True)
    folder = write_version(target, index.info, index.skills, index.vectors.astype(np.float16))
    (target / ".lock").unlink(missing_ok=True)
    print(f"{index!r} in {folder}")


if __name__ == "__main__":
    main()
