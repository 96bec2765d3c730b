"""JSON arrays and values one after another: damage to one record stays with it."""

import json
import random

import pytest

from skillstream.sources.files.decode import SourceReadError
from skillstream.sources.files.json_lists import split_list_elements
from skillstream.sources.files.json_values import split_values


def record(number):
    return {
        "id": number,
        "title": f"Cook {number}",
        "places": [{"id": 1, "name": "A"}, {"id": 2, "name": "B"}],
        "description": 'You say "yes, chef" {and} [cook].',
    }


def values(data, block=7, path=None):
    blocks = (data[at : at + block] for at in range(0, len(data), block))
    found, fault = [], None
    try:
        for piece in split_values(blocks) if path is None else split_list_elements(blocks, path):
            found.append(piece.data)
    except SourceReadError as error:
        fault = str(error)
    return found, fault


def ids(found):
    good = []
    for data in found:
        try:
            good.append(json.loads(data)["id"])
        except (ValueError, TypeError, KeyError, RecursionError):
            continue
    return good


DAMAGE = {
    "a quote that is not escaped": ('"Cook 3"', '"Cook 3" pan"'),
    "a quote that is missing at the end": ('"Cook 3"', '"Cook 3'),
    "a quote that is missing at the beginning": ('"Cook 3"', 'Cook 3"'),
    "a backslash before the closing quote": ('"Cook 3"', '"Cook 3\\"'),
    "a brace that is missing": ('"places": [{', '"places": ['),
    "a bracket that is missing": ('"places": [', '"places": '),
    "a brace too many": ('"title"', '}"title"'),
    "a bracket too many": ('"title"', ']"title"'),
    "a key without a quote": ('"title": "Cook 3"', 'title": "Cook 3"'),
    "brackets deeper than any reader goes": ('"title": ', '"title": ' + "[" * 20_000),
    "the record is cut off": ('"description"', '"descr'),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("form", ["array", "pretty array", "lines over several", "list in an object"])
@pytest.mark.parametrize("broken", [0, 3, 6, 7])
def test_damage_stays_with_its_record(damage, form, broken):
    before, after = (part.replace("3", str(broken)) for part in DAMAGE[damage])
    texts = [json.dumps(record(number)) for number in range(8)]
    if form == "pretty array":
        texts = [text.replace(', "', ',\n  "') for text in texts]
    assert before in texts[broken]
    damaged = texts[broken].replace(before, after)
    if damage == "the record is cut off":
        damaged = damaged[: damaged.index(after) + len(after)]
    texts[broken] = damaged
    data = {
        "array": "[" + ", ".join(texts) + "]",
        "pretty array": "[\n" + ",\n".join(texts) + "\n]",
        "lines over several": "\n".join(texts),
        "list in an object": '{"total": 8, "jobs": [' + ",".join(texts) + '], "next": null}',
    }[form]
    for block in (5, 1 << 20):
        found, _ = values(data.encode(), block, "jobs" if form == "list in an object" else None)
        assert [number for number in ids(found) if number != broken] == [
            number for number in range(8) if number != broken
        ]
        assert len(found) == 8


def test_long_damage_does_not_swallow_the_rest_of_a_large_file():
    texts = [json.dumps(record(number) | {"description": "x" * 20_000}) for number in range(400)]
    texts[5] = texts[5].replace('"Cook 5"', '"Cook 5')
    found, fault = values(("[" + ",".join(texts) + "]").encode(), 1 << 20)
    assert ids(found) == [number for number in range(400) if number != 5]
    assert (len(found), fault) == (400, None)


def test_deep_damage_does_not_swallow_the_rest_of_a_large_file():
    texts = [json.dumps(record(number) | {"description": "x" * 20_000}) for number in range(400)]
    texts[5] = texts[5].replace('"title": ', '"title": ' + "[" * 20_000)
    found, fault = values(("[" + ",".join(texts) + "]").encode(), 1 << 20)
    assert ids(found) == [number for number in range(400) if number != 5]
    assert (len(found), fault) == (400, None)


def test_a_deep_record_that_is_whole_is_given_whole():
    deep = json.dumps(record(1))[:-1] + ', "deep": ' + "[" * 20_000 + "]" * 20_000 + "}"
    texts = [json.dumps(record(0)), deep, json.dumps(record(2))]
    for block in (1000, 1 << 20):
        found, fault = values(("[" + ",".join(texts) + "]").encode(), block)
        assert (found, fault) == ([text.encode() for text in texts], None)


def test_a_large_record_that_is_whole_is_given_whole():
    texts = [json.dumps(record(number) | {"description": "x" * 3_000_000}) for number in range(3)]
    found, fault = values(("[" + ",".join(texts) + "]").encode(), 1 << 20)
    assert ([len(data) for data in found], fault) == ([len(text) for text in texts], None)


def test_what_is_no_structure_is_no_damage():
    texts = [
        '{"id": 1, "title": "Cook\nand bake"}',
        '{"id": 1e999, "x": [{"id": 2}, {"id": 3}]}',
        '{"id": 3}',
    ]
    found, fault = values(("[" + ",".join(texts) + "]").encode())
    assert (found, fault) == ([text.encode() for text in texts], None)


def test_mutated_arrays_lose_no_good_record():
    rng = random.Random(11)
    lost = total = other_counts = 0
    for _ in range(150):
        texts = [json.dumps(record(number)) for number in range(6)]
        broken = rng.randrange(6)
        text = list(texts[broken])
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(text))
            text[at] = rng.choice(['"', "{", "}", "[", "]", ",", "\\", "", "x", '""'])
        texts[broken] = "".join(text)
        found, _ = values(("[" + ",".join(texts) + "]").encode(), 64)
        good = [number for number in range(6) if number != broken]
        total += len(good)
        other_counts += len(found) != 6
        lost += len(set(good) - set(ids(found)))
    assert lost <= total // 100, f"{lost} of {total}"
    assert other_counts <= 6, "one damaged record is one row, as far as that can be told"


def test_what_follows_a_damaged_record_and_is_whole_stays_a_row():
    """Only what is between pieces of it is a piece, too."""
    bad = '{"id": 3, }"title": "Cook 3"'
    texts = [json.dumps(record(0)), bad, '{"note": 1}', '"text"', "7", json.dumps(record(4))]
    found, _ = values(("[" + ",".join(texts) + "]").encode())
    assert [data.decode() for data in found] == texts


def test_the_payload_of_a_damaged_record_is_as_it_came():
    bad = '{"id": 3, }"title": "Cook 3" ,\n "tags": ["a"}, "b" , {"x": 1}], "description": "c"}'
    texts = [json.dumps(record(0)), bad, json.dumps(record(4))]
    found, _ = values(("[" + " , ".join(texts) + "]").encode())
    assert [data.decode() for data in found] == texts
