"""Every kind of file a taxonomy comes in, and what is said of those that are none."""

import csv
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skillstream.errors import TaxonomyError
from skillstream.taxonomy.load import load_taxonomy
from skillstream.taxonomy.skills import Skill

ROOT = "http://data.europa.eu/esco/"


@pytest.fixture
def esco_download(tmp_path):
    """The shape of ESCO's official CSV download, in small."""
    (tmp_path / "skills_en.csv").write_text(
        "conceptType,conceptUri,skillType,reuseLevel,preferredLabel,altLabels,hiddenLabels,status\n"
        f"KnowledgeSkillCompetence,{ROOT}skill/1,skill/competence,cross-sector,weld pipes,"
        '"pipe welding\nwelding pipes",,released\n'
        f"KnowledgeSkillCompetence,{ROOT}skill/2,knowledge,cross-sector,metallurgy ,,,released\n"
        f"KnowledgeSkillCompetence,{ROOT}skill/3,knowledge,cross-sector,gone,,,obsolete\n",
        "utf-8",
    )
    (tmp_path / "broaderRelationsSkillPillar_en.csv").write_text(
        "conceptType,conceptUri,broaderType,broaderUri\n"
        f"KnowledgeSkillCompetence,{ROOT}skill/1,KnowledgeSkillCompetence,{ROOT}skill/2\n"
        f"KnowledgeSkillCompetence,{ROOT}skill/1,SkillGroup,{ROOT}skill/S7.1\n"
        f"SkillGroup,{ROOT}skill/S7.1,SkillGroup,{ROOT}skill/S7\n"
        f"KnowledgeSkillCompetence,{ROOT}skill/2,SkillGroup,{ROOT}isced/07\n",
        "utf-8",
    )
    (tmp_path / "skillGroups_en.csv").write_text(
        f"conceptType,conceptUri,preferredLabel\nSkillGroup,{ROOT}skill/S7.1,joining metal\n"
        f"SkillGroup,{ROOT}isced/07,engineering\n",
        "utf-8",
    )
    (tmp_path / "skillsHierarchy_en.csv").write_text(
        "Level 0 URI,Level 0 preferred term,Level 1 URI,Level 1 preferred term\n"
        f"{ROOT}skill/S,skills,{ROOT}skill/S7,constructing\n",
        "utf-8",
    )
    return tmp_path


@pytest.mark.parametrize("name", ["", "skills_en.csv"])
def test_esco_download(esco_download, name):
    taxonomy = load_taxonomy(str(esco_download / name))
    assert taxonomy.name == "esco"
    weld, metallurgy = taxonomy.skills
    assert weld == Skill(
        f"{ROOT}skill/1",
        "weld pipes",
        ["pipe welding", "welding pipes"],
        ["joining metal", "engineering", "constructing"],
        "skill",
    )
    assert (metallurgy.label, metallurgy.groups, metallurgy.kind) == (
        "metallurgy",
        ["engineering"],
        "knowledge",
    )


def test_esco_download_without_group_files(esco_download):
    for path in (
        esco_download.glob("*illGroups*"),
        esco_download.glob("*elations*"),
        esco_download.glob("*ierarchy*"),
    ):
        for file in path:
            file.unlink()
    assert [skill.groups for skill in load_taxonomy(str(esco_download)).skills] == [[], []]


def test_esco_download_in_another_language(esco_download):
    (esco_download / "skills_en.csv").rename(esco_download / "skills_de.csv")
    assert load_taxonomy(str(esco_download)).name == "esco-de"
    (esco_download / "skills_fr.csv").write_text("conceptUri,preferredLabel\n1,souder\n", "utf-8")
    with pytest.raises(TaxonomyError, match=r"several languages \(skills_de.csv, skills_fr.csv\)"):
        load_taxonomy(str(esco_download))


def test_esco_with_hierarchy_codes(tmp_path):
    (tmp_path / "esco_skills.csv").write_text(
        "uri,preferred_label,alt_labels,description,kind,hierarchy\n"
        "u/1,weld pipes,pipe welding|welding,not taken,skill,"
        "\"[['S', 'S7', 'S7.1', None], ['S', 'S6', 'S6.2', 'S6.2.1']]\"\n"
        "u/2,metallurgy,,,knowledge,\n",
        "utf-8",
    )
    (tmp_path / "esco_skill_groups.csv").write_text(
        "code,label,level\nS7.1,joining,level_2\nS6.2,moving,level_2\nS6.2.1,lifting,level_3\n", "utf-8"
    )
    weld, metallurgy = load_taxonomy(str(tmp_path)).skills
    assert weld.alt_labels == ["pipe welding", "welding"]
    assert weld.groups == ["lifting", "joining", "moving", "constructing", "handling and moving"]
    assert metallurgy.groups == []


def test_onet(tmp_path):
    (tmp_path / "Technology Skills.txt").write_text(
        "O*NET-SOC Code\tExample\tCommodity Code\tCommodity Title\tHot Technology\n"
        '11\tSaw "3000"\t1\tCutting software\tN\n12\tSaw "3000"\t2\tPlanning software\tY\n'
        "12\tEnterprise resource planning ERP software\t3\tERP\tN\n",
        "utf-8",
    )
    (tmp_path / "DWA Reference.txt").write_text(
        "Element ID\tIWA ID\tDWA ID\tDWA Title\n4.A\t4.A.1\t4.A.1.I01.D01\tSaw wooden boards.\n", "utf-8"
    )
    (tmp_path / "Read Me.txt").write_text("O*NET 29.2 Database\nFebruary", "utf-8")
    taxonomy = load_taxonomy(str(tmp_path))
    assert (taxonomy.name, taxonomy.version, taxonomy.merged) == ("onet", "29.2", 1)
    saw, erp, boards = taxonomy.skills
    assert saw == Skill(
        "onet:technology/Saw%20%223000%22",
        'Saw "3000"',
        [],
        ["Cutting software", "Planning software"],
        "technology",
    )
    assert erp.alt_labels == ["Enterprise resource planning ERP", "Enterprise resource planning", "ERP"]
    assert boards == Skill("onet:dwa/4.A.1.I01.D01", "Saw wooden boards", [], [], "activity")


EXPECTED = [
    Skill("7", "weld pipes", ["pipe welding", "welding"], ["metal"], "skill"),
    Skill("8", "read plans", [], [], "skill"),
]


def test_csv_and_tsv(tmp_path):
    text = (
        "Skill-ID,Preferred Label,Aliases,Category,Type\n"
        '7,weld pipes,"pipe welding|welding",metal,skill\n8,read plans,,,skill\n'
    )
    (tmp_path / "own.csv").write_text(text, "utf-8-sig")
    (tmp_path / "own.tsv").write_text(text.replace(",", "\t").replace('"', ""), "utf-8")
    for name in ("own.csv", "own.tsv"):
        taxonomy = load_taxonomy(str(tmp_path / name))
        assert (taxonomy.name, taxonomy.skills) == ("own", EXPECTED)
        assert taxonomy.version == taxonomy.fingerprint[:8]


def test_parquet_and_jsonl(tmp_path):
    rows = [
        {
            "id": 7,
            "label": "weld pipes",
            "alt_labels": ["pipe welding", "welding"],
            "group": "metal",
            "kind": "skill",
        },
        {"id": 8, "label": "read plans", "alt_labels": None, "group": None, "kind": "skill"},
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "own.parquet")
    (tmp_path / "own.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    for name in ("own.parquet", "own.jsonl"):
        assert load_taxonomy(str(tmp_path / name)).skills == EXPECTED


def test_numbers_and_gaps_of_pandas(tmp_path):
    pq.write_table(
        pa.table({"id": [7.0, 8.0], "label": ["weld", "bake"], "alt": ["a", None]}), tmp_path / "own.parquet"
    )
    assert [skill.uri for skill in load_taxonomy(str(tmp_path / "own.parquet")).skills] == ["7", "8"]
    (tmp_path / "own.csv").write_text("id,label,aliases\n7,weld,nan\n8,nan,a\n", "utf-8")
    taxonomy = load_taxonomy(str(tmp_path / "own.csv"))
    assert [(skill.uri, skill.alt_labels) for skill in taxonomy.skills] == [("7", [])]
    assert taxonomy.skipped == 1


def test_a_list_of_objects(tmp_path):
    (tmp_path / "own.json").write_text('[{"id": 1, "label": "weld"}]', "utf-8")
    assert [skill.label for skill in load_taxonomy(str(tmp_path / "own.json")).skills] == ["weld"]
    (tmp_path / "own.json").write_text('{"id": 1, "label": "weld"}', "utf-8")
    with pytest.raises(TaxonomyError, match="expected a list of JSON objects"):
        load_taxonomy(str(tmp_path / "own.json"))


def test_a_column_called_uri_wins_over_id(tmp_path):
    (tmp_path / "own.csv").write_text("id,uri,name\n1,u/1,welding\n", "utf-8")
    assert load_taxonomy(str(tmp_path / "own.csv")).skills[0].uri == "u/1"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"number,words\n1,x\n", r"expected an id column \(uri, id, .*found number, words"),
        ("a.csv", b"", "found no columns"),
        ("a.csv", b"id,label\n1,\xff\xfe\n", r"line 2 is not UTF-8; convert the file, e\.g\. with iconv"),
        ("a.csv", "id,label\n1,Küchenhilfe\n".encode("cp1252"), "line 2 is not UTF-8"),
        ("a.csv", b"\n\n\n", "got blank lines"),
        ("a.jsonl", b'{"id": 1, "label": "x"}\n[1]\n', "line 2 is no JSON object"),
        ("a.jsonl", b'{"id": 1, "label"\n', "line 1 is no JSON object"),
        ("a.parquet", b"not parquet", "cannot be read"),
        ("a.xlsx", b"", r"expected a \.csv, .* file, found \.xlsx"),
        ("skills_en.csv", b"conceptUri,label\nx,y\n", "missing preferredLabel, found conceptUri, label"),
    ],
)
def test_what_is_no_taxonomy_is_told_in_one_line(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TaxonomyError, match=message) as error:
        load_taxonomy(str(tmp_path / name))
    assert "\n" not in str(error.value)


def test_folder_of_nothing_we_know(tmp_path):
    with pytest.raises(TaxonomyError, match=r"expected skills_<language>\.csv"):
        load_taxonomy(str(tmp_path))


def test_ragged_rows_keep_what_they_have(tmp_path):
    (tmp_path / "own.csv").write_text("id,label,aliases\n1,welding\n2,reading,a|b,over,hang\n", "utf-8")
    assert [skill.alt_labels for skill in load_taxonomy(str(tmp_path / "own.csv")).skills] == [[], ["a", "b"]]


@pytest.mark.parametrize("delimiter", [";", "|", "\t", ","])
def test_the_delimiter_is_found_in_the_header(tmp_path, delimiter):
    rows = [["id", "label", "aliases"], ["1", "weld pipes", "welding"], ["2", "bake", ""]]
    (tmp_path / "own.csv").write_text("\n".join(delimiter.join(row) for row in rows), "utf-8")
    skills = load_taxonomy(str(tmp_path / "own.csv")).skills
    assert [(skill.uri, skill.label, skill.alt_labels) for skill in skills] == [
        ("1", "weld pipes", ["welding"]),
        ("2", "bake", []),
    ]


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ("a|b c", ["a", "b c"]),
        ("a\nb", ["a", "b"]),
        ("a; b", ["a", "b"]),
        ("['a', 'b c']", ["a", "b c"]),
        ('["a", "b\'s"]', ["a", "b's"]),
        ("['a' 'b']", ["a", "b"]),
        ("['it\\'s']", ["it's"]),
        ("[a, b]", ["a", "b"]),
        ("[]", []),
        ('{a,"b c"}', ["a", "b c"]),
        ("{}", []),
        ("array(['a', 'b c'], dtype=object)", ["a", "b c"]),
        ('["a", "b c"]', ["a", "b c"]),
        ("nan", []),
        ("C, C++", ["C, C++"]),
        ("a (b)", ["a (b)"]),
        (
            "|".join(f"name {number}" for number in range(20_000)),
            [f"name {number}" for number in range(20_000)],
        ),
    ],
)
def test_lists_of_names_in_the_forms_people_write(tmp_path, cell, names):
    with (tmp_path / "own.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["id", "label", "alt_labels"], ["1", "weld", cell]])
    assert load_taxonomy(str(tmp_path / "own.csv")).skills[0].alt_labels == names


def test_a_quote_that_is_not_closed_is_refused_with_its_line(tmp_path):
    (tmp_path / "own.csv").write_text('id,label\n1,weld\n2,"bake\n3,"sew"\n', "utf-8")
    with pytest.raises(TaxonomyError, match="the row in line 3 is damaged: a quote is opened and not closed"):
        load_taxonomy(str(tmp_path / "own.csv"))


@pytest.mark.parametrize(
    ("name", "content", "skills"),
    [
        (
            "a.csv",
            'id,label,aliases\n1,"The \\"best\\", bread",x\n2,"C \\"plus\\"",\n',
            ['The "best", bread', 'C "plus"'],
        ),
        ("a.csv", "\n\nid,label\n1,bake\n\n2,weld\n", ["bake", "weld"]),
        ("a.csv", "sep=;\nid;label\n1;a, b\n", ["a, b"]),
        (
            "a.csv",
            'id,label\n1,bake "fine" bread\n2,"bake "fine" bread, and sell"\n',
            ['bake "fine" bread', 'bake "fine" bread, and sell'],
        ),
        ("a.tsv", 'id\tlabel\n1\t"bake\tsell"\n', ["bake sell"]),
        ("a.tsv", 'id\tlabel\n1\t"Old" nails\n2\tsaw 3"\n', ['"Old" nails', 'saw 3"']),
        ("a.csv", "id,label,label\n1,,bake\n2,weld,join\n", ["bake", "weld"]),
        ("a.csv", "id,label\r1,bake\r2,weld\r", ["bake", "weld"]),
    ],
)
def test_tables_are_read_in_the_dialects_of_postings(tmp_path, name, content, skills):
    (tmp_path / name).write_bytes(content.encode())
    assert [skill.label for skill in load_taxonomy(str(tmp_path / name)).skills] == skills


def test_no_quote_takes_in_the_rows_behind_it(tmp_path):
    """The cell count fits all the same: the quote opened in line 3 is closed in line 5."""
    (tmp_path / "own.csv").write_text(
        'id,label,kind\n1,weld,x\n2,"bake,x\n3,sew,x\n4,"saw",x\n5,mow,x\n', "utf-8"
    )
    with pytest.raises(TaxonomyError, match="the row in line 3 is damaged: a quote is opened and not closed"):
        load_taxonomy(str(tmp_path / "own.csv"))


def test_cells_beyond_the_last_column_are_told(tmp_path, caplog):
    (tmp_path / "own.csv").write_text("id,label\n1,weld,,\n2,plan, build, run\n", "utf-8")
    load_taxonomy(str(tmp_path / "own.csv"))
    assert "1 rows have more cells than the header, the first one in line 3" in caplog.text


def test_an_id_that_comes_twice_is_said(tmp_path, caplog):
    (tmp_path / "own.csv").write_text("id,label\n1,weld\n1,join metal\n2,bake\n", "utf-8")
    skills = load_taxonomy(str(tmp_path / "own.csv")).skills
    assert [(skill.label, skill.alt_labels) for skill in skills] == [("weld", ["join metal"]), ("bake", [])]
    assert "an id may not come twice: '1' (2 rows)" in caplog.text
