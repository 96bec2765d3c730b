"""The exception tree. The CLI turns these, and only these, into one line on stderr.

    SkillstreamError
    ├── UsageError            refused before the first record: exit code 2
    │   ├── ModelError        the model cannot be found, read or used
    │   ├── TaxonomyError     the taxonomy file is missing a column, empty, ...
    │   ├── IndexFormatError  not an index folder, or made for another model
    │   ├── SourceError       an input is missing, unreadable or of an unknown kind
    │   └── OutputError       the output belongs to something else, or cannot be written
    └── RunError              failed while running: exit code 1
        └── ChainError        a hole, an overlap or an unreadable file in a chain of files

A bad *record* is none of these: it becomes a row with an error code (see `skillstream.postings.parse`).
"""

__all__ = [
    "ChainError",
    "IndexFormatError",
    "ModelError",
    "OutputError",
    "RunError",
    "SkillstreamError",
    "SourceError",
    "TaxonomyError",
    "UsageError",
]


class SkillstreamError(Exception):
    """Root of all errors that skillstream raises on purpose."""


class UsageError(SkillstreamError):
    """Wrong usage, or a state that is refused before the first record (exit code 2)."""


class ModelError(UsageError):
    """A model folder or name that cannot be resolved, read or used."""


class TaxonomyError(UsageError):
    """A taxonomy that cannot be read: missing file, missing column, no skills in it."""


class IndexFormatError(UsageError):
    """A folder that is no skills index, or one made for another model."""


class SourceError(UsageError):
    """An input that is missing, unreadable or of a kind that is not supported."""


class OutputError(UsageError):
    """An output folder that cannot be written or that holds another job's rows."""


class RunError(SkillstreamError):
    """Something failed while running (exit code 1). Starting again is always safe."""


class ChainError(RunError):
    """A chain of files that is broken, or a chunk that would leave a hole in it."""
