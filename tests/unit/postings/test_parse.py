import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from skillstream.chunks import Record
from skillstream.postings.fields import FieldMapping
from skillstream.postings.parse import JobPosting, parse_payload, parse_record, posting_from_mapping
from skillstream.postings.sentences import segment
from skillstream.rejections import Rejection, RejectionCode
from skillstream.rows import Row, RowError, rows_to_table


def posting_of(payload: bytes | str | dict, **fields: str) -> JobPosting:
    if isinstance(payload, dict):
        payload = json.dumps(payload)
    parsed = parse_payload(
        payload if isinstance(payload, bytes) else payload.encode(), FieldMapping(**fields)
    )
    assert isinstance(parsed, JobPosting), parsed
    return parsed


def code_of(payload: bytes | dict, **fields: str) -> RejectionCode:
    if isinstance(payload, dict):
        payload = json.dumps(payload).encode()
    parsed = parse_payload(payload, FieldMapping(**fields))
    assert isinstance(parsed, Rejection), parsed
    assert parsed.detail
    assert "\n" not in parsed.detail
    return parsed.code


OK = b'"title":"Cook","description":"Cooks soup."'


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", RejectionCode.EMPTY),
        (b" \r\n\t ", RejectionCode.EMPTY),
        (b"\xef\xbb\xbf", RejectionCode.EMPTY),
        (b'{"title":"Cook","descr', RejectionCode.INVALID_JSON),
        (b"{" + OK + b"} {}", RejectionCode.INVALID_JSON),
        (b"title: Cook", RejectionCode.INVALID_JSON),
        (b'{"title":"Caf\xe9"}', RejectionCode.INVALID_UTF8),
        (b"\xff\xfe{\x00", RejectionCode.INVALID_UTF8),
        (b'{"title":"Cook \\ud800 of soups and of more than that"}', RejectionCode.INVALID_UNICODE),
        (b'{"title":"Cook \\ud800"}', RejectionCode.INVALID_UNICODE),
        (b'{"title":"Cook \\udc00\\ud800"}', RejectionCode.INVALID_UNICODE),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, RejectionCode.TOO_DEEP),
        (b"[" * 10_000 + b"]" * 10_000, RejectionCode.TOO_DEEP),
        (b"{" + OK + b',"x":' + b"[" * 10_000 + b"]" * 10_000 + b"}", RejectionCode.TOO_DEEP),
        (b'["Cook"]', RejectionCode.NOT_AN_OBJECT),
        (b"[{" + OK + b"}]", RejectionCode.NOT_AN_OBJECT),
        (b"42", RejectionCode.NOT_AN_OBJECT),
        (b'"Cook"', RejectionCode.NOT_AN_OBJECT),
        (b"null", RejectionCode.NOT_AN_OBJECT),
        (b"{}", RejectionCode.MISSING_TEXT),
        (b'{"title":"","description":" \\u200b\\n"}', RejectionCode.MISSING_TEXT),
        (b'{"title":null,"salary":5}', RejectionCode.MISSING_TEXT),
        (b'{"title":5,"description":"Cooks."}', RejectionCode.WRONG_TYPE),
        (b'{"title":"Cook","description":{"pages":5}}', RejectionCode.WRONG_TYPE),
        (b'{"title":"Cook","description":[1,2]}', RejectionCode.WRONG_TYPE),
        (b'{"title":true}', RejectionCode.WRONG_TYPE),
        (b'{"title":1e999}', RejectionCode.INVALID_JSON),
        (b"\x00\x00\x00\x00\x07\x08Cook", RejectionCode.UNSUPPORTED_FRAMING),
    ],
)  # fmt: skip
def test_each_bad_payload_has_its_code(payload: bytes, code: RejectionCode) -> None:
    assert code_of(payload) is code


def test_50_megabytes_are_too_large() -> None:
    assert code_of(b'{"title":"Cook","description":"' + b"x" * 50_000_000 + b'"}') is RejectionCode.TOO_LARGE


def test_the_limit_is_inclusive() -> None:
    payload = b"{" + OK + b"}"
    assert isinstance(parse_payload(payload, max_bytes=len(payload)), JobPosting)
    assert isinstance(parse_payload(payload, max_bytes=len(payload) - 1), Rejection)


@pytest.mark.parametrize("number", [b"1e999", b"-1e999", b'{"deep":[1e999]}', b"nan", b"-Inf"])
def test_numbers_that_no_reader_can_carry_reject_the_record_wherever_they_stand(number: bytes) -> None:
    rejection = parse_payload(b"{" + OK + b',"salary":' + number + b"}")
    assert isinstance(rejection, Rejection)
    assert rejection.code == RejectionCode.INVALID_JSON


@pytest.mark.parametrize("number", [b"NaN", b"-Infinity", b'[NaN,{"deep":Infinity}]'])
def test_python_s_words_for_what_is_no_number_are_null(number: bytes) -> None:
    assert posting_of(b"{" + OK + b',"salary":' + number + b"}").title == "Cook"
    assert posting_of(b'{"title":"Cook","description":NaN,"pay":' + number + b"}").text == ""


def test_an_object_that_is_a_json_string_is_the_object() -> None:
    assert posting_of(b'"{\\"title\\":\\"Cook\\"}"').title == "Cook"


def test_long_integers_are_no_harm() -> None:
    assert posting_of(b"{" + OK + b',"salary":' + b"1" * 400 + b"}").title == "Cook"


def test_what_is_unusual_but_good() -> None:
    assert posting_of(b"\xef\xbb\xbf{" + OK + b"}").title == "Cook"
    assert posting_of(b"\x00\x00\x00\x00\x07{" + OK + b"}").title == "Cook"
    assert posting_of(rb'{"title":"\ud83d\ude00 Cook \\ud800","id":"a\u0000b"}').title == "😀 Cook \\ud800"
    assert posting_of({"title": "Cook"}).text == ""
    assert posting_of({"description": "Cooks."}).title == ""


@pytest.mark.parametrize(
    ("raw", "expected"),
    [("a-1", "a-1"), (17, "17"), (17.0, "17"), (1.5, "1.5"), (0, "0"), ("", None), (None, None), (True, None),
     ({"@type": "PropertyValue", "value": 9}, "9"), ([{"value": "x"}, {"value": "y"}], "x"),
     ({"a": 1}, None)],
)  # fmt: skip
def test_ids(raw: object, expected: str | None) -> None:
    assert posting_of({"title": "Cook", "id": raw}).posting_id == expected


@pytest.mark.parametrize("name", ["id", "jobId", "job_id", "JOB-ID", "posting_id", "identifier", "Job ID"])
def test_well_known_names_in_any_spelling(name: str) -> None:
    assert posting_of({name: "7", "title": "Cook"}).posting_id == "7"


@pytest.mark.parametrize("title", ["title", "jobTitle", "job_title", "name", "position"])
@pytest.mark.parametrize("text", ["description", "text", "body", "job_description", "jobDescription"])
def test_well_known_titles_and_texts(title: str, text: str) -> None:
    posting = posting_of({title: "Cook &amp;  <b>Baker</b>", text: "Cooks."})
    assert (posting.title, posting.text) == ("Cook & Baker", "Cooks.")


def test_a_mapped_field_is_taken_and_nothing_else() -> None:
    job = {
        "title": "no",
        "job": {"head": "Cook", "no": 5},
        "a.b": "Cooks soup.",
        "requirements": "no",
        "id": 1,
    }
    posting = posting_of(job, title="job.head", text="a.b", id="job.no")
    assert (posting.posting_id, posting.title, posting.text) == ("5", "Cook", "Cooks soup.")
    assert code_of(job, title="job.nothing", text="job.head.deeper") is RejectionCode.MISSING_TEXT
    assert code_of(job, title="job") is RejectionCode.WRONG_TYPE
    assert code_of(job, title="job.head", id="job") is RejectionCode.WRONG_TYPE


def test_the_detail_names_the_mapped_field() -> None:
    rejection = parse_payload(b'{"job":{"head":5}}', FieldMapping(title="job.head"))
    assert rejection == Rejection(RejectionCode.WRONG_TYPE, "expected text in 'job.head', got a number")


SCHEMA_ORG = {
    "@context": "https://schema.org/",
    "@type": "JobPosting",
    "identifier": {"@type": "PropertyValue", "name": "Acme", "value": "J-12"},
    "title": "Cook",
    "description": "<p>Cooks soup.</p>",
    "datePosted": "2024-05-01",
    "inLanguage": "en-GB",
}


def test_schema_org() -> None:
    posting = posting_of(SCHEMA_ORG)
    assert posting == JobPosting("J-12", "Cook", "<p>Cooks soup.</p>", 1714521600000, "en")


@pytest.mark.parametrize("wrap", [lambda p: {"@graph": [{"@type": "WebPage"}, p]}, lambda p: [p]])
def test_the_only_posting_of_a_graph_or_list(wrap) -> None:
    assert posting_of(json.dumps(wrap(SCHEMA_ORG))) == posting_of(SCHEMA_ORG)
    two = [SCHEMA_ORG, SCHEMA_ORG]
    assert code_of({"@graph": two}) is RejectionCode.NOT_AN_OBJECT


def test_further_text_comes_after_the_description_under_headings() -> None:
    further = {
        "qualifications": "Knife skills & more\nHygiene",
        "skills": ["Soup", {"@type": "DefinedTerm", "name": "Stock"}, 5],
        "responsibilities": "<p>Cooks soup.</p>",  # said already
        "experienceRequirements": {"@type": "OccupationalExperienceRequirements", "monthsOfExperience": 12},
    }
    document = segment(posting_of(SCHEMA_ORG | further))
    assert [(s.text, s.section) for s in document.sentences[1:]] == [
        ("Cooks soup.", "other"),
        ("Knife skills & more", "requirements"),
        ("Hygiene", "requirements"),
        ("Soup", "requirements"),
        ("Stock", "requirements"),
    ]
    plain = posting_of({"title": "Cook", "description": "Cooks soup.", "requirements": "Knife skills"})
    assert plain.text == "Cooks soup.\n\nRequirements:\nKnife skills"


@pytest.mark.parametrize(
    ("value", "expected"),
    [("2024-05-01T12:00:00Z", 1714564800000), ("2024-05-01T14:00:00+02:00", 1714564800000),
     ("2024-05-01", 1714521600000), (1714564800, 1714564800000), (1714564800000, 1714564800000),
     ("yesterday", None), ("", None), (True, None), ("0001-01-01T00:00+14:00", None),
     (1e300, None), ([1], None)],
)  # fmt: skip
def test_event_time(value: object, expected: int | None) -> None:
    assert posting_of({"title": "Cook", "datePosted": value}).event_time == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("en", "en"), ("de_AT", "de"), ("pt-BR", "pt"), ("English", None), (5, None),
     ({"@type": "Language", "name": "German", "alternateName": "de"}, "de")],
)  # fmt: skip
def test_language(value: object, expected: str | None) -> None:
    assert posting_of({"title": "Cook", "inLanguage": value}).language == expected


def test_records() -> None:
    payload = json.dumps(SCHEMA_ORG).encode()
    posting = parse_record(Record(3, payload), FieldMapping())
    assert isinstance(posting, JobPosting)
    assert posting.event_time == 1714521600000
    posting = parse_record(Record(3, payload, event_time=17), FieldMapping())
    assert isinstance(posting, JobPosting)
    assert posting.event_time == 17  # the record's own time comes first
    tombstone = parse_record(Record(3, None, key=b"k"), FieldMapping())
    assert isinstance(tombstone, Rejection)
    assert tombstone.code is RejectionCode.TOMBSTONE
    ragged = Rejection(RejectionCode.RAGGED_ROW, "3 cells, not 2")
    assert parse_record(Record(3, payload, rejection=ragged), FieldMapping()) is ragged


def test_mappings_from_python_may_hold_anything() -> None:
    assert posting_from_mapping({"title": "Cook"}) == JobPosting(None, "Cook", "")
    for mapping, code in [
        ({"title": "Cook \ud800"}, RejectionCode.INVALID_UNICODE),
        ({"title": b"Cook"}, RejectionCode.WRONG_TYPE),
        ({1: 2}, RejectionCode.MISSING_TEXT),
    ]:
        rejection = posting_from_mapping(mapping)
        assert isinstance(rejection, Rejection)
        assert rejection.code is code
    odd = {"title": "Cook", "id": 10**6000, "datePosted": float("nan"), "skills": {"name": [5]}}
    assert posting_from_mapping(odd) == JobPosting(None, "Cook", "")


# --- whatever comes, one row -----------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(
    [
        "id",
        "title",
        "description",
        "datePosted",
        "inLanguage",
        "skills",
        "qualifications",
        "@graph",
        "@type",
        "x",
    ]
)
objects = st.dictionaries(
    names, json_values | st.sampled_from(["JobPosting", "<p>a</p>", "&lt;p&gt;"]), max_size=6
)
payloads = (
    st.binary(max_size=200)
    | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))
    | objects.map(lambda item: json.dumps(item).encode())
    | st.tuples(objects, st.integers(0, 200)).map(lambda pair: json.dumps(pair[0]).encode()[: pair[1]])
)
mappings = st.builds(FieldMapping, *[st.none() | names | st.just("x.y")] * 3)


@settings(deadline=None)
@given(payloads, mappings)
@example(b'{"title":"a\\u0000b","description":"\\ufffe\\uffff\\u2028"}', FieldMapping())
def test_any_bytes_make_one_row_that_arrow_takes(payload: bytes, fields: FieldMapping) -> None:
    parsed = parse_payload(payload, fields)
    if isinstance(parsed, Rejection):
        event_time = posting_id = title = language = None
        error = RowError(parsed.code, parsed.detail, payload)
    else:
        event_time, posting_id, title = parsed.event_time, parsed.posting_id, parsed.title
        language, error = segment(parsed).language, None
    row = Row("s", 0, 0, event_time, 0, posting_id, title, language, [], error, None, "m", "t", "v")
    table = rows_to_table([row])
    table.validate(full=True)
    assert table.num_rows == 1
