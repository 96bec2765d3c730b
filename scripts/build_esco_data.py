"""Makes the ESCO file that ships with the package: `python scripts/build_esco_data.py FOLDER`.

FOLDER holds `esco_skills.csv` and `esco_skill_groups.csv` (labels, ids and group codes; descriptions are not
taken). The same input gives the same bytes with the same pyarrow.
"""

import argparse
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from skillstream.taxonomy.readers import read_taxonomy
from skillstream.taxonomy.skills import Skill

OUTPUT = Path(__file__).resolve().parents[1] / "src" / "skillstream" / "data" / "esco.parquet"
METADATA = {
    "taxonomy.name": "esco",
    "taxonomy.version": "1.2.0",
    "taxonomy.about": "ESCO skills, English: ids and groups of v1.2.0, labels of v1.1.1; no descriptions",
    "taxonomy.source": "https://esco.ec.europa.eu",
    "taxonomy.licence": "European Commission, Decision 2011/833/EU: reuse is free with acknowledgement",
    "taxonomy.attribution": "This service uses the ESCO classification of the European Commission.",
}
TEXTS = pa.list_(pa.string())
TYPES = {"uri": pa.string(), "label": pa.string(), "alt_labels": TEXTS, "groups": TEXTS, "kind": pa.string()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    options = parser.parse_args()

    # Sorted by label: like stands beside like, which packs a fifth smaller.
    skills = sorted(read_taxonomy(options.folder).skills, key=lambda skill: (skill.label, skill.uri))
    columns = {name: [getattr(skill, name) for skill in skills] for name in Skill.__struct_fields__}
    table = pa.table(columns, schema=pa.schema(list(TYPES.items()), metadata=METADATA))
    options.output.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(
        table,
        options.output,
        compression="zstd",
        compression_level=19,
        use_dictionary=["groups.list.element", "kind"],
        column_encoding={"uri": "DELTA_BYTE_ARRAY"},
        data_page_size=8 << 20,
        write_page_checksum=True,
    )
    print(f"{options.output}: {len(skills)} skills, {options.output.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
