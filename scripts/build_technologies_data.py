"""Makes the taxonomy of technologies that ships with the package.

    python scripts/build_technologies_data.py FOLDER

FOLDER holds `onet_29_2/` (O*NET's text files), `esco_skills.csv` and, beside it,
`../postings/postings_real.jsonl` (only to count which words are ordinary ones). Sources, in order of weight:

1. `scripts/data/technologies_curated.csv`, kept by hand: products, standards and certificates as postings
   name them. Of an alias `Go?` means: an ordinary word, needs context; `SAS!`: only written like this.
2. O*NET's technology skills (CC BY 4.0, modified): marks and commodities for the entries of 1, and what is a
   product by its name beyond them. Left out: kinds of software ("Analytical software") and products whose
   name is made of ordinary words only ("Front Desk").

The same input gives the same bytes with the same pyarrow.
"""

import argparse
import csv
import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from skillstream.ranking.words import normal_words

ROOT = Path(__file__).resolve().parents[1]
CURATED = ROOT / "scripts" / "data" / "technologies_curated.csv"
LEFT_OUT = ROOT / "scripts" / "data" / "technologies_left_out.csv"
OUTPUT = ROOT / "src" / "skillstream" / "data" / "technologies.parquet"
VERSION = "1.0"
URI = "urn:skillstream:technology:"
HOT, IN_DEMAND = "O*NET hot technology", "O*NET in demand"
METADATA = {
    "taxonomy.name": "technologies",
    "taxonomy.version": VERSION,
    "taxonomy.about": "products, standards and certificates by name; with O*NET 29.2's technology skills",
    "taxonomy.source": "https://www.onetcenter.org/database.html and skillstream's own selection",
    "taxonomy.licence": "CC BY 4.0",
    "taxonomy.attribution": (
        "This product includes information from the O*NET 29.2 Database by the U.S. Department of Labor, "
        "Employment and Training Administration (USDOL/ETA), used under the CC BY 4.0 license. "
        "O*NET is a trademark of USDOL/ETA. skillstream has modified this information; "
        "USDOL/ETA has not approved, endorsed, or tested these modifications."
    ),
}
# Names of makers: dropped from O*NET's names where the rest is a name by itself.
MAKERS = (
    "Adobe Systems", "Adobe", "Agilent", "Amazon", "Apache", "Apple", "Applied Biosystems", "Atlassian",
    "Autodesk", "Avid Technology", "Bentley", "BMC", "CA", "Cadence", "Cisco", "Citrix", "Corel",
    "Dassault Systemes", "Dell", "Eclipse", "ESRI", "GE Healthcare", "GE", "Google", "Hewlett-Packard",
    "Henry Schein", "HP", "IBM", "Infor", "Intuit", "McAfee", "McKesson", "Mentor Graphics", "Microsoft",
    "Mozilla", "National Instruments", "Novell", "NVIDIA", "Oracle", "Palisade", "PTC", "Red Hat",
    "Rockwell", "Sage", "SAP", "SAS", "Siemens", "Sun Microsystems", "Symantec", "Synopsys",
    "The MathWorks", "Thermo Scientific", "Thomson Reuters", "Trimble", "VMware", "Wolfram Research",
)  # fmt: skip
# What only looks the same: ESCO's SPARK is a framework for Java, its graphite is carbon.
NOT_THE_SAME = frozenset(["apache-spark", "graphite-monitoring", "graphite"])
# Words counted less often are no evidence that a name is an ordinary word.
ORDINARY = 2


class Entry(msgspec.Struct):
    """One row of the taxonomy; of `names` the first is the label."""

    slug: str
    names: list[str]
    groups: list[str]
    kind: str
    as_written: set[str] = set()
    in_context: set[str] = set()
    same_as: list[str] = []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    options = parser.parse_args()

    vocabulary = ordinary_words(options.folder)
    entries = list(curated(vocabulary))
    known = {key(name): entry for entry in reversed(entries) for name in entry.names}
    added, left_out = add_onet(options.folder / "onet_29_2", known, vocabulary)
    entries += added
    link_esco(entries, options.folder / "esco_skills.csv")
    check(entries)
    write(entries, options.output)
    print(f"{options.output}: {len(entries)} entries ({len(entries) - len(added)} curated), ", end="")
    print(f"{left_out} of O*NET left out, {options.output.stat().st_size / 1e3:.0f} kB")


def key(name: str) -> tuple[str, ...]:
    return tuple(normal_words(name))


def ordinary_words(folder: Path) -> Counter[str]:
    """How often words stand in lower case in descriptions, tasks and postings.

    Postings also hold "python": there a word counts only if it stands in lower case more often than not.
    """
    counts: Counter[str] = Counter()
    with (folder / "esco_skills.csv").open(encoding="utf-8", newline="") as file:
        formal = [row["description"] for row in csv.DictReader(file)]
    formal.append((folder / "onet_29_2" / "Task Statements.txt").read_text("utf-8"))
    for text in formal:
        counts.update(re.findall(r"(?<![\w.+#-])[a-z][a-z'-]+(?![\w+#])", text))
    small: Counter[str] = Counter()
    other: Counter[str] = Counter()
    for line in (folder.parent / "postings" / "postings_real.jsonl").open(encoding="utf-8"):
        for word in set(
            re.findall(r"(?<![\w.+#/@-])[A-Za-z][a-zA-Z'-]+(?![\w+#])", json.loads(line)["description"])
        ):
            (small if word.islower() else other)[word.lower()] += 1
    counts.update({word: n for word, n in small.items() if n > max(2, other[word])})
    return counts


# --- curated ------------------------------------------------------------------------------------------


def curated(vocabulary: Counter[str]) -> Iterator[Entry]:
    with CURATED.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            entry = Entry(row["slug"], [row["label"]], [row["group"]], row["kind"], set(), set(), [])
            for marked in filter(None, row["aliases"].split("|")):
                name = marked.rstrip("?!").strip()
                {"?": entry.in_context, "!": entry.as_written}.get(marked[-1], set()).add(name)
                if name not in entry.names:
                    entry.names.append(name)
            for name in list(entry.names):
                entry.names += [other for other in variants(name, vocabulary) if other not in entry.names]
            for name in entry.names:
                if name not in entry.in_context | entry.as_written:
                    judge(name, entry, vocabulary)
            yield entry


def variants(name: str, vocabulary: Counter[str]) -> Iterator[str]:
    """Other spellings that follow from a name's form."""
    if name.startswith("Microsoft "):
        yield "MS " + name.removeprefix("Microsoft ")
    if re.fullmatch(r"\w+\.js", name):
        yield name[:-3] + "JS"
        yield name[:-3] + " JS"
    if " " in name and len(name.split()) == 2 and name.replace(" ", "").isalpha():
        joined = name.replace(" ", "")
        if (
            not any(map(str.islower, name.split()))
            and vocabulary[joined.lower()] < ORDINARY
            and len(joined) > 6
        ):
            yield joined
    parts = re.findall(r"[A-Z][a-z]+", name)
    if (
        len(parts) == 2
        and "".join(parts) == name
        and any(vocabulary[part.lower()] < ORDINARY for part in parts)
    ):
        yield " ".join(parts)


def judge(name: str, entry: Entry, vocabulary: Counter[str]) -> None:
    """How strictly a name is looked for that is not marked by hand."""
    if " " in name or not name.isalpha():
        return
    plural = key(name) != (name.lower(),)  # "PDMS" would also be found as "PDM"
    if name.isupper() and (len(name) <= 3 or plural or vocabulary[name.lower()]):
        entry.as_written.add(name)
    elif name[1:] == name[1:].lower() and (len(name) <= 2 or vocabulary[name.lower()] >= ORDINARY):
        entry.in_context.add(name)


# --- O*NET --------------------------------------------------------------------------------------------


def add_onet(
    folder: Path, known: dict[tuple[str, ...], Entry], vocabulary: Counter[str]
) -> tuple[list[Entry], int]:
    """Marks known entries with O*NET's groups, and returns the further products; how many were left out."""
    commodities: dict[str, Counter[str]] = defaultdict(Counter)
    marks: dict[str, set[str]] = defaultdict(set)
    with (folder / "Technology Skills.txt").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            name = row["Example"].strip().replace("Micosoft", "Microsoft")
            commodities[name][row["Commodity Title"].strip()] += 1
            if row["Hot Technology"] == "Y":
                marks[name].add(HOT)
            if row["In Demand"] == "Y":
                marks[name].add(IN_DEMAND)
    with LEFT_OUT.open(encoding="utf-8", newline="") as file:
        refused = {row["name"] for row in csv.DictReader(file)}
    slugs = {entry.slug: entry for entry in known.values()}
    added: list[Entry] = []
    left_out = 0
    for name in sorted(commodities):
        groups = [commodities[name].most_common(1)[0][0], *sorted(marks[name])]
        bare, acronym = taken_apart(name)
        entry = next(
            (known[key(form)] for form in (name, bare, *without_maker(bare)) if key(form) in known), None
        )
        entry = entry or slugs.get(slug(bare))
        if entry is None and name not in refused and is_product(name, bare, vocabulary):
            names = [bare, *([f"{bare} {acronym}"] if acronym else [])]
            names += [
                rest
                for rest in without_maker(bare)
                if is_distinct(rest, vocabulary) and not rest[1:].islower()
            ]
            names = [form for form in names if key(form) not in known]
            entry = Entry(slug(bare), names, [], "product", set(), set(), [])
            entry.as_written.update(form for form in names if " " not in form)
            added.append(entry)
            slugs[entry.slug] = entry
            known.update({key(form): entry for form in names})
        if entry is None:
            left_out += 1
        else:
            entry.groups += [group for group in groups if group not in entry.groups]
    for entry in [*{id(entry): entry for entry in known.values()}.values()]:  # marks last
        entry.groups.sort(key=lambda group: group in (HOT, IN_DEMAND))
    return added, left_out


def taken_apart(name: str) -> tuple[str, str]:
    """ "Amazon Simple Storage Service S3" → name and acronym; "software" at the end is no part of a name."""
    bare = name.removesuffix(" software").removesuffix(" Software")
    found = re.fullmatch(r"(\S+(?: \S+)+) ([A-Z][A-Z0-9/&+-]+)", bare)
    if found:
        letters = iter(found[1].lower())
        if all(letter in letters for letter in found[2].lower() if letter.isalpha()):
            return found[1], found[2]
    return bare, ""


def without_maker(name: str) -> list[str]:
    maker = next((maker for maker in MAKERS if name.startswith(maker + " ")), None)
    return [name[len(maker) + 1 :]] if maker else []


def is_product(name: str, bare: str, vocabulary: Counter[str]) -> bool:
    """Whether a name is a product's: at least one of its words is no ordinary one, and it is long enough."""
    words = re.findall(r"[\w+#.']+", bare)
    if len(re.sub(r"\W", "", bare)) < 4 or re.search(r"[(),;]", bare):
        return False
    small = all(word[1:].islower() or len(word) == 1 for word in words)
    if small and not any(word[0].isupper() for word in words[1:]) and (len(words) > 1 or name != bare):
        # "Fund accounting software", "Hypertext markup language": a kind of thing
        return len(words) <= 2 and any(vocabulary[word.lower()] < ORDINARY for word in words)
    alone = len(words) == 1 and vocabulary[bare.lower()] >= 1
    return not alone and any(is_distinct(word, vocabulary) for word in words)


def is_distinct(name: str, vocabulary: Counter[str]) -> bool:
    """Whether a name, or a part of one, is more than ordinary words, numbers and short acronyms."""
    return any(
        len(word) >= 4
        and not word.isdigit()
        and vocabulary[word.lower()] < ORDINARY
        and vocabulary[word.lower().removesuffix("s")] < ORDINARY
        for word in re.findall(r"[\w+#.']+", name)
    )


# --- links and output ---------------------------------------------------------------------------------


def link_esco(entries: Iterable[Entry], path: Path) -> None:
    """ESCO's entries of the same name: "Python (computer programming)", "SQL Server"."""
    owners: dict[tuple[str, ...], list[str]] = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["kind"] != "knowledge" and "computer programming" not in row["preferred_label"]:
                continue
            label = row["preferred_label"]
            for form in {label, re.sub(r"\s*\([^()]*\)$", "", label)}:
                owners[key(form)].append(row["uri"])
    for entry in entries:
        for name in entry.names:
            found = owners.get(key(name), [])
            if len(found) == 1 and not entry.same_as and entry.slug not in NOT_THE_SAME:
                entry.same_as = found


def slug(name: str) -> str:
    text = name.replace("++", " plus plus").replace("+", " plus ").replace("&", " and ").replace("'", "")
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", text.replace("#", " sharp")).strip("-")


def check(entries: list[Entry]) -> None:
    """A name of two entries tells neither, and an address belongs to one."""
    slugs = Counter(entry.slug for entry in entries)
    for entry in entries:
        if slugs[entry.slug] > 1:
            raise SystemExit(f"two entries have the slug {entry.slug}")
    owners: dict[tuple[str, ...], list[Entry]] = defaultdict(list)
    for entry in entries:
        for form in {key(name) for name in entry.names}:
            owners[form].append(entry)
    for form, several in owners.items():
        if len(several) > 1:
            print("shared:", " ".join(form), [entry.slug for entry in several])


def write(entries: list[Entry], output: Path) -> None:
    entries.sort(key=lambda entry: (entry.names[0], entry.slug))
    texts = pa.list_(pa.string())
    columns = {
        "uri": pa.array([URI + entry.slug for entry in entries]),
        "label": pa.array([entry.names[0] for entry in entries]),
        "alt_labels": pa.array([entry.names[1:] for entry in entries], texts),
        "groups": pa.array([entry.groups for entry in entries], texts),
        "kind": pa.array([entry.kind for entry in entries]),
        "same_as": pa.array([entry.same_as for entry in entries], texts),
        "as_written": pa.array([sorted(entry.as_written) for entry in entries], texts),
        "in_context": pa.array([sorted(entry.in_context) for entry in entries], texts),
    }
    table = pa.table(columns).replace_schema_metadata(METADATA)
    pq.write_table(
        table,
        output,
        compression="zstd",
        compression_level=19,
        use_dictionary=["groups.list.element", "kind"],
        column_encoding={"uri": "DELTA_BYTE_ARRAY"},
        data_page_size=8 << 20,
        write_page_checksum=True,
    )


if __name__ == "__main__":
    main()
