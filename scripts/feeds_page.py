"""docs/reference/feeds.md, out of the tables of `skillstream.postings.feeds` and `fields`."""

from __future__ import annotations

from skillstream.postings.feeds import SYSTEMS, TABLES, Feed
from skillstream.postings.fields import FURTHER_TEXT, ID_NAMES, TEXT_NAMES, TIME_NAMES, TITLE_NAMES

INTRODUCTION = """# Feeds

Which fields of a record hold a posting's id, title, description and time is decided in this order:

1. by `--id-field`, `--title-field` and `--text-field`, paths such as `job.title`;
2. by the table of the feed that `--feed NAME` says or, without it, whose fields the record has;
3. by well-known names.

Names are compared without case, `_`, `-` and blanks: `jobTitle`, `job_title` and `Job Title` are one. A
field that is blank or says `nan`, `None`, `N/A`, `null` or `-` counts as not there, and the next name is
looked at. Lists and objects of texts are joined, with their headings. What is wrapped around one posting
(`{"job": {...}}`, `_source`, `attributes`, `mainEntity`) is taken off.

An object that holds several postings (`jobs`, `results`, `hits.hits`, an ItemList ...) is opened in a
`.json` file, and each posting is a row; `--records-path jobs` says where they are. A record of another
source that holds several is rejected (`not_an_object`), and the reason says where they are.

Records whose title is all that was found are counted: `title_only` in the summary, in `--json` and as the
metric `skillstream_title_only_total`; the names of the fields that they have are shown.

Times are read in seconds or milliseconds since the epoch, ISO 8601, RFC 2822, with months by their English
names, as `31.01.2026`, and as `01/31/2026` where only one order of day and month is possible. What cannot
be read for sure, or lies outside of the years 1 to 9999, is null, and counted with an
example: `unread_times` and `unread_time`, beside `title_only`.
"""


def feeds_page() -> str:
    """The page as Markdown."""
    parts = [INTRODUCTION]
    for heading, feeds in (("Systems and boards", SYSTEMS), ("Tables and data sets", TABLES)):
        parts.append(f"\n## {heading}\n\n| `--feed` | feed | title | text, in this order | id |\n")
        parts.append("|---|---|---|---|---|\n")
        parts += [_row(feed) for feed in feeds]
    parts.append("\n## Well-known names\n\nBest first, as compared.\n\n")
    for what, names in (
        ("id", ID_NAMES),
        ("title", TITLE_NAMES),
        ("description", TEXT_NAMES),
        ("time", TIME_NAMES),
        ("further text, each under its heading", FURTHER_TEXT),
    ):
        parts.append(f"- *{what}*: {', '.join(f'`{name}`' for name in names)}\n")
    return "".join(parts)


def _row(feed: Feed) -> str:
    texts = ", ".join(
        _either(part.paths) + (f" ({part.heading})" if part.heading else "") for part in feed.texts
    )
    cells = (f"`{feed.name}`", feed.title_of_feed, _either(feed.titles), texts, _either(feed.ids))
    return f"| {' | '.join(cells)} |\n"


def _either(paths: tuple[str, ...]) -> str:
    return " or ".join(f"`{path}`" for path in paths)
