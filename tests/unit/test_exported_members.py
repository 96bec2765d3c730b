"""What can be imported is what is declared: nothing leaks, nothing is forgotten."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import skillstream

IMPORTS_BEAM = re.compile(r"^\s*(import|from) apache_beam", re.MULTILINE)
PUBLIC = ["skillstream", "skillstream.transforms"]


@pytest.mark.parametrize("module", PUBLIC)
def test_every_declared_name_exists(module):
    imported = importlib.import_module(module)
    for name in imported.__all__:
        assert getattr(imported, name) is not None


def test_dir_shows_the_public_names_only():
    assert dir(skillstream) == sorted(skillstream.__all__)


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Taggr'"):
        skillstream.Taggr  # noqa: B018


def test_importing_skillstream_loads_nothing_heavy():
    code = (
        "import skillstream, skillstream.cli, sys; "
        "print([m for m in ('torch', 'apache_beam', 'openvino') if m in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "[]\n"
    )


def test_the_core_imports_no_beam():
    """Import-linter checks the same; this one names the file."""
    folder = Path(skillstream.__file__).parent
    core = [
        path
        for path in folder.rglob("*.py")
        if not {"pipelines", "transforms"} & set(path.relative_to(folder).parts)
    ]
    assert len(core) > 20
    assert [path.name for path in core if IMPORTS_BEAM.search(path.read_text("utf-8"))] == []
