import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillstream.postings import FieldMapping, JobPosting, parse_payload
from skillstream.postings.containers import find_postings, unwrapped
from skillstream.postings.values import names
from skillstream.rejections import Rejection, RejectionCode

COOK = {"id": 1, "title": "Cook", "description": "You cook."}
WELDER = {"id": 2, "title": "Welder", "description": "You weld."}
TWO = [COOK, WELDER]


def schema_org(job: dict) -> dict:
    return {"@context": "https://schema.org", "@type": "JobPosting"} | job


def read(record: object, **fields: str) -> JobPosting | Rejection:
    return parse_payload(json.dumps(record).encode(), FieldMapping(**fields))


ACME = {"name": "Acme Parcel GmbH", "description": "We deliver parcels with project management."}

CONTAINERS = [
    ({"jobs": TWO, "meta": {"total": 2}}, "jobs"),
    (ACME | {"jobs": TWO}, "jobs"),
    ({"title": "Jobs at Acme", "description": "All jobs", "items": TWO}, "items"),
    ({"count": 2, "mean": 41000, "results": TWO}, "results"),
    ({"items": TWO}, "items"),
    ({"data": TWO}, "data"),
    ({"data": [{"id": "1", "attributes": {"title": "Cook", "body": "You cook."}}] * 2}, "data"),
    ({"data": {"jobs": TWO}}, "data.jobs"),
    ({"postings": TWO}, "postings"),
    ({"offers": TWO}, "offers"),
    ({"status": "ok", "response": {"docs": TWO}}, "response.docs"),
    ({"took": 3, "hits": {"total": 2, "hits": [{"_id": "a", "_source": COOK}] * 2}},
     "hits.hits"),
    ({"SearchResult": {"SearchResultItems": [
        {"MatchedObjectId": "1", "MatchedObjectDescriptor": {"PositionTitle": "Cook"}}] * 2}},
     "SearchResult.SearchResultItems"),
    ({"total": 2, "jobPostings": [{"title": "Cook", "externalPath": "/job/1", "bulletFields": ["R-1"]}] * 2},
     "jobPostings"),
    ({"@type": "ItemList", "itemListElement": [
        {"@type": "ListItem", "position": 1, "item": schema_org(COOK)},
        {"@type": "ListItem", "position": 2, "item": schema_org(WELDER)}]}, "itemListElement"),
    ({"@type": "CollectionPage", "name": "Jobs", "mainEntity": {
        "@type": "ItemList", "itemListElement": [schema_org(COOK), schema_org(WELDER)]}},
     "mainEntity.itemListElement"),
    ({"rss": {"channel": {"item": [{"title": "Cook", "link": "u", "description": "d"}] * 2}}},
     "rss.channel.item"),
]  # fmt: skip


@pytest.mark.parametrize(("record", "path"), CONTAINERS, ids=[path for _, path in CONTAINERS])
def test_a_record_of_several_postings_is_rejected_with_where_they_are(record: dict, path: str) -> None:
    rejection = read(record)
    assert isinstance(rejection, Rejection)
    assert rejection.code is RejectionCode.NOT_AN_OBJECT
    assert f"the postings are in '{path}' (2 objects): --records-path {path}" in rejection.detail


@pytest.mark.parametrize(("record", "path"), CONTAINERS, ids=[path for _, path in CONTAINERS])
def test_the_only_posting_of_a_container_is_taken(record: dict, path: str) -> None:
    def cut(value: object) -> object:
        if isinstance(value, dict):
            return {name: cut(inner) for name, inner in value.items()}
        return value[:1] if isinstance(value, list) else value

    posting = read(cut(record))
    assert isinstance(posting, JobPosting), posting
    assert posting.title == "Cook"
    assert find_postings(record) is not None
    assert find_postings(record).path == path


POSTINGS = [
    COOK | {"items": [{"title": "What you bring", "text": "Knives"}, {"title": "We offer", "text": "Soup"}]},
    COOK | {"data": [{"name": "pay", "value": 5}] * 2},
    COOK | {"positions": 2},
    COOK | {"locations": [{"id": 1, "name": "Bonn"}, {"id": 2, "name": "Kiel"}]},
    COOK | {"content": [{"type": "p", "text": "You cook."}]},
    schema_org(COOK) | {"jobs": [WELDER, WELDER]},
    COOK | {"results": []},
    {"title": "Cook", "body": "You cook.", "documents": [{"id": 1, "title": "Menu"}]},
]


@pytest.mark.parametrize("record", POSTINGS)
def test_a_posting_with_lists_of_other_things_is_a_posting(record: dict) -> None:
    posting = read(record)
    assert isinstance(posting, JobPosting), posting
    assert posting.title == "Cook"
    assert posting.text.startswith("You cook.")


@pytest.mark.parametrize(
    ("record", "what"),
    [
        ({"@graph": [schema_org(COOK), schema_org(WELDER)]}, "an @graph that holds 2 JobPosting objects"),
        ({"@graph": [{"@type": "WebPage"}]}, "an @graph that holds 0 JobPosting objects"),
        (TWO, "a list of 2 objects"),
        ([COOK], "a list of 1 object"),
        ([schema_org(COOK), schema_org(WELDER)], "a list of 2 objects"),
        (["Cook", "Welder"], "a list of 2 texts"),
        (["Cook", 5, None], "a list of 3 values"),
        ([], "an empty list"),
        (5, "a number"),
        (True, "a truth value"),
        ("Cook", "text"),
        (None, "nothing"),
    ],
)
def test_what_is_no_object_is_said(record: object, what: str) -> None:
    rejection = read(record)
    assert rejection == Rejection(RejectionCode.NOT_AN_OBJECT, f"expected one JSON object, got {what}")


def test_neighbours_of_a_posting_in_a_page_are_no_postings() -> None:
    rejection = read({"@type": "Organization"} | ACME)
    assert rejection == Rejection(RejectionCode.NOT_AN_OBJECT, "expected a JobPosting, got a Organization")


@pytest.mark.parametrize(
    "record",
    [
        {"job": COOK},
        {"job": COOK, "company": {"name": "Acme"}},
        {"type": "created", "payload": {"job": COOK}},
        {"_index": "jobs", "_source": COOK},
        {"@type": "WebPage", "name": "Cook wanted", "mainEntity": schema_org(COOK)},
        {"data": {"type": "jobs", "attributes": COOK}},
    ],
)
def test_what_is_around_a_posting_is_taken_off(record: dict) -> None:
    posting = read(record)
    assert isinstance(posting, JobPosting), posting
    assert (posting.posting_id, posting.title, posting.text) == ("1", "Cook", "You cook.")


def test_the_id_may_be_outside() -> None:
    posting = read({"_id": "x9", "_source": {"title": "Cook", "body": "You cook."}})
    assert posting == JobPosting("x9", "Cook", "You cook.")


def test_records_path() -> None:
    job = {"head": {"ad": {"title": "Cook", "body": "You cook."}}}
    assert read(job, records_path="head.ad") == JobPosting(None, "Cook", "You cook.")
    assert read({"list": [COOK]}, records_path="list") == read(COOK)
    assert read(COOK, records_path="list") == read(COOK)  # an element of the list itself
    assert read({"_odd": COOK}, records_path="list[]._odd") == read(COOK)
    rejection = read({"list": TWO}, records_path="list")
    assert isinstance(rejection, Rejection)
    assert "2 in 'list'" in rejection.detail


NAMES = names(
    """jobs items data hits _source job attributes title text description content lists jobAd @type @graph
    itemListElement item id value name en de qualifications datePosted jobDescriptions text.a a.title"""
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.just("JobPosting"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=5,
        )
    ),
    max_leaves=30,
)  # fmt: skip


@settings(deadline=None)
@given(json_values)
def test_whatever_is_nested_how_parsing_never_raises(value: object) -> None:
    payload = json.dumps(value).encode()
    for fields in (FieldMapping(), FieldMapping(feed="lever"), FieldMapping(records_path="data.jobs")):
        assert isinstance(parse_payload(payload, fields), JobPosting | Rejection)
    if isinstance(value, dict):
        find_postings(value)
        assert isinstance(unwrapped(value), dict)


@pytest.mark.parametrize("name", ["jobs", "data", "description", "job", "title", "skills"])
@pytest.mark.parametrize("form", ['{{"{0}":', '[{{"{0}":'])
def test_deep_nesting_is_read_or_rejected(name: str, form: str) -> None:
    for depth in (10, 100, 400, 900):
        opening = form.format(name) * depth
        closing = ("}" if form[0] == "{" else "}]") * depth
        payload = f'{{"title":"Cook","x":1,"description":{opening}"You cook."{closing}}}'.encode()
        assert isinstance(parse_payload(payload), JobPosting | Rejection)


@pytest.mark.parametrize(
    "record",
    [
        {"job": {"title": "Cook"}, "description": "You cook soups."},
        {"title": "Cook", "vacancy": {"description": "You cook soups."}},
        {"id": 7, "vacancy": {"jobTitle": "Cook", "id": 8}, "description": "You cook soups."},
        {"job": '{"title": "Cook"}', "description": "You cook soups."},
    ],
)
def test_a_posting_that_is_half_in_an_object_is_whole(record):
    posting = parse_payload(json.dumps(record).encode(), FieldMapping())
    assert (posting.title, posting.text) == ("Cook", "You cook soups.")
    assert posting.posting_id == ("7" if "id" in record else None)


@pytest.mark.parametrize(
    "record",
    [
        {"source": {"title": "Job board"}, "description": "You cook soups."},
        {"company": {"title": "Diner Inc."}, "description": "You cook soups."},
    ],
)
def test_titles_of_other_things_are_not_the_postings(record):
    posting = parse_payload(json.dumps(record).encode(), FieldMapping())
    assert posting.title == ""
