"""Sections of a report on the terminal and as Markdown."""

import json
from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from amelio.insight.tables import Section, Table
from amelio.redaction import one_line, redacted
from amelio.reports.markdown import code, escaped, table

MAX_NOTE = 2_000
_STYLES = {"✗": "red", "⚠": "yellow", "✓": "green", "?": "yellow"}


def show(sections: Iterable[Section]) -> None:
    """On the terminal."""
    console = Console(highlight=False)
    for section in sections:
        headline = one_line(section.headline, MAX_NOTE)
        console.print(Text.assemble((section.title, "bold"), "  ", headline))
        for each in section.tables:
            console.print(Padding(_rich(each), (0, 0, 0, 2)))
        for note in section.notes:
            text = redacted(note)
            console.print(Padding(Text(text, _STYLES.get(text[:1], "")), (0, 0, 0, 2)))
        console.print()


def as_json(found: Any) -> str:
    """Plain data as JSON, without secrets."""
    return json.dumps(_redacted(found), indent=2, ensure_ascii=False, default=str)


def _redacted(found: Any) -> Any:
    if isinstance(found, str):
        return redacted(found)
    if isinstance(found, dict):
        return {redacted(str(key)): _redacted(value) for key, value in found.items()}
    return [_redacted(value) for value in found] if isinstance(found, list | tuple) else found


def markdown(title: str, sections: Iterable[Section]) -> str:
    """As a page."""
    parts = [f"# {title}\n"]
    for section in sections:
        parts.append(f"## {section.title}\n\n{escaped(section.headline, MAX_NOTE)}\n")
        for each in section.tables:
            rows = [[escaped(cell) for cell in row] for row in each.rows]
            parts.append(table([escaped(name) for name in each.columns], rows))
        if section.notes:
            parts.append("".join(f"- {_note(note)}\n" for note in section.notes))
    return "\n".join(parts)


def _note(note: str) -> str:
    return "<br>".join(_line(line.strip()) for line in redacted(note).splitlines())


def _line(line: str) -> str:
    """What stands in backticks as code, the rest escaped; one backtick alone is only a sign."""
    pieces = line.split("`")
    if len(pieces) % 2 == 0:
        return escaped(line, MAX_NOTE)
    return "".join(
        code(piece) if place % 2 else _escaped_piece(piece) for place, piece in enumerate(pieces)
    )


def _escaped_piece(piece: str) -> str:
    """Escaped, with the spaces at its ends, which `escaped` takes away."""
    start = " " * piece.startswith(" ")
    end = " " * piece.endswith(" ")
    return f"{start}{escaped(piece, MAX_NOTE)}{end}" if piece.strip() else piece


def _rich(content: Table) -> RichTable:
    drawn = RichTable(box=None, pad_edge=False, header_style="dim")
    for place, name in enumerate(content.columns):
        is_number = place in content.numbers
        drawn.add_column(
            name,
            justify="right" if is_number else "left",
            no_wrap=is_number or place == 0,
            overflow="fold",
        )
    for row in content.rows:
        drawn.add_row(*(_cell(one_line(cell)) for cell in row))
    return drawn


def _cell(text: str) -> Text:
    sign = next((sign for sign in _STYLES if sign in (text[:1], text[-1:])), "")
    return Text(text, _STYLES.get(sign, ""))
