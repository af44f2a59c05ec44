"""Debian's chromium, for tests of what users see."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Page, sync_playwright

DESKTOP = (1280, 900)


@dataclass
class Visit:
    """A page that was opened, and what it did: dialogs, requests to elsewhere, console messages."""

    page: Page
    dialogs: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser; the test is skipped where there is none, but not in CI."""
    program = shutil.which("chromium")
    if program is None:
        reason = "no chromium here: apt-get install chromium"
        if os.environ.get("AMELIO_TESTS_COMPLETE"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


def visit(
    browser: Browser, path: Path, *, size: tuple[int, int] = DESKTOP, has_policy: bool = True
) -> Visit:
    """Open a file and scroll through it, so that everything is drawn.

    has_policy: False takes the page's Content-Security-Policy away
    """
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, bypass_csp=not has_policy
    )
    seen = Visit(context.new_page())
    seen.page.set_default_timeout(60_000)

    def dismiss(dialog: Dialog) -> None:
        seen.dialogs.append(dialog.message)
        dialog.dismiss()

    seen.page.on("dialog", dismiss)
    seen.page.on("console", lambda message: seen.console.append(message.text))
    seen.page.on("pageerror", lambda error: seen.console.append(str(error)))
    seen.page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith("data:") or request.url == path.resolve().as_uri()
            else seen.requests.append(request.url)
        ),
    )
    seen.page.goto(path.resolve().as_uri())
    height = int(seen.page.evaluate("document.documentElement.scrollHeight"))
    for top in range(0, height, size[1] // 2):
        seen.page.evaluate(f"scrollTo(0, {top})")
        seen.page.wait_for_timeout(30)
    return seen
