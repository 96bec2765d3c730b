"""The docs say what is: generated pages are current, links lead somewhere, README snippets run."""

import importlib.util
import re
from pathlib import Path

import pytest

from skillstream import FilesConfig
from skillstream.pipelines import tag_files
from skillstream.postings.sections import Section
from skillstream.rejections import RejectionCode
from skillstream.rows import ROW_SCHEMA
from tests.data import make_jsonl

ROOT = Path(__file__).parents[2]
FOLDERS = [ROOT / "docs", ROOT / "deploy"]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(p for f in FOLDERS for p in f.rglob("*.md"))])


def update_docs():
    spec = importlib.util.spec_from_file_location("update_docs", ROOT / "scripts" / "update_docs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "name", ["how-to/inspect.md", "reference/cli.md", "reference/feeds.md", "reference/schema.md"]
)
def test_generated_pages_are_current(name):
    expected = update_docs().PAGES[name]()
    assert (ROOT / "docs" / name).read_text("utf-8") == expected, "run scripts/update_docs.py"


def test_every_column_section_and_error_code_has_a_meaning():
    page = (ROOT / "docs" / "reference" / "schema.md").read_text("utf-8")
    meanings = dict(re.findall(r"^\| `([^`]+)` \|.* (\S.*\S) \|$", page, re.MULTILINE))
    names = {*Section, *RejectionCode}
    for column in ROW_SCHEMA:
        names.add(column.name)
        nested = getattr(column.type, "value_type", column.type)
        dots = "[]." if nested is not column.type else "."
        names |= {f"{column.name}{dots}{nested.field(i).name}" for i in range(nested.num_fields)}
    assert {*meanings} == names
    assert all(meaning.strip() for meaning in meanings.values())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8")):
        if not target.startswith(("http:", "https:", "mailto:")):
            assert (page.parent / target).exists(), target


def python_blocks():
    text = (ROOT / "README.md").read_text("utf-8")
    return re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)


@pytest.fixture
def demo_output(tmp_path, monkeypatch, hash_model, index_folder):
    """What the README's snippets read: an output called demo-output in the working folder."""
    (tmp_path / "a.jsonl").write_bytes(make_jsonl(20) + b"broken\n")
    config = FilesConfig(output=str(tmp_path / "demo-output"), index=str(index_folder))
    tag_files.run(config, [str(tmp_path / "a.jsonl")])
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("block", python_blocks(), ids=lambda block: block.splitlines()[0][:40])
@pytest.mark.usefixtures("demo_output")
def test_readme_snippets_run(block, monkeypatch, encoder, index_folder):
    from skillstream import Tagger
    from skillstream.index.skills_index import load_index

    monkeypatch.setattr(Tagger, "load", classmethod(lambda cls, **_: cls(encoder, load_index(index_folder))))
    exec(compile(block, "README.md", "exec"), {})


def test_readme_reads_the_output_with_three_libraries():
    text = "".join(python_blocks())
    for library in ("duckdb", "polars", "pandas"):
        assert f"import {library}" in text
