import json
from pathlib import Path

import pytest

from skillstream.postings import fields
from skillstream.postings.parse import JobPosting, parse_payload
from skillstream.postings.sections import Section
from skillstream.postings.sentences import segment
from skillstream.rejections import Rejection, RejectionCode

ROOT = Path(__file__).parents[3]
SAMPLES = [
    parse_payload(line)
    for name in ("postings.jsonl", "schema_org.jsonl")
    for line in (ROOT / "samples" / name).read_bytes().splitlines()
]
GOOD = [sample for sample in SAMPLES if isinstance(sample, JobPosting)]


def test_three_samples_are_broken_on_purpose() -> None:
    assert [sample.code for sample in SAMPLES if isinstance(sample, Rejection)] == [
        RejectionCode.INVALID_JSON,
        RejectionCode.MISSING_TEXT,
        RejectionCode.INVALID_UTF8,
    ]
    assert len(GOOD) >= 30


def test_samples_have_ids_of_their_own() -> None:
    assert len({posting.posting_id for posting in GOOD} - {None}) == len(GOOD)


@pytest.mark.parametrize("posting", GOOD, ids=lambda posting: posting.posting_id)
def test_samples_are_segmented(posting: JobPosting) -> None:
    document = segment(posting)
    assert len(document.sentences) >= 8
    words = {word for sentence in document.sentences for word in sentence.text.split()}
    assert not {"<", "&amp;", "88812-hyg-internal", "•"} & words
    assert document.sentences[0].section == Section.TITLE
    assert {s.section for s in document.sentences} & {"other", "responsibilities", "requirements"}
    german_or_french = {"demo-013": "de", "so-4": "fr"}
    assert document.language == german_or_french.get(posting.posting_id or "", "en")


def test_the_schema_names_what_the_reader_knows() -> None:
    schema = json.loads((ROOT / "schemas" / "posting.schema.json").read_bytes())
    kinds: dict[str, list[str]] = {}
    for name, reference in schema["$defs"]["posting"]["properties"].items():
        bare = name.replace("_", "").lower()
        names = kinds.setdefault(reference["$ref"].rpartition("/")[2], [])
        if bare not in names:
            names.append(bare)
    known = {
        "id": fields.ID_NAMES,
        "title": fields.TITLE_NAMES,
        "text": fields.TEXT_NAMES,
        "time": fields.TIME_NAMES,
        "language": fields.LANGUAGE_NAMES,
        "further": tuple(fields.FURTHER_TEXT),
    }
    assert {*kinds} == {*known}
    for kind, named in kinds.items():  # what is meant to be sent: some of the names, in the reader's order
        assert named == [name for name in known[kind] if name in named]
    for example in schema["examples"]:
        assert isinstance(parse_payload(json.dumps(example).encode()), JobPosting)
