"""Files as boards, databases and scripts write them: from bytes to titles, texts and times."""

import bz2
import gzip
import json
from datetime import UTC, datetime

import pytest

from skillstream.errors import SourceError
from skillstream.postings.parse import parse_record
from skillstream.postings.sentences import segment
from skillstream.rejections import Rejection
from skillstream.sources.files import SourceReadError, plan_files, read_chunks


def postings(folder, name, data):
    """(title, plain text, id, time) of each row, or the code of its rejection."""
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    rows = []
    for item in plan_files([str(path)]).ranges:
        try:
            for chunk in read_chunks(item, item.start, 100):
                rows += [parse_record(record) for record in chunk.records]
        except SourceReadError:
            pass
    return [str(row.code) if isinstance(row, Rejection) else shown(row) for row in rows]


def shown(posting):
    title, _, text = segment(posting).text.partition("\n")
    time = posting.event_time
    return title, text, posting.posting_id, time and datetime.fromtimestamp(time / 1000, UTC).isoformat()[:16]


TWO = json.dumps([{"id": 1, "title": "Cook", "text": "SQL"}, {"id": 2, "title": "Smith", "text": "Go"}])
LINES = b'{"id":1,"title":"Cook","text":"SQL"}\n{"id":2,"title":"Smith","text":"Go"}\n'
TABLES = {
    "blanks before quotes": 'id, title, text\n1, "Cook", "SQL, Go"\n2, "Smith", "Go"\n',
    "single quotes": "id,title,text\n1,'Cook','SQL, Go'\n2,'Smith','Go'\n",
    "MySQL's backslashes": "id,title,text\n1,Cook,SQL\\, Go\n2,Smith,Go\n",
    "circumflexes": "id^title^text\n1^Cook^SQL, Go\n2^Smith^Go\n",
    "tildes": "id~title~text\n1~Cook~SQL, Go\n2~Smith~Go\n",
    "Hive's delimiter": "id\x01title\x01text\n1\x01Cook\x01SQL, Go\n2\x01Smith\x01Go\n",
    "semicolons, mark and CRLF": '\ufeffid;title;text\r\n1;Cook;"SQL, Go"\r\n2;Smith;Go\r\n',
    "bars": "id|title|text\n1|Cook|SQL, Go\n2|Smith|Go\n",
    "a delimiter too many everywhere": 'id,title,text,\n1,Cook,"SQL, Go",\n2,Smith,Go,\n',
    "backslash before quotes": '"id","title","text"\n"1","Cook","SQL, Go"\n"2","Smith","Go"\n',
    "pandas' index": ',id,title,text\n0,1,Cook,"SQL, Go"\n1,2,Smith,Go\n',
    "carriage returns": 'id,title,text\r1,Cook,"SQL, Go"\r2,Smith,Go\r',
}


@pytest.mark.parametrize("table", TABLES)
def test_tables(tmp_path, table):
    assert postings(tmp_path, "x.csv", TABLES[table]) == [
        ("Cook", "SQL, Go", "1", None),
        ("Smith", "Go", "2", None),
    ]


def test_escaped_line_breaks_of_mysql(tmp_path):
    data = "id,title,text\n1,Cook,SQL\\, C\\\nGo\n2,Smith\\\n,x\n3,Baker\\\n4,Miller,Go\n"
    rows = postings(tmp_path, "x.csv", data)
    assert [row if isinstance(row, str) else row[:2] for row in rows] == [
        ("Cook", "SQL, C\nGo"),
        ("Smith", "x"),
        "ragged_row",
        ("Miller", "Go"),
    ]


def test_the_null_of_mysql_and_postgres_is_no_text(tmp_path):
    data = "id\ttitle\ttext\n1\tCook\tSQL\\nGo\n2\tSmith\t\\N\n"
    assert [row[:2] for row in postings(tmp_path, "x.tsv", data)] == [("Cook", "SQL\nGo"), ("Smith", "")]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("x.jsonl", TWO),
        ("x.txt", TWO),
        ("x.json", LINES),
        ("x.json", b"\xef\xbb\xbf" + TWO.encode()),
        ("x.json", gzip.compress(TWO.encode(), mtime=0)),
        ("x.jsonl.gz", b"".join(map(gzip.compress, LINES.splitlines(keepends=True)))),
        ("x.jsonl.bz2", bz2.compress(LINES)),
        ("x.json", LINES.replace(b"\n", b"")),
        ("x.json", b"\x1e" + LINES.replace(b"\n{", b"\n\x1e{")),
        ("x.jsonl", b"\x1e" + LINES.replace(b"\n{", b"\n\x1e{")),
        ("x.jsonl", LINES.replace(b"\n", b",\n")),
        ("x.json", b"[" + LINES.replace(b"\n{", b"]\n[{") + b"]"),
        ("x.json", b"[" + LINES.replace(b"\n{", b",{") + b"]\n[]\n"),
        ("x.jsonl", LINES.replace(b'"text"', b'"pay":NaN,"most":-Infinity,"text"')),
        ("x.json", TWO.replace('"text"', '"pay":NaN,"text"')),
        ("x.jsonl", "\n".join(json.dumps(line.decode()) for line in LINES.splitlines())),
    ],
)
def test_json_under_any_name_and_in_any_form(tmp_path, name, data):
    assert postings(tmp_path, name, data) == [("Cook", "SQL", "1", None), ("Smith", "Go", "2", None)]


def test_nan_within_words_stays(tmp_path):
    data = b'{"title":"NaN Cook","text":"Infinity pool, \\" NaN","pay":NaN}\n'
    assert postings(tmp_path, "x.jsonl", data) == [("NaN Cook", 'Infinity pool, " NaN', None, None)]


def test_utf_32_is_refused_by_its_name(tmp_path):
    with pytest.raises(SourceError, match="got UTF-32"):
        postings(tmp_path, "x.json", TWO.encode("utf-32"))


HTML = "<p>SQL</p><ul><li>Go</li></ul>"
FEEDS = {
    "rss": (
        '<rss xmlns:content="c"><channel><title>Jobs</title><item><title>Cook</title><guid>7</guid><pubDate>'
        "Mon, 05 Jan 2026 10:00:00 +0100</pubDate><description>Short</description><content:encoded>"
        f"<![CDATA[{HTML}]]></content:encoded></item><item><title>Smith</title></item></channel></rss>",
        "7",
        "2026-01-05T09:00",
    ),
    "atom": (
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>Jobs</title><entry><id>urn:1</id><title>Cook</title>'
        "<updated>2026-01-02T00:00:00Z</updated><content type='html'>&lt;p&gt;SQL&lt;/p&gt;"
        "&lt;p&gt;Go&lt;/p&gt;</content></entry><entry><id>urn:2</id><title>Smith</title></entry></feed>",
        "urn:1",
        "2026-01-02T00:00",
    ),
    "titles by language": (
        '<jobs><job><id>1</id><title xml:lang="en">Cook</title><title xml:lang="de">Koch</title><description>'
        "SQL, Go</description></job><job><id>2</id><title>Smith</title></job></jobs>",
        "1",
        None,
    ),
    "oracle": (
        {
            "Id": "1",
            "Title": "Cook",
            "ExternalDescriptionStr": "<p>SQL</p>",
            "CorporateDescriptionStr": "We",
            "ExternalQualificationsStr": "Go",
            "ExternalPostedStartDate": "2026-01-02T10:00:00+00:00",
        },
        "1",
        "2026-01-02T10:00",
    ),
    "taleo": (
        {
            "contestNumber": "R1",
            "title": "Cook",
            "externalDescription": "<p>SQL</p>",
            "externalQualification": "Go",
            "postedDate": "Jan 2, 2026",
        },
        "R1",
        "2026-01-02T00:00",
    ),
    "successfactors": (
        {"jobReqId": "44", "externalTitle": "Cook", "externalJobDescription": HTML},
        "44",
        None,
    ),
    "serpapi": (
        {
            "job_id": "e",
            "title": "Cook",
            "company_name": "A",
            "description": "SQL",
            "job_highlights": [{"title": "Qualifications", "items": ["Go", "Java"]}],
        },
        "e",
        None,
    ),
    "jsearch": (
        {
            "job_id": "x",
            "job_title": "Cook",
            "job_description": "SQL",
            "employer_name": "A",
            "job_posted_at_datetime_utc": "2026-01-02T00:00:00.000Z",
            "job_highlights": {"Qualifications": ["Go"]},
        },
        "x",
        "2026-01-02T00:00",
    ),
    "bamboohr": (
        {
            "result": {
                "jobOpening": {"jobOpeningName": "Cook", "description": HTML, "datePosted": "2026-01-02"}
            }
        },
        None,
        "2026-01-02T00:00",
    ),
    "icims": (
        {
            "id": 9,
            "jobtitle": "Cook",
            "overview": "<p>SQL</p>",
            "qualifications": "<p>Go</p>",
            "updateddate": "2026-01-02 10:00 AM",
        },
        "9",
        "2026-01-02T10:00",
    ),
    "breezy": (
        {"_id": "b", "name": "Cook", "description": HTML, "creation_date": "2026-01-02T00:00:00Z"},
        "b",
        "2026-01-02T00:00",
    ),
    "pinpoint": (
        {"id": "1", "title": "Cook", "description": "<p>SQL</p>", "key_responsibilities": "<p>Go</p>"},
        "1",
        None,
    ),
    "join": (
        {
            "id": "1",
            "title": "Cook",
            "tasks": "<li>SQL</li>",
            "requirements": "Go",
            "createdAt": "2026-01-02T00:00:00Z",
        },
        "1",
        "2026-01-02T00:00",
    ),
    "algolia": ({"objectID": "o", "title": "Cook", "description": HTML}, "o", None),
    "mongodb": (
        {
            "_id": {"$oid": "5f"},
            "title": "Cook",
            "description": HTML,
            "posted": {"$date": "2026-01-02T00:00:00Z"},
        },
        "5f",
        "2026-01-02T00:00",
    ),
    "dynamodb": ({"Item": {"id": {"S": "d"}, "title": {"S": "Cook"}, "description": {"S": HTML}}}, "d", None),
    "json in a cell": ({"id": 1, "title": "Cook", "description": json.dumps({"html": HTML})}, "1", None),
    "a list in a cell": ({"id": 1, "title": "Cook", "description": json.dumps(["SQL", "Go"])}, "1", None),
    "wordpress": (
        {
            "id": 5,
            "date": "2026-01-02T00:00:00",
            "title": {"rendered": "Cook"},
            "content": {"rendered": HTML},
            "excerpt": {"rendered": "s"},
        },
        "5",
        "2026-01-02T00:00",
    ),
    "elasticsearch": ({"_id": "e", "_source": {"title": "Cook", "description": HTML}}, "e", None),
}


@pytest.mark.parametrize("feed", FEEDS)
def test_feeds(tmp_path, feed):
    data, posting_id, time = FEEDS[feed]
    is_xml = isinstance(data, str)
    rows = postings(tmp_path, "x.xml" if is_xml else "x.jsonl", data if is_xml else json.dumps(data))
    title, text, *rest = rows[0]
    assert (title, rest) == ("Cook", [posting_id, time])
    assert "SQL" in text
    assert "Go" in text
    assert not any(mark in text for mark in "<{[")
    assert len(rows) == 1 + is_xml


@pytest.mark.parametrize(
    ("style", "is_shown"),
    [
        ("overflow:hidden", True),
        ("display : NONE !important", False),
        ("background:url(display:none.png)", True),
    ],
)
def test_styles(tmp_path, style, is_shown):
    data = json.dumps({"title": "Cook", "description": f'<p style="{style}">SQL</p><p>Go</p>'})
    assert ("SQL" in postings(tmp_path, "x.jsonl", data)[0][1]) == is_shown


JOB = {"id": 7, "title": "Cook", "description": HTML}
ENVELOPES = {
    "mongodb's change stream": {"_id": {"_data": "x"}, "operationType": "insert", "fullDocument": JOB},
    "mongodb's connector": {
        "schema": {},
        "payload": json.dumps({"operationType": "insert", "fullDocument": JOB}),
    },
    "sns": {"Type": "Notification", "MessageId": "m", "Subject": "s", "Message": json.dumps(JOB)},
    "eventbridge": {"version": "0", "id": "e", "detail-type": "Posted", "source": "x", "detail": JOB},
    "cloudevents": {"specversion": "1.0", "id": "e", "type": "job", "source": "/x", "data": JOB},
    "an outbox": {"aggregateid": "1", "type": "JobCreated", "payload": json.dumps(JOB)},
    "sqs": {"messageId": "m", "body": json.dumps(JOB)},
    "attunity": {"magic": "atMSG", "message": {"data": JOB, "headers": {"operation": "INSERT"}}},
    "maxwell": {"database": "x", "table": "jobs", "type": "insert", "ts": 1767312000, "data": JOB},
    "dms": {"data": JOB, "metadata": {"record-type": "data", "operation": "insert"}},
    "avro as json": {"id": {"long": 7}, "title": {"string": "Cook"}, "description": {"string": HTML}},
    "several": {"event": {"job": JOB}},
}


@pytest.mark.parametrize("envelope", ENVELOPES)
def test_envelopes_of_queues_and_change_data_capture(tmp_path, envelope):
    rows = postings(tmp_path, "x.jsonl", json.dumps(ENVELOPES[envelope]))
    assert [(title, posting_id) for title, _, posting_id, _ in rows] == [("Cook", "7")]
    assert "• Go" in rows[0][1]


def test_what_is_no_posting_is_not_taken_for_a_wrapped_one(tmp_path):
    data = json.dumps({"title": "Cook", "body": json.dumps({"a": 1}), "message": {"title": "Sent"}})
    assert postings(tmp_path, "x.jsonl", data)[0][0] == "Cook"
    data = json.dumps({"event": "JobCreated", "message": '{"broken'})
    assert postings(tmp_path, "x.jsonl", data) == ["missing_text"]
