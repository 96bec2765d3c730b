"""The skills index: the vectors of a taxonomy's labels for one model, in a versioned folder.

    DIR/
      CURRENT          name of the version in use, replaced atomically
      3f9a0c51d2e7/    one version, never changed once it is visible
        index.json     formats, fingerprints, checksums (`IndexInfo`)
        skills.parquet ids, labels, alternative labels, groups; those found by name alone come last
        vectors.npy    float32[n, dim], L2-normalised, memory-mapped when read; or float16, widened when read

A version is written into a hidden folder, flushed to disk, renamed, and only then named in `CURRENT`:
readers see all of it or nothing, and one that reads an older version keeps it.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import numpy.typing as npt

from skillstream.errors import IndexFormatError
from skillstream.index.search import top_k
from skillstream.index.versions import IndexInfo, push_version, read_version, write_version
from skillstream.storage import ObjectURL, is_url, parse_url
from skillstream.taxonomy import Taxonomy

if TYPE_CHECKING:
    from skillstream.encoder import Encoder, ModelFolder

__all__ = [
    "SkillsIndex",
    "build_index",
    "check_fingerprint",
    "check_model",
    "index_summary",
    "load_index",
    "save_index",
]

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


class SkillsIndex:
    """A taxonomy with a vector for each of its preferred labels. Row i of everything is the same skill.

    Attributes:
        info: names, versions and fingerprints, as they are in `index.json`.
        skills: the taxonomy's entries.
        vectors: float32[n, dim], L2-normalised; read-only, often memory-mapped.
        labels, uris: preferred labels and ids.
        searched: so many skills, the first ones, may be found by meaning; the others by their names alone.
    """

    def __init__(self, taxonomy: Taxonomy, vectors: Floats, info: IndexInfo) -> None:
        self.info = info
        self.vectors = vectors
        self.skills = taxonomy.skills
        self.labels: Sequence[str] = [skill.label for skill in taxonomy.skills]
        self.uris: Sequence[str] = [skill.uri for skill in taxonomy.skills]
        self.searched = sum(not skill.name_only for skill in taxonomy.skills)

    def __len__(self) -> int:
        return len(self.skills)

    def __repr__(self) -> str:
        return (
            f"<SkillsIndex {self.taxonomy_name} {self.taxonomy_version}, {len(self)} skills, {self.version}>"
        )

    @property
    def version(self) -> str:
        """Fingerprint of vectors, taxonomy and model (12 hex digits); the name of its folder."""
        return self.info.version

    @property
    def taxonomy_name(self) -> str:
        return self.info.taxonomy_name

    @property
    def taxonomy_version(self) -> str:
        return self.info.taxonomy_version

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the taxonomy's content, whatever the model."""
        return self.info.taxonomy_fingerprint

    @property
    def model_name(self) -> str:
        return self.info.model_name

    @property
    def model_fingerprint(self) -> str:
        return self.info.model_fingerprint

    def alt_labels(self, i: int) -> list[str]:
        """Other names of skill i."""
        return self.skills[i].alt_labels

    def groups(self, i: int) -> list[str]:
        """Roll-up groups of skill i, most specific first."""
        return self.skills[i].groups

    def kind(self, i: int) -> str | None:
        """The taxonomy's word for what skill i is."""
        return self.skills[i].kind

    def search(self, queries: Floats, k: int) -> tuple[Ints, Floats]:
        """The k skills nearest to every query, of those that are searched: see `skillstream.index.search`."""
        if not self.searched:
            return np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0), np.float32)
        return top_k(queries, self.vectors[: self.searched], k)


def build_index(taxonomy: Taxonomy, encoder: Encoder, *, half: bool = False) -> SkillsIndex:
    """Encodes the preferred labels of a taxonomy; of one longer than the encoder takes, its beginning.

    Args:
        taxonomy: what to index.
        encoder: gives the vectors.
        half: round vectors to what float16 holds, for an index that is kept in half the size.

    Raises:
        IndexFormatError: the encoder gives vectors that are not finite or not of length 1.
    """
    taxonomy = taxonomy.ordered()
    labels = [_shortened(skill.label, encoder) for skill in taxonomy.skills]
    vectors = np.ascontiguousarray(encoder.encode(labels), np.float32)
    if not np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-3):
        raise IndexFormatError(
            f"model {encoder.name} gives vectors that are not finite or not of length 1: use another"
        )
    if half:
        vectors = vectors.astype(np.float16).astype(np.float32)
    content = hashlib.sha256()
    for part in (
        encoder.fingerprint,
        taxonomy.name,
        taxonomy.version,
        taxonomy.fingerprint,
        "\n".join(skill.uri for skill in taxonomy.skills),
    ):
        content.update(part.encode() + b"\0")
    content.update(vectors.data)
    vectors.setflags(write=False)
    info = IndexInfo(
        version=content.hexdigest()[:12],
        count=len(taxonomy),
        dim=vectors.shape[1],
        model_name=encoder.name,
        model_fingerprint=encoder.fingerprint,
        backend=encoder.backend,
        taxonomy_name=taxonomy.name,
        taxonomy_version=taxonomy.version,
        taxonomy_fingerprint=taxonomy.fingerprint,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    return SkillsIndex(taxonomy, vectors, info)


def _shortened(label: str, encoder: Encoder) -> str:
    if len(label) <= encoder.max_tokens:  # a token has at least one character
        return label
    spans = encoder.token_spans(label)
    return label if len(spans) <= encoder.max_tokens else label[: spans[encoder.max_tokens - 1][1]]


def save_index(index: SkillsIndex, folder: str | Path) -> Path | ObjectURL:
    """Writes the index as a version below `folder` and makes it the current one.

    Returns:
        The version's folder, or its address.

    Raises:
        OutputError: the folder cannot be written.
    """
    if is_url(folder):
        return push_index(index, parse_url(str(folder)))
    return write_version(Path(folder), index.info, index.skills, index.vectors)


def push_index(index: SkillsIndex, folder: ObjectURL) -> ObjectURL:
    """As `save_index`, to an object store."""
    with tempfile.TemporaryDirectory(prefix="skillstream-") as work:
        return push_version(write_version(Path(work), index.info, index.skills, index.vectors), folder)


def load_index(folder: str | Path) -> SkillsIndex:
    """The current version of the index in `folder`; or that version, if `folder` is a version's own folder.

    Raises:
        IndexFormatError: no index there, another format, or files that are damaged.
    """
    info, skills, vectors = read_version(folder)
    taxonomy = Taxonomy(info.taxonomy_name, info.taxonomy_version, skills)
    return SkillsIndex(taxonomy, vectors, info)


def check_model(index: SkillsIndex, encoder: Encoder) -> None:
    """Refuses an index that was made with another model than `encoder`.

    Raises:
        IndexFormatError: fingerprints or dimensions differ.
    """
    if index.model_fingerprint == encoder.fingerprint and index.vectors.shape[1] == encoder.dim:
        return
    raise IndexFormatError(
        f"the skills index was made with model {index.model_name} ({index.model_fingerprint[:12]}, "
        f"{index.vectors.shape[1]} dimensions), but the model in use is {encoder.name} "
        f"({encoder.fingerprint[:12]}, {encoder.dim} dimensions): use that model, or build an index for this "
        "one with 'skillstream index build'"
    )


def check_fingerprint(info: IndexInfo, model: Encoder | ModelFolder) -> None:
    """As `check_model`, by what both state of themselves: neither need be loaded.

    Raises:
        IndexFormatError: fingerprints differ.
    """
    if info.model_fingerprint == model.fingerprint:
        return
    raise IndexFormatError(
        f"the skills index was made with model {info.model_name} ({info.model_fingerprint[:12]}, "
        f"{info.dim} dimensions), but the model in use is {model.name} ({model.fingerprint[:12]}): "
        "use that model, or build an index for this one with 'skillstream index build'"
    )


def index_summary(folder: str | Path) -> dict[str, object]:
    """What `skillstream index info` shows: the current version's `IndexInfo` as plain values, fully checked.

    Raises:
        IndexFormatError: see `load_index`.
    """
    summary: dict[str, object] = msgspec.to_builtins(load_index(folder).info)
    return summary
