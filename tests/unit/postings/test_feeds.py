import json
from datetime import UTC, datetime

import pytest

from skillstream.postings import FieldMapping, JobPosting, parse_payload, posting_from_mapping, segment
from skillstream.postings.containers import named_fields, unwrapped
from skillstream.postings.feeds import FEED_NAMES, feed_named, recognise
from skillstream.rejections import Rejection, RejectionCode
from tests.unit.postings.feed_records import SAMPLES, Sample


def posting_of(record: object, **fields: str) -> JobPosting:
    parsed = parse_payload(json.dumps(record).encode(), FieldMapping(**fields))
    assert isinstance(parsed, JobPosting), parsed
    return parsed


def test_each_feed_has_a_sample() -> None:
    assert {sample.feed for sample in SAMPLES} == set(FEED_NAMES)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: f"{sample.feed}-{sample.title}")
def test_a_record_of_each_feed_is_recognised_and_read(sample: Sample) -> None:
    feed = recognise(named_fields(unwrapped(sample.record)))
    assert feed is not None
    assert feed.name == sample.feed
    posting = posting_of(sample.record)
    assert posting.title == sample.title
    assert posting.posting_id == sample.id
    day = posting.event_time and datetime.fromtimestamp(posting.event_time / 1000, UTC).date().isoformat()
    assert day == sample.day
    text = segment(posting).text
    at = [text.find(word) for word in sample.words]
    assert -1 not in at, text
    assert at == sorted(at), text


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: f"{sample.feed}-{sample.title}")
def test_no_text_comes_twice(sample: Sample) -> None:
    text = segment(posting_of(sample.record)).text
    for word in sample.words:
        assert text.count(word) <= 1 + (word in sample.title), text


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: f"{sample.feed}-{sample.title}")
def test_a_named_feed_is_read_as_the_recognised_one(sample: Sample) -> None:
    assert posting_of(sample.record, feed=sample.feed) == posting_of(sample.record)


def test_a_named_feed_needs_no_signature_and_falls_back_to_well_known_names() -> None:
    record = {"text": "Baker", "description": "You bake."}
    assert posting_of(record, feed="lever") == JobPosting(None, "Baker", "You bake.")
    assert posting_of({"title": "Baker", "body": "You bake."}, feed="lever").text == "You bake."
    with pytest.raises(KeyError):
        feed_named("nosuchfeed")


def test_the_table_of_a_feed_yields_to_the_users_own_fields() -> None:
    lever = next(sample.record for sample in SAMPLES if sample.feed == "lever")
    posting = posting_of(lever, title="categories.team", text="descriptionPlain", id="hostedUrl")
    assert posting.title == "Operations"
    assert posting.text == "You plan routes."
    assert posting.posting_id == "https://jobs.lever.example/acme/7f0c"


# --- kinds K5 and K7: names, blanks, lists and objects ---------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["job_desc", "jobDescriptionHtml", "descriptionText", "jobAdText", "details", "summary", "job_details",
     "snippet", "stellenbeschreibung", "stellenangebotsBeschreibung", "FullDescription", "full_description",
     "Job Description", "beschreibung", "descripcion", "omschrijving", "contents", "posteDescription",
     "job.description", "_source.description", "descriptionBody"],
)  # fmt: skip
def test_names_of_descriptions(name: str) -> None:
    assert posting_of({"title": "Cook", name: "You cook."}).text == "You cook."


def test_what_is_no_description_of_the_job() -> None:
    record = {"title": "Cook", "companyDescription": "We feed you.", "locationDescription": "By the sea."}
    assert posting_of(record).text == ""


@pytest.mark.parametrize("name", ["titel", "intitule", "Job Title", "positionName", "job.title", "titulo"])
def test_names_of_titles(name: str) -> None:
    assert posting_of({name: "Cook", "text": "You cook."}).title == "Cook"


def test_the_whole_description_comes_before_its_beginning() -> None:
    record = {
        "title": "Cook",
        "summary": "You …",
        "description": "You cook",
        "full_description": "You cook soup.",
    }
    assert posting_of(record).text == "You cook soup."


@pytest.mark.parametrize(
    "blank", ["", " ", "\u200b", None, "nan", "None", "N/A", "null", "-", [], {}, [""], {"a": ""}]
)
@pytest.mark.parametrize("first", [True, False])
def test_a_blank_field_never_beats_its_filled_twin(blank: object, first: bool) -> None:
    filled = {"job_title": "Cook", "job_description": "You cook.", "job_id": "7"}
    empty = {"jobTitle": blank, "jobDescription": blank, "jobId": blank}
    for others in (empty, {"title": blank, "description": blank, "id": blank}):
        record = others | filled if first else filled | others
        assert posting_of(record) == JobPosting("7", "Cook", "You cook.")


@pytest.mark.parametrize("word", ["nan", "NaN", "None", "N/A", "n/a", "null", "NULL", "-", "--", "<NA>",
" nan ",
                                  "<p>nan</p>", "&nbsp;"])  # fmt: skip
def test_words_for_nothing_are_no_text(word: str) -> None:
    assert posting_of({"title": "Cook", "description": word, "id": word}) == JobPosting(None, "Cook", "")
    rejection = parse_payload(json.dumps({"title": word, "description": word}).encode())
    assert isinstance(rejection, Rejection)
    assert rejection.code is RejectionCode.MISSING_TEXT


def test_words_within_a_text_stay() -> None:
    assert posting_of({"title": "None-destructive tester", "text": "No nan."}).text == "No nan."


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (["You cook.", "You bake."], "You cook.\nYou bake."),
        (["You cook.", None, 5, "nan"], "You cook."),
        ({"value": "You cook."}, "You cook."),
        ({"rendered": "<p>You cook.</p>", "protected": False}, "<p>You cook.</p>"),
        ({"html": "<p>You cook.</p>", "text": "You cook."}, "<p>You cook.</p>"),
        ({"de": "Sie kochen.", "en": "You cook."}, "You cook."),
        ({"intro": "You cook.", "outro": "Bye."}, "You cook.\n\nBye."),
        ([{"title": "Tasks", "text": "Cook"}, {"title": "Profile", "text": "Bake"}],
         "Tasks:\nCook\nProfile:\nBake"),
    ],
)  # fmt: skip
def test_lists_and_objects_of_texts_are_joined(value: object, text: str) -> None:
    assert posting_of({"title": "Cook", "description": value}).text == text


def test_lists_of_html_stay_html() -> None:
    text = segment(posting_of({"title": "Cook", "description": ["<li>Cook</li>", "Bake & fry"]})).text
    assert text.split("\n") == ["Cook", "• Cook", "Bake & fry"]


def test_a_field_said_by_name_gives_what_it_gives_unsaid() -> None:
    record = {"id": 1, "title": "Team member", "description": "We sort.", "requirements": "Knows SQL."}
    assert posting_of(record, text="description") == posting_of(record)
    assert posting_of(record, title="title", id="id") == posting_of(record)


def test_the_detail_names_the_fields_that_there_are() -> None:
    rejection = posting_from_mapping({"blurb": "You cook.", "salary": 5})
    assert isinstance(rejection, Rejection)
    assert (
        rejection.detail == "neither 'title' nor 'description' holds text; the record has 'blurb', 'salary'"
    )
