"""Small pieces of SVG; every text is redacted and escaped here."""

from markupsafe import Markup, escape

from amelio.redaction import one_line

Attribute = str | int | float


def element(name: str, *children: Markup, **attributes: Attribute) -> Markup:
    """`<name …>children</name>`; `class_` is `class`, `text_anchor` is `text-anchor`."""
    words = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_short(value))}"'
        for key, value in attributes.items()
    )
    return Markup(f"<{name}{words}>{''.join(children)}</{name}>")


def text(content: str, max_length: int = 200, **attributes: Attribute) -> Markup:
    """A line of text, its middle cut out when it is longer than `max_length`."""
    return element("text", escape(_fitting(one_line(content), max_length)), **attributes)


def title(content: str) -> Markup:
    """What shows when the pointer rests on the element around it."""
    return element("title", escape(one_line(content)))


def _fitting(line: str, max_length: int) -> str:
    if len(line) <= max_length:
        return line
    head = (max_length - 1) * 2 // 3
    return f"{line[:head]}…{line[len(line) - (max_length - 1 - head) :]}"


def _short(value: Attribute) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
