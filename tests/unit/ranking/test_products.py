"""Products among other skills: found by name only, one tag with all ids, never by likeness."""

import pytest

from skillstream.index.skills_index import build_index
from skillstream.postings.sentences import Document, Sentence
from skillstream.ranking.heads import neutral_heads
from skillstream.ranking.ranker import Ranker, RankingOptions
from skillstream.taxonomy.skills import Skill, Taxonomy
from skillstream.testing import HashEncoder

SKILLS = [
    Skill("p:docker", "Docker", [], ["containers"], "product"),
    Skill("p:perl", "Perl", [], [], "product"),
    Skill("p:ecs", "Amazon ECS", [], [], "product"),
    Skill("p:ec2", "Amazon EC2", [], [], "product"),
    Skill("p:airflow", "Apache Airflow", ["Airflow"], [], "product", [], ["Airflow"]),
    Skill("p:go", "Go", ["Golang"], [], "product", [], [], ["Go"]),
    Skill("s:dock", "dock operations", ["harbour work"]),
    Skill("s:python", "Python (programming)", ["Python"], [], "knowledge", ["p:python"]),
]
ENCODER = HashEncoder()
INDEX = build_index(Taxonomy("test", "1", SKILLS), ENCODER)
RANKER = Ranker(INDEX, neutral_heads(), RankingOptions(min_confidence=0.01))


def tags(*lines):
    sentences, text = [], ""
    for line in lines:
        sentences.append(Sentence(line, len(text), len(text) + len(line), "requirements"))
        text += line + "\n"
    texts = [sentence.text for sentence in sentences]
    matches = RANKER.match_sentences(texts, ENCODER.encode_tokens(texts))
    return {tag.uri: tag for tag in RANKER.rank_document(Document(text, sentences, "en"), matches)}


def test_products_stand_behind_what_is_searched():
    assert [skill.uri for skill in INDEX.skills[: INDEX.searched]] == ["s:dock", "s:python"]
    near, _ = INDEX.search(ENCODER.encode(["Docker"]), 10)
    assert near.shape == (1, 2)


def test_an_index_of_products_alone_finds_nothing_by_meaning():
    alone = build_index(Taxonomy("test", "1", SKILLS[:2]), ENCODER)
    ids, scores = alone.search(ENCODER.encode(["Docker", "Perl"]), 10)
    assert ids.shape == scores.shape == (2, 0)


def test_a_product_is_found_by_its_name():
    tag = tags("You run Docker in production")["p:docker"]
    assert (tag.words, tag.groups, tag.uris) == ("Docker", ["containers"], ["p:docker"])
    assert tag.confidence > 0.9


@pytest.mark.parametrize("sentence", ["Perks and benefits for you", "We pearl and dock all day"])
def test_a_product_is_not_found_by_likeness(sentence):
    assert not {"p:perl", "p:docker"} & tags(sentence).keys()


def test_a_name_does_not_prove_what_is_spelled_alike():
    assert "s:dock" not in tags("You run Docker in production")


def test_what_two_taxonomies_have_is_one_tag_with_both_ids():
    assert tags("Python is a must")["s:python"].uris == ["s:python", "p:python"]


def test_products_that_are_alike_both_stay():
    assert {"p:ecs", "p:ec2"} <= tags("You know Amazon ECS", "You know Amazon EC2").keys()


def test_a_doubtful_name_counts_in_the_company_of_others():
    assert "p:airflow" not in tags("Airflow for orchestration")
    company = tags("Airflow for orchestration", "Docker and Perl", "Amazon EC2")
    assert company["p:airflow"].confidence < company["p:docker"].confidence
