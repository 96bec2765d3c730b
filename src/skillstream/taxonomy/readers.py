"""Readers of the files that taxonomies come in.

What a path holds is decided by names and columns, not by an option:

- a folder with `skills_<language>.csv`, or such a file: ESCO's official CSV download;
- a folder with `esco_skills.csv`, or such a file: ESCO with one column of hierarchy codes;
- a folder with `Technology Skills.txt` or `DWA Reference.txt`: O*NET's database as text files;
- any other `.csv`, `.tsv`, `.txt` (tabs), `.parquet`, `.json` (a list of objects), `.jsonl` or `.ndjson`
  file: a table with an id and a label column under a well-known name (`ID_COLUMNS`, `LABEL_COLUMNS`, ...).
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from skillstream.delimited import CsvOptions
from skillstream.errors import TaxonomyError
from skillstream.taxonomy.skills import Skill, Taxonomy, collect_skills
from skillstream.taxonomy.tables import names_of, open_table, read_csv, text_of, texts_of

logger = logging.getLogger(__name__)

__all__ = ["read_shipped", "read_taxonomy"]

# Names of columns, compared without case and punctuation; the first one present wins.
ID_COLUMNS = ("uri", "id", "concepturi", "skilluri", "skillid", "conceptid", "identifier", "code")
LABEL_COLUMNS = ("preferredlabel", "label", "preflabel", "name", "skillname", "skill", "title")
ALT_COLUMNS = ("altlabels", "altlabel", "alternativelabels", "aliases", "alias", "synonyms", "synonym")
GROUP_COLUMNS = ("groups", "group", "subcategory", "category", "categories", "cluster", "family")
KIND_COLUMNS = ("kind", "skilltype", "type")
SAME_AS_COLUMNS = ("sameas", "exactmatch", "escouri")
AS_WRITTEN_COLUMNS = ("aswritten",)
IN_CONTEXT_COLUMNS = ("incontext",)

_ONET = CsvOptions(delimiter="\t", quote="")  # a quotation mark there is a character like any other

# Labels of ESCO's broadest groups, which its code lists leave out (ESCO v1.2, skill pillar).
ESCO_BROADEST = {
    "S1": "communication, collaboration and creativity",
    "S2": "information skills",
    "S3": "assisting and caring",
    "S4": "management skills",
    "S5": "working with computers",
    "S6": "handling and moving",
    "S7": "constructing",
    "S8": "working with machinery and specialised equipment",
    "K00": "generic programmes and qualifications",
    "K01": "education",
    "K02": "arts and humanities",
    "K03": "social sciences, journalism and information",
    "K04": "business, administration and law",
    "K05": "natural sciences, mathematics and statistics",
    "K06": "information and communication technologies (icts)",
    "K07": "engineering, manufacturing and construction",
    "K08": "agriculture, forestry, fisheries and veterinary",
    "K09": "health and welfare",
    "K10": "services",
    "T1": "core skills and competences",
    "T2": "thinking skills and competences",
    "T3": "self-management skills and competences",
    "T4": "social and communication skills and competences",
    "T5": "physical and manual skills and competences",
    "T6": "life skills and competences",
}


def read_shipped(path: Path) -> Taxonomy:
    """The Parquet file that `scripts/build_esco_data.py` writes: one column for each field of `Skill`."""
    table = pq.read_table(path)
    metadata = table.schema.metadata
    # ESCO's file has the first five fields only.
    columns = (table.column(field).to_pylist() for field in Skill.__struct_fields__[: table.num_columns])
    skills = [Skill(*values) for values in zip(*columns, strict=True)]
    return Taxonomy(metadata[b"taxonomy.name"].decode(), metadata[b"taxonomy.version"].decode(), skills)


def read_taxonomy(path: Path) -> Taxonomy:
    """The taxonomy in a file or folder.

    Raises:
        TaxonomyError: a kind of file or folder we do not know, unreadable, or needed columns are missing.
    """
    try:
        return _read_folder(path) if path.is_dir() else _read_file(path)
    except (OSError, pa.ArrowException) as error:
        raise TaxonomyError(f"taxonomy {path} cannot be read: {error}") from error


def _read_folder(path: Path) -> Taxonomy:
    downloads = sorted(path.glob("skills_*.csv"))
    if len(downloads) > 1:
        names = ", ".join(found.name for found in downloads)
        raise TaxonomyError(
            f"taxonomy folder {path} has several languages ({names}): give the path of one file"
        )
    if downloads:
        return _read_esco_download(downloads[0])
    if (path / "esco_skills.csv").exists():
        return _read_esco_codes(path / "esco_skills.csv")
    if (path / "Technology Skills.txt").exists() or (path / "DWA Reference.txt").exists():
        return _read_onet(path)
    raise TaxonomyError(
        f"taxonomy folder {path}: expected skills_<language>.csv (ESCO's CSV download) or "
        "'Technology Skills.txt' and 'DWA Reference.txt' (O*NET's text files); "
        "for any other taxonomy give the path of its file"
    )


def _read_file(path: Path) -> Taxonomy:
    if path.name == "esco_skills.csv":
        return _read_esco_codes(path)
    if re.fullmatch(r"skills_[a-z]{2,3}\.csv", path.name):
        return _read_esco_download(path)
    columns, rows = open_table(path)
    known = {re.sub(r"[\W_]", "", column.lower()): column for column in reversed(columns)}

    def find(names: Sequence[str]) -> str | None:
        return next((known[name] for name in names if name in known), None)

    uri, label = find(ID_COLUMNS), find(LABEL_COLUMNS)
    if uri is None or label is None:
        raise TaxonomyError(
            f"taxonomy {path}: expected an id column ({', '.join(ID_COLUMNS[:4])}, ...) and a label column "
            f"({', '.join(LABEL_COLUMNS[:4])}, ...), found {', '.join(columns) or 'no columns'}"
        )
    kind = find(KIND_COLUMNS)
    lists = [
        find(names)
        for names in (ALT_COLUMNS, GROUP_COLUMNS, SAME_AS_COLUMNS, AS_WRITTEN_COLUMNS, IN_CONTEXT_COLUMNS)
    ]

    def skill(row: Mapping[str, object]) -> Skill:
        alts, groups, same_as, as_written, in_context = (
            names_of(row.get(name)) if name else [] for name in lists
        )
        stated = text_of(row.get(kind)) if kind else None
        label_text = text_of(row.get(label))
        return Skill(text_of(row.get(uri)), label_text, alts, groups, stated, same_as, as_written, in_context)

    found = [skill(row) for row in rows]
    _warn_of_repeated_ids(path, found)
    return collect_skills(path.name.partition(".")[0], None, found)


def _warn_of_repeated_ids(path: Path, skills: Sequence[Skill]) -> None:
    counts = Counter(skill.uri.strip() for skill in skills if skill.uri.strip())
    repeated = [f"{uri!r} ({count} rows)" for uri, count in counts.items() if count > 1]
    if repeated:
        more = f" and {len(repeated) - 3:,} more" if len(repeated) > 3 else ""
        logger.warning(
            "taxonomy %s: an id may not come twice: %s%s; such rows are one skill, further labels are other "
            "names of it",
            path,
            ", ".join(repeated[:3]),
            more,
        )


# --- ESCO ---------------------------------------------------------------------------------------------


def _read_esco_codes(path: Path) -> Taxonomy:
    """ESCO as one table with hierarchy codes; `esco_skill_groups.csv` beside it has the codes' labels."""
    labels = dict(ESCO_BROADEST)
    codes = path.with_name("esco_skill_groups.csv")
    if codes.exists():
        labels |= {row["code"].strip(): row["label"].strip() for row in read_csv(codes, ["code", "label"])}

    def groups(hierarchy: str) -> list[str]:
        # [['S', 'S4', 'S4.5', 'S4.5.0'], ...] → labels, all the most specific ones first
        paths = re.findall(r"\[([^][]+)\]", hierarchy)
        levels = [re.findall(r"'([^']+)'", one) for one in paths]
        depth = max(map(len, levels), default=0)
        found = [one[level] for level in reversed(range(depth)) for one in levels if level < len(one)]
        return [labels[code] for code in found if code in labels]

    rows = read_csv(path, ["uri", "preferred_label"])
    skills = (
        Skill(
            row["uri"],
            row["preferred_label"],
            texts_of(row.get("alt_labels")),
            groups(row.get("hierarchy", "")),
            row.get("kind"),
        )
        for row in rows
    )
    return collect_skills("esco", None, skills)


def _read_esco_download(path: Path) -> Taxonomy:
    """ESCO's official CSV download: `skills_en.csv` and, beside it, the files with the groups."""
    language = path.stem.removeprefix("skills_")
    groups = _esco_groups(path.parent, language)
    skills = (
        Skill(
            row["conceptUri"],
            row["preferredLabel"],
            texts_of(row.get("altLabels")),
            groups(row["conceptUri"].strip()),
            row.get("skillType", "").partition("/")[0].strip(),  # "skill/competence" → "skill"
        )
        for row in read_csv(path, ["conceptUri", "preferredLabel"])
        if row.get("status", "").strip() != "obsolete"
    )
    return collect_skills("esco" if language == "en" else f"esco-{language}", None, skills)


def _esco_groups(folder: Path, language: str) -> Callable[[str], list[str]]:
    """A function from a skill's URI to the labels of its groups, nearest first; none without the files."""
    broader: dict[str, list[str]] = {}
    labels: dict[str, str] = {}
    named = folder / f"skillGroups_{language}.csv"
    if named.exists():
        for row in read_csv(named, ["conceptUri", "preferredLabel"]):
            labels[row["conceptUri"].strip()] = row["preferredLabel"]
    tree = folder / f"skillsHierarchy_{language}.csv"
    if tree.exists():
        for row in read_csv(tree, ["Level 0 URI", "Level 0 preferred term"]):
            for level in range(4):
                uri = row.get(f"Level {level} URI", "").strip()
                if uri:
                    labels[uri] = row[f"Level {level} preferred term"]
    relations = folder / f"broaderRelationsSkillPillar_{language}.csv"
    if relations.exists():
        for row in read_csv(relations, ["conceptUri", "broaderUri"]):
            uri = row["broaderUri"].strip()
            broader.setdefault(row["conceptUri"].strip(), []).append(uri)
            if row.get("broaderType", "").strip() == "SkillGroup" and row.get("broaderLabel"):
                labels.setdefault(uri, row["broaderLabel"])

    def groups(uri: str) -> list[str]:
        reached = {uri: None}  # breadth first; a broader *skill* is walked through but is no group
        for one in (queue := [uri]):
            new = [parent for parent in broader.get(one, ()) if parent not in reached]
            reached.update(dict.fromkeys(new))
            queue.extend(new)
        return [labels[one] for one in reached if one in labels]

    return groups


# --- O*NET --------------------------------------------------------------------------------------------


def _read_onet(folder: Path) -> Taxonomy:
    """O*NET's technology skills (group: their commodity) and detailed work activities.

    A technology has no id of its own in O*NET: its name makes one, which stays the same over releases.
    """

    def skills() -> Iterator[Skill]:
        technologies = folder / "Technology Skills.txt"
        if technologies.exists():
            for row in read_csv(technologies, ["Example", "Commodity Title"], _ONET):
                name = row["Example"].strip()
                uri = f"onet:technology/{quote(name, safe='')}" if name else ""
                yield Skill(uri, name, _onet_aliases(name), [row["Commodity Title"]], "technology")
        activities = folder / "DWA Reference.txt"
        if activities.exists():
            for row in read_csv(activities, ["DWA ID", "DWA Title"], _ONET):
                label = row["DWA Title"].strip().removesuffix(".")
                yield Skill(f"onet:dwa/{row['DWA ID'].strip()}", label, [], [], "activity")

    about = folder / "Read Me.txt"
    release = (
        re.search(r"O\*NET ([\d.]+) Database", about.read_text("utf-8", "replace"))
        if about.exists()
        else None
    )
    return collect_skills("onet", release[1] if release else None, skills())


def _onet_aliases(name: str) -> list[str]:
    """Of "Enterprise resource planning ERP software": without "software", the words and the acronym alone."""
    bare = name.removesuffix(" software")
    found = re.fullmatch(r"(\S+(?: \S+)+) ([A-Z][A-Z0-9/&+-]+)", bare)
    if found is None:
        return [bare]
    words, acronym = found.groups()
    letters = iter(words.lower())
    stands_for_them = all(letter in letters for letter in acronym.lower())  # letters of it, in their order
    return [bare, words, acronym] if stands_for_them else [bare]
