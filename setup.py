"""Packages live in three places of the repository but import as one; see pyproject.toml for the rest.

Dataflow also takes this file as `--setup_file`.
"""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages("src"), "skillstream.pipelines", "skillstream.transforms"],
    package_dir={
        "": "src",
        "skillstream.pipelines": "pipelines",
        "skillstream.transforms": "transforms",
    },
)
