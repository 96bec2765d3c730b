"""Names that are ordinary words: meant as names, or not, by what stands beside them."""

import pytest

from skillstream.ranking.exact import ExactMatcher
from skillstream.taxonomy import load_taxonomy


@pytest.fixture(scope="module")
def find():
    skills = load_taxonomy("technologies").skills
    matcher = ExactMatcher(skills)

    def found(sentence, least=0.5):
        return {skills[match.skill].label for match in matcher.find(sentence) if match.context >= least}

    return found


@pytest.mark.parametrize(
    ("sentence", "labels"),
    [
        ("Advanced Excel and PowerPoint", {"Microsoft Excel", "Microsoft PowerPoint"}),
        ("good knowledge of word, excel and powerpoint", {"Microsoft Word", "Microsoft Excel"}),
        ("proficient in excel", {"Microsoft Excel"}),
        ("Word, Excel, Access and Outlook", {"Microsoft Word", "Microsoft Access", "Microsoft Outlook"}),
        ("You write services in Go or Rust.", {"Go", "Rust"}),
        ("Go/Python backend", {"Go", "Python"}),
        ("Statistical work using R", {"R"}),
        ("C/C++ for embedded targets", {"C", "C++"}),
        ("Pipelines run on Spark and Airflow", {"Apache Spark", "Apache Airflow"}),
        ("front end in React, back end in Spring Boot", {"React", "Spring Boot"}),
        ("frameworks: STRUTS, HIBERNATE, SPRING", {"Apache Struts", "Hibernate", "Spring"}),
        ("tickets in JIRA", {"Jira"}),
        ("configuration management with Puppet, Chef or Salt", {"Puppet", "Chef", "SaltStack"}),
        ("3D models in Blender or Maya software", {"Blender", "Autodesk Maya"}),
        ("AWS services such as EC2, Lambda and S3", {"Amazon EC2", "AWS Lambda", "Amazon S3"}),
        ("Our clinic charts in Epic, Cerner or Meditech", {"Epic", "Cerner", "MEDITECH"}),
        ("bookkeeping in Sage or QuickBooks", {"Sage", "Intuit QuickBooks"}),
        ("chat in Microsoft Teams or Slack", {"Microsoft Teams", "Slack"}),
        ("k8s, Postgres and nodejs", {"Kubernetes", "PostgreSQL", "Node.js"}),
        ("CPA, CFA or PMP preferred", {"Certified Public Accountant", "Project Management Professional"}),
    ],
)
def test_meant(find, sentence, labels):
    assert labels <= find(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "You excel at what you do",
        "Excel in your career with us",
        "EXCEL AT WHAT YOU DO AND GROW",
        "Go the extra mile",
        "systems that go live in May",
        "Access to a company car",
        "data access and physical access control",
        "our Teams grow together",
        "word of mouth",
        "In other words, we trust you",
        "You report to the Executive Chef",
        "Sous Chef wanted",
        "we start in spring 2027",
        "Spring 2027 internship",
        "R&D budgets, R & D staff",
        "A/C repair",
        "a Class C licence",
        "vitamin C and hepatitis C",
        "C-level contacts",
        "We move to New Jersey",
        "impact and reach of our work",
        "rust removal and rust protection",
        "you spark interest and react quickly",
        "safe work, less stress",
        "a slack season",
        "a square metre of office space",
        "the hive of activity",
        "maintenance and upkeep of pumps",
        "snow clearing, spice racks, automatic doors",
        "Powered by JazzHR",
        "FLSA status: exempt",
        "an epic journey with a sage adviser",
    ],
)
def test_not_meant(find, sentence):
    assert find(sentence) == set()


def test_doubtful_at_the_start_of_a_line(find):
    assert find("Airflow for orchestration") == set()
    assert find("Airflow for orchestration", least=0.01) == {"Apache Airflow"}


def test_generic_software_is_no_product(find):
    assert find("analytical skills, timelines, human resources and e-mail") == set()


def test_unmistakable_names_need_no_context(find):
    assert find("pytorch") == {"PyTorch"}
