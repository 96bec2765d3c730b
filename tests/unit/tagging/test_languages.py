"""Postings in languages that the model does not serve: technologies by name, and no nonsense."""

import pytest

from skillstream import TagConfig, Tagger
from skillstream.errors import UsageError
from skillstream.index.skills_index import build_index
from skillstream.taxonomy.skills import Skill, Taxonomy
from skillstream.testing import HashEncoder

GERMAN = {
    "title": "Koch",
    "description": "Wir suchen eine Köchin, die Suppen kocht und Gäste bedient.\n"
    "Kunst und Art der Küche.\nKenntnisse in Tableau.",
}
ENCODER = HashEncoder()
INDEX = build_index(
    Taxonomy(
        "test",
        "1",
        [
            Skill("s:art", "art"),
            Skill("s:cook", "Suppen kochen"),
            Skill("t:tableau", "Tableau", kind="product"),
        ],
    ),
    ENCODER,
)


def labels(posting=GERMAN, **options):
    return {
        tag.label for tag in Tagger(ENCODER, INDEX, TagConfig(min_confidence=0.01, **options)).tag(posting)
    }


def test_the_built_in_model_serves_english():
    assert labels() == {"Tableau"}
    assert "art" in labels({"title": "Artist", "description": "You teach art to the children of our school."})


def test_others_serve_what_is_said():
    assert {"Suppen kochen", "Tableau"} <= labels(languages="de,en")
    assert {"Suppen kochen", "Tableau"} <= labels(model="./another")
    assert labels(model="./another", languages="fr") == {"Tableau"}


def test_wrong_codes_are_refused():
    with pytest.raises(UsageError, match="--languages must be codes"):
        TagConfig(languages="English")
