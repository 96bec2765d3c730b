"""The Beam component: PTransforms and DoFns of a few lines around functions of `skillstream`.

As little logic as possible lives here: what a transform does to one chunk is a plain function that
can be read, tested and used without a runner. Transforms never import pipelines.

For other people's pipelines: `TagPostings` tags any `PCollection` of postings. Together, `ReadFiles`,
`TagChunks` and `PublishChunks` are the exactly-once way from files to Parquet.
"""

from skillstream.transforms.publish import PublishChunks
from skillstream.transforms.read_files import ReadFiles
from skillstream.transforms.skills_index import skills_index_side_input
from skillstream.transforms.tag import REJECTED, TAGGED, TagChunks, TagPostings

__all__ = [
    "REJECTED",
    "TAGGED",
    "PublishChunks",
    "ReadFiles",
    "TagChunks",
    "TagPostings",
    "skills_index_side_input",
]
