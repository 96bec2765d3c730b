"""XML feeds: one element a record, each with its own offset; damage stays with its element."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillstream.postings import FieldMapping
from skillstream.rejections import Rejection, RejectionCode
from skillstream.sources.files import SourceReadError, plan_files, read_chunks
from skillstream.sources.files.xml_records import record_element
from skillstream.sources.files.xml_rows import element_records, parse_element, split_elements

JOB = "<job><title>Baker {0}</title><description><![CDATA[<p>Bake & sell</p></job>]]></description></job>"


def read(path, start=0, **options):
    records, fault = [], ""
    (item,) = plan_files([str(path)], **options).ranges
    try:
        for chunk in read_chunks(item, start, 7):
            records += chunk.records
    except SourceReadError as error:
        fault = str(error)
    return records, fault


def write(tmp_path, body, name="x.xml", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(body.encode(encoding))
    return path


def test_each_element_is_a_record_with_its_own_offset(tmp_path):
    jobs = "\n".join(JOB.format(number) for number in range(20))
    path = write(tmp_path, f'<?xml version="1.0"?><source><publisher>Acme</publisher>{jobs}</source>')
    records, fault = read(path)
    assert [json.loads(record.payload) for record in records] == [
        {"title": f"Baker {number}", "description": "<p>Bake & sell</p></job>"} for number in range(20)
    ]
    assert [record.offset for record in records] == list(range(20))
    assert fault == ""
    assert read(path, start=13)[0] == records[13:]


@pytest.mark.parametrize(
    ("document", "name"),
    [
        ("<rss><channel><title>Jobs</title><description/><item><title>a</title></item>", "item"),
        ("<source><publisher>x</publisher><job><title>a</title></job></source>", "job"),
        ("<jobs><position><id>1</id><name>a</name><jobDescriptions><jobDescription><name>b</name><value/>"
         "</jobDescription></jobDescriptions></position>", "position"),
        ("<feed xmlns='x'><author><name>a</name></author><entry><title>b</title></entry></feed>", "entry"),
        ("<a:jobs><a:job><a:title>b</a:title></a:job></a:jobs>", "a:job"),
        ("<anuncios><anuncio><titulo>b</titulo></anuncio><anuncio><titulo>b</titulo></anuncio>", "anuncio"),
        ("<table><r Id='1' Title='a' Body='b'/><r Id='2' Title='a' Body='b'/></table>", "r"),
        ("<!DOCTYPE s [<!ENTITY x 'y'>]><s><job><title>&x; & z</title></job></s>", "job"),
        ("<html><body>text</body></html>", None),
        ("no xml", None),
    ],
)  # fmt: skip
def test_the_element_of_postings_is_found(document, name):
    found = record_element(document.encode(), FieldMapping())
    assert found == (name and (name, False))


def test_the_user_may_name_the_element():
    document = b"<s><x><job><title>a</title></job><note>b</note></x></s>"
    assert record_element(document, FieldMapping(records_path="s.x")) == ("x", False)
    assert record_element(document, FieldMapping(text="note")) == ("x", False)


@pytest.mark.parametrize(
    ("element", "value"),
    [
        ("<j><a>1</a><a>2</a></j>", {"a": ["1", "2"]}),
        (
            "<j id='7'><a href='u'/><b lang='en'>x</b></j>",
            {"a": {"href": "u"}, "b": "x", "b@lang": "en", "id": "7"},
        ),
        ("<j><d>See <b>this</b> &amp; that<br/></d></j>", {"d": "See <b>this</b> &amp; that<br>"}),
        ("<j><d><p>One</p><ul><li>Two</li></ul></d></j>", {"d": "<p>One</p><ul><li>Two</li></ul>"}),
        ("<j><d><![CDATA[a ]]]]><![CDATA[> b]]></d></j>", {"d": "a ]]> b"}),
        ("<j><g:title>a</g:title><title>b</title></j>", {"title": "b", "g:title": "a"}),
        ("<j><content:encoded>a</content:encoded></j>", {"contentencoded": "a"}),
        ("<j><o><c>x</c></o></j>", {"o": {"c": "x"}}),
        ("<j><d>a&nbsp;b &eacute; R&D &#8211; &lt;p&gt;\x0b</d></j>", {"d": "a\xa0b é R&D – <p> "}),
        ("<j><a/></j>", {"a": ""}),
    ],
)
def test_elements_as_json(element, value):
    assert parse_element(element.encode()) == value


@pytest.mark.parametrize(
    ("element", "code"),
    [
        (b"<j><a></b></j>", RejectionCode.INVALID_XML),
        (b"<j>&unknown;</j>", RejectionCode.INVALID_XML),
        (b"<j>caf\xe9</j>", RejectionCode.INVALID_UTF8),
        (b"<j>" + b"<a>" * 1000 + b"</a>" * 1000 + b"</j>", RejectionCode.TOO_DEEP),
        (b"<j>" + b"<a/>" * 200_000 + b"</j>", RejectionCode.TOO_LARGE),
    ],
)
def test_what_is_no_element_is_rejected(element, code):
    found = parse_element(element)
    assert isinstance(found, Rejection)
    assert found.code == code


def test_damage_stays_with_its_element(tmp_path):
    path = write(tmp_path, f"<s>{JOB.format(1)}<job><title>x</titel></job>{JOB.format(2)}<job><title>cut")
    records, fault = read(path)
    assert [record.rejection and record.rejection.code for record in records] == [
        None,
        RejectionCode.INVALID_XML,
        None,
        RejectionCode.INVALID_XML,
    ]
    assert records[1].payload == b"<job><title>x</titel></job>"
    assert "no end: cut off" in fault


@pytest.mark.parametrize("cut", ["</job>", "]]>"])
def test_an_element_without_its_end_does_not_take_in_the_next(tmp_path, cut):
    broken = (
        JOB.format(2)[: JOB.format(2).rindex(cut)] + JOB.format(2)[JOB.format(2).rindex(cut) + len(cut) :]
    )
    records, _ = read(write(tmp_path, f"<s>{JOB.format(1)}{broken}{JOB.format(3)}{JOB.format(4)}</s>"))
    titles = [json.loads(record.payload)["title"] for record in records if record.rejection is None]
    assert [title for title in titles if title != "Baker 2"] == ["Baker 1", "Baker 3", "Baker 4"]
    assert all(b"Baker 3" not in record.payload for record in records if b"Baker 2" in record.payload)


@pytest.mark.parametrize("tag", ["<jb>", "< job>", "<>", ""])
@pytest.mark.parametrize("broken", [1, 2, 3])
def test_an_element_whose_own_tag_is_damaged_is_a_rejected_row(tmp_path, tag, broken):
    jobs = [JOB.format(number) for number in (1, 2, 3)]
    jobs[broken - 1] = jobs[broken - 1].replace("<job>", tag)
    path = write(tmp_path, "<s>" + "\n".join(jobs) + "<footer/></s>")
    expected = [RejectionCode.INVALID_XML if number == broken else None for number in (1, 2, 3)]
    for block in (5, 1 << 20):
        blocks = (path.read_bytes()[at : at + block] for at in range(0, path.stat().st_size, block))
        records = list(element_records(blocks, "job", 0))
        assert [record.rejection and record.rejection.code for record in records] == expected
        assert f"Baker {broken}".encode() in records[broken - 1].payload


def test_an_instruction_without_its_end_is_damage_of_its_element_alone(tmp_path):
    broken = "<job><title>Baker 2</title><?job>"
    records, _ = read(write(tmp_path, f"<s>{JOB.format(1)}{broken}{JOB.format(3)}</s>"))
    assert [record.rejection and record.rejection.code for record in records] == [
        None,
        RejectionCode.INVALID_XML,
        None,
    ]


def test_an_element_within_one_of_its_name_belongs_to_it(tmp_path):
    path = write(tmp_path, "<s><job><job>Baker</job><title>a</title></job><job><title>b</title></job></s>")
    assert [json.loads(record.payload) for record in read(path)[0]] == [
        {"job": "Baker", "title": "a"},
        {"title": "b"},
    ]


def test_no_entity_of_the_document_is_expanded(tmp_path):
    bomb = "".join(f"<!ENTITY a{i + 1} '{f'&a{i};' * 10}'>" for i in range(9))
    path = write(
        tmp_path,
        f"<!DOCTYPE s [<!ENTITY a0 'x'>{bomb}<!ENTITY file SYSTEM 'file:///etc/passwd'>]>"
        f"<s><job><title>&a9;</title></job><job><title>&file;</title></job>{JOB.format(1)}</s>",
    )
    records, _ = read(path)
    assert [record.rejection and record.rejection.code for record in records] == [
        RejectionCode.INVALID_XML,
        RejectionCode.INVALID_XML,
        None,
    ]


@pytest.mark.parametrize("encoding", ["iso-8859-1", "windows-1252", "utf-16"])
def test_the_encoding_that_the_document_states_is_used(tmp_path, encoding):
    body = f"<?xml version='1.0' encoding='{encoding}'?><s>" + JOB.format("é") + "</s>"
    records, _ = read(write(tmp_path, body, encoding=encoding))
    assert json.loads(records[0].payload)["title"] == "Baker é"


def test_memory_is_bounded_by_one_element(tmp_path, monkeypatch):
    monkeypatch.setattr("skillstream.delimited.lines.MAX_PIECE_BYTES", 1000)
    monkeypatch.setattr("skillstream.delimited.lines.KEPT_BYTES", 10)
    records, _ = read(write(tmp_path, f"<s><job><title>{'x' * 5000}</title></job>{JOB.format(1)}</s>"))
    assert [record.rejection and record.rejection.code for record in records] == [
        RejectionCode.TOO_LARGE,
        None,
    ]


PARTS = st.sampled_from(
    ["<j>", "</j>", "<j/>", "<j a='>'>", "<jj>", "</jj>", "<!--", "-->", "<![CDATA[", "]]>", "<?", "?>", "<",
     ">", "x", '<j b="', "'", '"', "\n"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(PARTS, max_size=30), st.integers(1, 9))
def test_elements_are_the_same_however_blocks_are_cut(parts, size):
    data = "".join(parts).encode()

    def pieces(block_size):
        found = []
        try:
            for piece in split_elements(
                (data[at : at + block_size] for at in range(0, len(data), block_size)), "j"
            ):
                found.append(piece.data)
        except SourceReadError as error:
            found.append(str(error))
        return found

    assert pieces(size) == pieces(1 << 20)


def test_mutated_feeds_never_raise():
    """Every element of a feed whose bytes are damaged is a value or a rejection."""
    rng = random.Random(0)
    sound = "".join(JOB.format(number) for number in range(5)).encode()
    for _ in range(300):
        data = bytearray(sound)
        for _ in range(rng.randrange(1, 6)):
            data[rng.randrange(len(data))] = rng.choice(b"<>&'\"/\0\xff a;")
        try:
            for piece in split_elements(iter([bytes(data)]), "job"):
                assert isinstance(parse_element(piece.data), dict | Rejection)
        except SourceReadError:
            pass


@pytest.mark.parametrize("opening", ["<![CDATA[", "<!--"])
@pytest.mark.parametrize("broken", [0, 2, 3])
@pytest.mark.parametrize("block", [3, 1 << 20])
def test_a_section_that_is_not_closed_stays_with_its_record(opening, broken, block):
    jobs = [f"<job><title>Cook {number}</title><x>pots</x></job>" for number in range(4)]
    jobs[broken] = jobs[broken].replace("<x>", f"<x>{opening} ")
    data = ("<jobs>\n" + "\n".join(jobs) + "\n</jobs>").encode()
    blocks = (data[at : at + block] for at in range(0, len(data), block))
    found = [piece.data for piece in split_elements(blocks, "job")]
    assert [job.encode() for job in jobs] == found


@pytest.mark.parametrize("block", [3, 1 << 20])
def test_cdata_in_an_element_without_its_tag_does_not_hide_the_records_behind_it(block):
    jobs = [f"<job><title>Cook {number}</title><x>pots</x></job>" for number in range(6)]
    jobs[1] = jobs[1].replace("<job>", "<jb>").replace("<x>", "<x><![CDATA[ ")
    jobs[4] = jobs[4].replace("</x>", "]]></x>")
    data = ("<jobs>\n" + "\n".join(jobs) + "\n</jobs>").encode()
    blocks = (data[at : at + block] for at in range(0, len(data), block))
    found = [piece.data for piece in split_elements(blocks, "job")]
    assert [job.encode() for number, job in enumerate(jobs) if number != 1] == found[:1] + found[2:]
    assert b"Cook 1" in found[1]


@pytest.mark.parametrize("block", [3, 1 << 20])
def test_a_comment_that_another_one_ends_hides_no_records(block):
    jobs = [f"<job><title>Cook {number}</title></job>" for number in range(6)]
    data = ("<jobs>" + "".join([*jobs[:1], "<!--", *jobs[1:4], "<!-->", *jobs[4:]]) + "</jobs>").encode()
    blocks = (data[at : at + block] for at in range(0, len(data), block))
    assert [piece.data for piece in split_elements(blocks, "job")] == [job.encode() for job in jobs]


@pytest.mark.parametrize("block", [3, 1 << 20])
def test_records_that_are_commented_out_are_no_records(block):
    data = b"<jobs><!-- <job><x>1</x></job><job><x>2</x></job> --><job><x>3</x></job></jobs>"
    blocks = (data[at : at + block] for at in range(0, len(data), block))
    assert [piece.data for piece in split_elements(blocks, "job")] == [b"<job><x>3</x></job>"]


def test_a_comment_between_records_that_is_not_closed_hides_none():
    data = b"<jobs><job><x>1</x></job><!-- <job><x>2</x></job><job><x>3</x></job></jobs>"
    assert len([*split_elements(iter([data]), "job")]) == 3
