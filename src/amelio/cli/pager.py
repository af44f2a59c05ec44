"""Long texts for a terminal, with the pager that `dvc` would use."""

import os
import shutil
import subprocess
import sys


def page(text: str) -> None:
    """Show `text` by DVC_PAGER, PAGER or `less`, which scrolls sideways; print it without any."""
    wanted = os.environ.get("DVC_PAGER") or os.environ.get("PAGER") or "less"
    program, *options = wanted.split()
    path = shutil.which(program)
    if path is None or not text.strip():
        print(text)
        return
    environment = {"LESS": "--RAW-CONTROL-CHARS --quit-if-one-screen --chop-long-lines --no-init"}
    try:
        subprocess.run(
            [path, *options],
            input=f"{text}\n",
            text=True,
            env={**environment, **os.environ},
            check=False,
        )
    except OSError:
        print(text, file=sys.stdout)
