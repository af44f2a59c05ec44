"""What the queue knows of experiments beside their results."""

from pathlib import Path

from amelio.experiments.home import find_home
from amelio.experiments.queue import Queue
from amelio.experiments.table import RunFacts


def run_facts(folder: Path) -> dict[str, RunFacts]:
    """How long experiments ran, by commit; of those that amelio ran in the last month."""
    home = find_home(folder)
    if not home.queue.exists():
        return {}
    queue = Queue(home.queue)
    found = queue.all()
    queue.close()
    return {
        e.commit: RunFacts(e.ended - e.started) for e in found if e.commit and e.ended and e.started
    }
