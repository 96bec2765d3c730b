"""CSV: the dialect is decided once, and damage to one record stays with it."""

import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillstream.delimited.csv_dialect import find_dialect
from skillstream.delimited.csv_records import CsvRecords
from skillstream.delimited.lines import split_lines
from skillstream.errors import SourceError, UsageError
from skillstream.rejections import RejectionCode
from skillstream.sources.files import CsvOptions, ReadOptions, SourceReadError, plan_files, read_chunks

HEADER = "id,title,description\n"


def rows_of(data, options=None):
    """Cells of each record, or its fault; the dialect is found as in a file."""
    lines = list(split_lines(iter([data.encode()])))
    dialect = find_dialect(lines, options or CsvOptions())
    records = CsvRecords(iter(lines[dialect.skipped :]), dialect, len(dialect.columns))
    return dialect, [record.cells or record.fault for record in records][1:]


def read(path, options=None, range_bytes=1 << 25):
    records, fault = [], ""
    plan = plan_files([str(path)], options=options, range_bytes=range_bytes)
    for item in plan.ranges:
        try:
            for chunk in read_chunks(item, item.start, 7):
                records += chunk.records
        except SourceReadError as error:
            fault = str(error)
    return records, fault, plan


def test_a_quote_that_is_not_closed_costs_its_line_and_is_told(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(
        HEADER + '1,Baker,Bake bread\n2,Smith,"Forge iron\n3,Tailor,Sew\n4,Cooper,"Make, barrels"\n'
    )
    records, fault, _ = read(path)
    assert [record.rejection and record.rejection.code for record in records] == [
        None,
        RejectionCode.RAGGED_ROW,
        None,
        None,
    ]
    assert records[1].rejection.detail == "quote opened in row 2 (line 3) is not closed"
    assert records[1].payload == b'2,Smith,"Forge iron'
    assert json.loads(records[3].payload)["description"] == "Make, barrels"
    assert "a quote opened in row 2 (line 3) is not closed" in fault


@pytest.mark.parametrize(
    "following",
    [
        '3,Tailor,"Sew"',
        '3,"Tailor","Sew, and mend"',
        '"3","Tailor","Sew"',
        '3,"",Sew',
        '3,Tailor,"Sew\nand mend"',
        "3,Tailor,Sew",
    ],
)
@pytest.mark.parametrize(
    "opened", ['2,Smith,"Forge', '2,"Smith,Forge', '"2,Smith,Forge', '"2","Smith","Forge']
)
def test_no_record_is_taken_in_by_a_quote_before_it(following, opened):
    _, rows = rows_of(f'{HEADER}1,Baker,Bake\n{opened}\n{following}\n4,Cooper,"Make ""barrels"""\n')
    expected = next(csv.reader(io.StringIO(following), strict=True))
    assert expected in rows
    assert rows[0] == ["1", "Baker", "Bake"]
    assert rows[-1] == ["4", "Cooper", 'Make "barrels"']
    assert "a quote is opened and not closed" in rows


TOOK_IN = [
    # header, lines; the quote opened in the second line is closed by a stray one in the last but one
    (HEADER, '1,Baker,Bake\n2,Smith,"Forge\n3,Tailor,Sew and mend\n4,Tailor,Sew 27"\n5,Cook,Boil\n'),
    (HEADER, '1,Baker,Bake\n2,Smith,"Forge\n3,Tailor,Sew 27"\n5,Cook,Boil\n'),
    (HEADER, '2,Smith,"Forge\n3,Tailor,Sew\n4,Miller,Mill 3"\n'),
    (HEADER, '1,Baker,Bake\n2,"Smith,Forge\n3,Tailor,Sew\n4,Saw 3",Saw\n5,Cook,Boil\n'),
    (HEADER, '1,Baker,Bake\n"2,Smith,Forge\n3,Tailor,Sew\n4",Saw,Saw\n5,Cook,Boil\n'),
    (
        "title,url,text\n",
        'Baker,https://x.org/j/1,Bake\nSmith,https://x.org/j/2,"Forge\nTailor,https://x.org/j/33,Sew 3"\n',
    ),
    (
        "title,date,text\n",
        'Baker,2026-01-02,Bake\n"Smith,2026-01-02,Forge\nTailor",2026-01-02,Sew\nCook,2026-01-03,Boil\n',
    ),
]


@pytest.mark.parametrize(("header", "lines"), TOOK_IN)
@pytest.mark.parametrize("delimiter", [",", ";", "|"])
def test_a_quote_takes_in_no_record_though_the_cells_fit(header, lines, delimiter):
    _, rows = rows_of((header + lines).replace(",", delimiter))
    assert len(rows) == lines.count("\n")
    assert rows.count("a quote is opened and not closed") == 1
    assert not any("\n" in cell for row in rows if isinstance(row, list) for cell in row)


@pytest.mark.parametrize(
    "text",
    [
        "We bake,\nbread, cakes, rolls",
        "Salaries:\n1,2,3",
        "We need:\nSQL,Python,Java\nGo,Rust,C",
        "Ranges:\n3,4,5\n6,7,8",
        "Sites:\nBerlin, Tower 3, 5th floor",
        "a\nb,c",
    ],
)
@pytest.mark.parametrize("header", ["id,title,text\n", "title,company,text\n"])
def test_prose_with_delimiters_is_one_record(header, text):
    first = "1,Baker" if header.startswith("id") else "Baker,Acme"
    _, rows = rows_of(f'{header}{first},Bake\n{first},"{text}"\n{first},Bake\n')
    assert rows[1] == [*first.split(","), text]
    assert len(rows) == 3


def test_lines_may_end_with_carriage_returns_alone(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b'id,title,description\r1,Baker,"Bake\rbread"\r2,Smith,Forge\r')
    records, fault, plan = read(path)
    assert [json.loads(record.payload)["description"] for record in records] == ["Bake\nbread", "Forge"]
    assert (fault, len(plan.notes)) == ("", 1)
    assert read(path, range_bytes=10)[0] == records


def test_records_over_several_lines_are_one(tmp_path):
    text = "We bake, \r\n\nand sell\n1,2,3\nbread"
    path = tmp_path / "x.csv"
    path.write_bytes(f'{HEADER}1,Baker,"{text}"\r\n2,Smith,Forge\r\n'.encode())
    records, fault, _ = read(path)
    assert [json.loads(record.payload)["description"] for record in records] == [text, "Forge"]
    assert fault == ""


def test_quotes_that_are_not_doubled_are_characters_where_the_record_is_sure():
    _, rows = rows_of(
        HEADER + '1,Baker,"Bake "fine" bread"\n2,Smith,"Forge "old\nand new" iron"\n3,Cooper,Make\n'
    )
    assert rows == [
        ["1", "Baker", 'Bake "fine" bread'],
        ["2", "Smith", 'Forge "old\nand new" iron'],
        ["3", "Cooper", "Make"],
    ]


def test_backslashes_before_quotes_are_found_out():
    dialect, rows = rows_of(
        HEADER + '1,Baker,"The \\"best\\", fresh bread"\n2,Smith,"Iron \\""\n3,Cooper,"C:\\new"\n'
    )
    assert dialect.escape == "\\"
    assert [row[2] for row in rows] == ['The "best", fresh bread', 'Iron "', "C:\\new"]


def test_doubled_backslashes_of_pandas_are_one():
    dialect, rows = rows_of(
        HEADER + '"1","Baker","Bake ""bread""\n\\\\- fresh\n\\\\- warm"\n"2","Smith","x \\\\"\n'
    )
    assert dialect.escape == "\\"
    assert [row[2] for row in rows] == ['Bake "bread"\n\\- fresh\n\\- warm', "x \\"]


def test_single_backslashes_stay():
    dialect, rows = rows_of(HEADER + '1,Baker,"a\\nb"\n2,Smith,C:\\\\x\n')
    assert dialect.escape == ""
    assert rows == [["1", "Baker", "a\\nb"], ["2", "Smith", "C:\\\\x"]]


@pytest.mark.parametrize(
    ("data", "dialect", "row"),
    [
        ("sep=;\r\nid;title\r\n1;a, b\r\n", (";", '"', "", 1), ["1", "a, b"]),
        ("\n\nid|title\n1|a, b; c\n", ("|", '"', "", 2), ["1", "a, b; c"]),
        ('id\ttitle\n1\t"Old" nails\n2\t"b\n', ("\t", "", "", 0), ["1", '"Old" nails']),
        ('id\ttitle\n1\t"a\tb"\n', ("\t", '"', "", 0), ["1", "a\tb"]),
        ('"id","title; or name"\n1,a;b\n', (",", '"', "", 0), ["1", "a;b"]),
    ],
)
def test_the_dialect_is_found_in_the_first_lines(data, dialect, row):
    found, rows = rows_of(data)
    assert (found.delimiter, found.quote, found.escape, found.skipped) == dialect
    assert rows[0] == row


@pytest.mark.parametrize(
    ("options", "data", "row"),
    [
        (CsvOptions(delimiter="^"), "id^title\n1^a,b\n", ["1", "a,b"]),
        (CsvOptions(quote="'"), "id,title\n1,'a, \"b\"'\n", ["1", 'a, "b"']),
        (CsvOptions(quote=""), 'id,title\n1,"a\n', ["1", '"a']),
        (CsvOptions(escape=""), 'id,title\n1,"a\\"\n2,"b\\"\n', ["1", "a\\"]),
        (CsvOptions(escape="!"), 'id,title\n1,"a!", b"\n', ["1", 'a", b']),
        (CsvOptions(quote="", escape="\\"), "id,title\n1,a\\, b\n", ["1", "a, b"]),
    ],
)
def test_what_the_user_says_counts(options, data, row):
    assert rows_of(data, options)[1][0] == row


def test_the_dialect_is_said_where_it_is_not_the_usual_one(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("id;title\n1;a\n")
    assert plan_files([str(path)]).notes == [f'{path}: read as CSV with delimiter ;, quote "']
    path.write_text("id,title\n1,a\n")
    assert plan_files([str(path)]).notes == []


def test_another_reading_is_another_source(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("id,title\n1,'a'\n")
    sources = {
        plan_files([str(path)], options=ReadOptions(csv=CsvOptions(quote=quote))).files[0].source
        for quote in (None, '"', "'")
    }
    assert len(sources) >= 2


@pytest.mark.parametrize(
    "options", [CsvOptions(delimiter=""), CsvOptions(quote="''"), CsvOptions(escape="\n")]
)
def test_options_that_cannot_be_are_refused(options):
    with pytest.raises(UsageError, match="--csv-"):
        options.check()


def test_a_header_that_is_not_utf8_is_refused_with_the_remedy(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes("title,año\na,1\n".encode("cp1252"))
    with pytest.raises(SourceError, match=r"not UTF-8; convert it, e\.g\. with iconv -f cp1252 -t utf-8"):
        plan_files([str(path)])
    records, _, _ = read(path, ReadOptions(encoding="cp1252"))
    assert json.loads(records[0].payload) == {"title": "a", "año": "1"}


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\0\x85\u2028"), max_size=12)
CELLS = st.tuples(st.integers(0, 99).map(str), TEXT, TEXT)
DIALECTS = [
    {"delimiter": delimiter, "quoting": quoting, "lineterminator": end}
    for delimiter in ",;\t|"
    for quoting in (csv.QUOTE_ALL, csv.QUOTE_MINIMAL)
    for end in ("\n", "\r\n")
]


@settings(max_examples=150, deadline=None)
@given(st.lists(CELLS, min_size=1, max_size=8), st.sampled_from(DIALECTS))
def test_any_table_in_any_dialect_comes_back(rows, dialect):
    text = io.StringIO()
    csv.writer(text, **dialect).writerows([("id", "title", "description"), *rows])
    found, read_rows = rows_of(text.getvalue(), CsvOptions(escape=""))
    assert found.delimiter == dialect["delimiter"]
    assert read_rows == [list(row) for row in rows]


WORDS = st.text("abc ,é", max_size=12)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(WORDS, WORDS), min_size=2, max_size=8), st.data())
def test_with_one_damaged_line_all_other_rows_are_there(cells, data):
    rows = [[str(number), *pair] for number, pair in enumerate(cells)]
    bad = data.draw(st.integers(0, len(rows) - 1))
    kind = data.draw(st.sampled_from(["open", "cut", "more", "quote"]))
    lines = []
    for number, row in enumerate(rows):
        text = io.StringIO()
        csv.writer(text, quoting=data.draw(st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))).writerow(row)
        line = text.getvalue().rstrip("\r\n")
        if number == bad:
            line = {
                "open": f'{number},"{row[1]},{row[2]}'.replace(",é", ""),
                "cut": str(number),
                "more": line + ",x,y",
                "quote": f'{number},"a"b"c',
            }[kind]
        lines.append(line)
    _, found = rows_of(HEADER + "\n".join(lines) + "\n", CsvOptions(escape=""))
    assert len(found) == len(rows)
    assert [row for number, row in enumerate(found) if number != bad] == [
        row for number, row in enumerate(rows) if number != bad
    ]


@settings(max_examples=150, deadline=None)
@given(st.text('ab,"\\\n', max_size=60), st.integers(1, 30))
def test_every_line_is_in_exactly_one_record_however_ranges_are_cut(tmp_path_factory, body, range_bytes):
    path = tmp_path_factory.mktemp("csv") / "x.csv"
    path.write_bytes(("id,title\n" + body).encode())
    whole, _, _ = read(path)
    parts, _, _ = read(path, range_bytes=range_bytes)
    assert parts == whole
    assert [record.offset for record in whole] == list(range(len(whole)))
