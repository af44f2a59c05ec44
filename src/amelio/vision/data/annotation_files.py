"""From a `filename` cell to a file below `data/raw`, or to the reason why there is none."""

import difflib
import re
from collections import defaultdict
from collections.abc import Callable

from amelio.vision.data.image_folder import ImageFolder, same_name

_DRIVE = re.compile(r"[A-Za-z]:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class FileFinder:
    """Finds annotated files among those that were seen below the image folder.

    Nothing but a name from that list is ever returned: no cell can lead out of the folder.
    """

    def __init__(self, folder: ImageFolder) -> None:
        self._folder = folder
        self._by_path = {same_name(file): file for file in folder.files}
        self._by_name: dict[str, list[str]] = defaultdict(list)
        for key, file in self._by_path.items():
            _, _, name = key.partition("/")
            if name:
                self._by_name[name].append(file)

    def find(self, name: str, lot: str, complain: Callable[[str], None]) -> str:
        """The file's path below the image folder; "" after a complaint.

        name: `lot/file`, or `file` in `lot`, or (lot "") in the only lot that has it, else in the
        one that the name begins with: `s1_…`
        """
        wrong = _escape(name) or (lot and _escape(lot))
        if wrong:
            complain(f"{name!r} {wrong}: expected 'lot/file' below {self._folder.root}")
            return ""
        key = same_name(name.removeprefix("./"))
        if lot and not key.startswith(f"{same_name(lot)}/"):
            key = f"{same_name(lot)}/{key}"
        found = self._by_path.get(key)
        if found and "/" in found:
            return found
        candidates = self._by_name.get(key, [])
        prefixed = f"{key.split('_')[0]}/{key}"
        if len(candidates) > 1:
            candidates = [file for file in candidates if same_name(file) == prefixed] or candidates
        if len(candidates) == 1:
            return candidates[0]
        complain(self._why_not(key, candidates))
        return ""

    def _why_not(self, key: str, candidates: list[str]) -> str:
        root = self._folder.root
        if candidates:
            return f"{key} is in several lots, write which: {', '.join(candidates)}"
        for link, target in self._folder.outside.items():
            if link == key or link.endswith(f"/{key}") or key.startswith(f"{link}/"):
                return f"{key}: {root / link} is a link that leaves {root}, to {target}"
        if key in self._by_path:
            return f"{key} lies in no lot: expected {root}/<lot>/{key}"
        if key in self._folder.ignored or any(f.endswith(f"/{key}") for f in self._folder.ignored):
            return f"{key} is not an image by its name: expected .png, .jpg, .jpeg, .webp or .bmp"
        everything = self._by_path if "/" in key else self._by_name
        guess = [name for name in everything if name.lower() == key.lower()]
        if not guess and len(everything) <= 2000:  # difflib takes a second for 100,000
            guess = difflib.get_close_matches(key, everything, n=1)
        return f"no such file: {key}" + (f", did you mean {guess[0]!r}?" if guess else "")


def _escape(name: str) -> str:
    """Why `name` cannot be a path below a folder, on any system; "" when it can."""
    if not name:
        return "is empty"
    if _CONTROL.search(name):
        return "holds a control character"
    if "\\" in name:
        return "holds a backslash"
    if name.startswith("/") or _DRIVE.match(name):
        return "is an absolute path"
    return "leaves the image folder" if ".." in name.split("/") else ""
