"""HTML → lines: what a browser would show, line by line.

Block elements, `<br>`, list items, table rows and headings make lines. Line breaks of the source are blanks,
except where they are meant: in `<pre>` and its like, in lists that somebody typed ("- cook"), and in text
that no block element holds.
"""

from __future__ import annotations

from typing import NamedTuple

from skillstream.postings.characters import clean_characters
from skillstream.postings.html_tokens import Tag, tokens
from skillstream.postings.lines import Line, is_bullet
from skillstream.postings.tags import BLOCK_TAGS, has_block
from skillstream.postings.touching import TOUCH, TOUCH_APART, parted
from skillstream.postings.visibility import look_of

__all__ = ["html_lines"]

_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_PARAGRAPHS = _HEADINGS | frozenset(
    ("article", "blockquote", "dl", "hr", "ol", "p", "pre", "section", "table", "ul")
)
_CELLS = frozenset(("td", "th"))
_APART = frozenset(("button", "input", "select", "textarea", "td", "th"))  # drawn apart from their neighbours
_BOLD = frozenset(("b", "strong"))
_VOID = frozenset(
    "area base br col embed frame hr img input link meta param source track wbr".split()  # noqa: SIM905
)
# Elements of which authors leave out the end: what ends them, and what they cannot be ended across.
_ENDED_BY = {
    "li": (frozenset(("li",)), frozenset(("ul", "ol", "menu", "dir"))),
    "dt": (frozenset(("dt", "dd")), frozenset(("dl",))),
    "dd": (frozenset(("dt", "dd")), frozenset(("dl",))),
    "option": (frozenset(("option",)), frozenset(("select",))),
    "tr": (frozenset(("tr", "td", "th")), frozenset(("table",))),
    "td": (frozenset(("td", "th")), frozenset(("table", "tr"))),
    "th": (frozenset(("td", "th")), frozenset(("table", "tr"))),
}
_ENDS_NO_P = frozenset(
    "body caption html legend optgroup option tbody td tfoot th thead tr".split()  # noqa: SIM905
)
# An element ends nothing outside of these.
_SCOPES = frozenset(("caption", "html", "object", "table", "td", "template", "th"))
_ENDS_ACROSS = _SCOPES | {"tr", "tbody", "thead", "tfoot"}
_FORMATTING = frozenset(
    "a b big code em font i nobr s small span strike strong tt u".split()  # noqa: SIM905
)

_ITEM_TAGS = frozenset(("a", "button", "label"))  # never cut a word in two
# What may hold text that somebody typed with line breaks of their own.
_LOOSE = frozenset(("article", "body", "div", "html", "main", "section"))
_NARROW = 30  # columns: lines as short as this are items, not wrapped text


def html_lines(source: str) -> list[Line]:
    """The lines of an HTML text, untrimmed."""
    collector = _Collector(keep_breaks=not has_block(source) and "<br" not in source.lower())
    for token in tokens(source):
        if isinstance(token, str):
            collector.text(token)
        elif token.closing:
            collector.close(token.name)
        else:
            collector.open(token)
    collector.end_line()
    return collector.lines


class _Element(NamedTuple):
    """An open element: its own look and what it hands on to what is in it."""

    name: str
    block: bool
    removed: bool
    hidden: bool
    breaks: bool
    heading: bool
    bold_before: int


class _Collector:
    """Makes lines of texts and tags as they come."""

    def __init__(self, *, keep_breaks: bool) -> None:
        self.lines: list[Line] = []
        root = _Element("", False, False, False, keep_breaks, False, 0)
        self._stack = [root]
        self._places: dict[str, list[int]] = {}  # where in the stack the elements of a name are
        self._scopes = [0]  # where in the stack the elements are that nothing is ended across
        self._blocks = 0  # open block elements
        self._bold = 0  # open bold elements; like browsers, whatever block they were opened in
        self._pieces: list[tuple[str, bool]] = []  # of the line at hand: text, and whether it is bold
        self._bullet = False  # the next line is a list item's first
        self._closed = ""  # name of the inline element that ended right here
        self._after_break = False

    # --- tokens

    def open(self, tag: Tag) -> None:
        name = tag.name
        if name == "br":
            self._break()
            return
        self._end_implied(name)
        look, top = look_of(tag), self._stack[-1]
        removed = top.removed or look.removed
        if not removed:
            self._boundary(name, block=look.block)
            if not look.block and self._closed and name not in _VOID:
                self._pieces.append((TOUCH_APART if name in _ITEM_TAGS else TOUCH, True))
        self._closed = ""
        if name in _VOID:
            return
        if name == "li" and not removed:
            self._bullet = True
        element = _Element(
            name,
            look.block,
            removed,
            top.hidden if look.hidden is None else look.hidden,
            top.breaks if look.breaks is None else look.breaks,
            top.heading or name in _HEADINGS,
            self._bold,
        )
        self._places.setdefault(name, []).append(len(self._stack))
        if name in _SCOPES:
            self._scopes.append(len(self._stack))
        self._blocks += look.block and name not in _LOOSE
        self._stack.append(element)
        if name in _BOLD:
            self._bold += 1

    def close(self, name: str) -> None:
        if name in ("br", "p") and not self._places.get(name):
            self._break()
            return
        if name in _BOLD and self._bold:
            self._bold -= 1
        if name in _HEADINGS:  # "<h2>Duties</h3>"
            name = max(_HEADINGS, key=lambda heading: (self._places.get(heading) or [0])[-1])
        places = self._places.get(name)
        if not places or (places[-1] < self._scopes[-1] and name not in _ENDS_ACROSS):
            return
        if name in _FORMATTING and self._stack[places[-1]].name == name:
            self._close_formatting(places)
            return
        self._pop_to(places[-1])

    def text(self, raw: str) -> None:
        top = self._stack[-1]
        if top.removed or top.hidden:
            return
        text = clean_characters(raw)
        if self._after_break:
            text = text.lstrip(" \t").removeprefix("\n") if text.lstrip(" \t").startswith("\n") else text
            self._after_break = False
        if text:
            self._closed = ""
        if not top.breaks:
            self._piece(text)
            return
        first, *others = text.split("\n")
        self._piece(first)
        for other in others:
            self.end_line(blank=self._is_empty())
            self._piece(other)

    # --- elements

    def _close_formatting(self, places: list[int]) -> None:
        """Ends an inline element; blocks opened in it stay open ("<b><p>Duties</b></p>")."""
        place = places[-1]
        if place == len(self._stack) - 1:
            self._pop_to(place)
            return
        places.pop()
        self._stack[place] = self._stack[place]._replace(name="")  # gone, but for what was opened in it

    def _end_implied(self, name: str) -> None:
        """Ends the elements whose end tags authors leave out before this one."""
        if name in BLOCK_TAGS and name not in _ENDS_NO_P:
            self._end_last("p", after=self._scopes[-1])
        if name in _HEADINGS and self._stack[-1].name in _HEADINGS:
            self._pop_to(len(self._stack) - 1)
        if name in _ENDED_BY:
            names, walls = _ENDED_BY[name]
            wall = max((self._places.get(other) or [0])[-1] for other in walls)
            wall = max(wall, self._scopes[-1]) if name not in ("tr", "td", "th") else wall
            place = min(
                (places[-1] for other in names if (places := self._places.get(other)) and places[-1] > wall),
                default=0,
            )
            if place:
                self._pop_to(place)

    def _end_last(self, name: str, after: int) -> None:
        places = self._places.get(name)
        if places and places[-1] > after:
            self._pop_to(places[-1])

    def _pop_to(self, place: int) -> None:
        """Ends the element at that place of the stack and all that were opened in it."""
        while len(self._stack) > place:
            element = self._stack[-1]
            if not element.removed:
                self._boundary(element.name, block=element.block)
                if element.name == "li":
                    self._bullet = False
            self._stack.pop()
            if element.name:
                self._places[element.name].pop()
            if element.name in _SCOPES:
                self._scopes.pop()
            if element.name in _CELLS:
                self._bold = element.bold_before
            self._blocks -= element.block and element.name not in _LOOSE
            self._closed = "" if element.block or element.removed else element.name

    # --- lines

    def end_line(self, *, blank: bool = False) -> None:
        """Ends the line at hand; an empty one counts if `blank`."""
        pieces, self._pieces = self._pieces, []
        if not any(text.strip() for text, _ in pieces):  # marks count as blanks
            if blank:
                self.lines.append(Line(""))
            return
        typed = [pieces]
        if any("\n" in text for text, _ in pieces):
            typed = _typed_lines(pieces, loose=self._blocks == 0)
        for line in typed:
            text = parted("".join(text for text, _ in line))
            if self._bullet and text.strip():
                text = text if is_bullet(text.strip()) else "• " + text
                self._bullet = False
            bold = all(bold or not any(map(str.isalnum, piece)) for piece, bold in line)
            heading = self._stack[-1].heading or (bold and not is_bullet(text))
            self.lines.append(Line(text, heading))

    def _break(self) -> None:
        if not self._stack[-1].removed:
            self.end_line(blank=self._is_empty())
            self._after_break = True
        self._closed = ""

    def _boundary(self, name: str, *, block: bool) -> None:
        if block:
            self.end_line()
            self._after_break = False
        elif name in _APART:
            self._pieces.append((" ", True))
        if name in _PARAGRAPHS and block:
            self.lines.append(Line(""))

    def _is_empty(self) -> bool:
        return not any(text.strip() for text, _ in self._pieces)

    def _piece(self, text: str) -> None:
        if text:
            self._pieces.append((text, self._bold > 0))


_Pieces = list[tuple[str, bool]]


def _typed_lines(pieces: _Pieces, *, loose: bool) -> list[_Pieces]:
    """The pieces of a line, cut at the line breaks of the source if somebody typed them as such."""
    lines: list[_Pieces] = [[]]
    for text, bold in pieces:
        first, *others = text.split("\n")
        lines[-1].append((first, bold))
        lines += [[(other, bold)] for other in others]
    texts = ["".join(text for text, _ in line) for line in lines]
    shown = [text.strip() for text in texts if text.strip()]
    bullets = sum(map(is_bullet, shown))
    listed = bullets > 1 or (bullets == 1 and len(shown) > 1 and shown[0].endswith(":"))
    if not listed and not (loose and _is_typed(shown)):
        return [pieces]
    typed: list[_Pieces] = []
    for line, text in zip(lines, texts, strict=True):
        if listed and typed and text[:1].isspace() and text.strip()[:1].islower():  # "- soups and\n  stews"
            typed[-1] += [(" ", True), *line]
        else:
            typed.append(line)
    return typed


def _is_typed(lines: list[str]) -> bool:
    """Whether these lines are lines, and no paragraph that was wrapped in the source."""
    if len(lines) < 2:
        return False
    continued = sum(line[:1].islower() for line in lines[1:])
    return 3 * continued < len(lines) or max(map(len, lines)) < _NARROW
