"""docs/exactly-once.md promises with tests: every one that it names is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "exactly-once.md").read_text()


def test_every_test_named_on_the_page_exists():
    sources = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    defined = set(re.findall(r"def (test_\w+)", sources))
    named = set(re.findall(r"(test_\w+)(?!\w*\.py)\b(?!\.py)", PAGE))
    assert len(named) > 10
    assert [name for name in named if not any(test.startswith(name) for test in defined)] == []


def test_every_file_named_on_the_page_exists():
    named = set(re.findall(r"tests/[\w/]+/test_\w+\.py", PAGE))
    assert len(named) > 5
    assert [path for path in named if not (ROOT / path).is_file()] == []


def promises() -> list[tuple[str, str]]:
    """Rows of the tables that end with a test: what is promised, and the cell that names its tests."""
    rows: list[tuple[str, str]] = []
    in_table = False
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            in_table = False
        elif cells[-1] == "test":
            in_table = True
        elif in_table and set(cells[-1]) - set("-: "):
            rows.append((cells[0], cells[-1]))
    return rows


@pytest.mark.parametrize(("promise", "tests"), promises())
def test_each_promise_names_a_test_that_is_where_it_says(promise, tests):
    """A name without a file is of the file before it in its cell, else of the chain's own tests."""
    place = "tests/unit/output/test_chain.py"
    named = re.findall(r"(tests/[\w/]+\.py)?(?:::)?(test_\w+)?", tests)
    found = 0
    for file, test in named:
        place = file or place
        if file and not test:  # the whole file
            found += "def test_" in (ROOT / file).read_text()
        if test:
            assert f"def {test}" in (ROOT / place).read_text(), f"{promise}: no {test} in {place}"
            found += 1
    assert found, promise


def test_the_protocol_is_told_in_the_same_words_in_page_and_code():
    code = (ROOT / "src" / "skillstream" / "output" / "chain.py").read_text()
    docstring = code[code.index("def publish") : code.index("self._check(start")]
    for text in (PAGE, docstring):
        assert len(re.findall(r"^ *\d\. ", text, re.MULTILINE)) == 6
    for step in ("Walk to the head h", "already published, drop it", "never publish over a hole",
                 "keep [h, end)", "Lost the race: go to 1"):  # fmt: skip
        assert step in PAGE
        assert step in docstring
        assert step in code[code.index("# Step 1") :]
