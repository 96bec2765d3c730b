"""Postings and skills made up for the tests, by one function each."""

from __future__ import annotations

import json
import random

SKILLS: list[tuple[str, list[str]]] = [
    ("Python", []),
    ("SQL", ["structured query language"]),
    ("Apache Kafka", []),
    ("manage budgets", ["budget management", "managing budgets"]),
    ("communicate with customers", ["customer communication"]),
    ("drive vehicles", ["driving vehicles"]),
    ("cook pastry products", ["prepare pastry"]),
    ("weld metal", ["metal welding"]),
    ("nursing science", ["nursing"]),
    ("teach mathematics", ["mathematics teaching"]),
    ("plan logistics", ["logistics planning"]),
    ("repair electrical equipment", []),
]

SENTENCES = [
    "You write Python and SQL every day.",
    "Experience with Apache Kafka is a plus.",
    "You are able to manage budgets of several teams.",
    "Daily customer communication in English.",
    "A licence to drive vehicles up to 7.5 tonnes.",
    "You prepare pastry and cook for eighty guests.",
    "Metal welding certificate required.",
    "Completed training in nursing.",
    "We offer a pension plan and free coffee.",
    "Our company was founded by two friends in a garage.",
]


def make_posting(number: int, seed: int = 0) -> dict[str, str]:
    """One invented posting; the same for the same number and seed."""
    chosen = random.Random(seed * 1_000_003 + number).sample(SENTENCES, 4)
    return {"id": f"t{number}", "title": f"Position {number}", "description": "\n".join(chosen)}


def make_jsonl(count: int, seed: int = 0) -> bytes:
    """`count` postings as JSON lines."""
    return b"".join(json.dumps(make_posting(number, seed)).encode() + b"\n" for number in range(count))
