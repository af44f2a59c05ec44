"""`amelio health`: what is wrong with this set-up, and what mends it."""

from amelio.dvcio.cache.storage import cache_facts
from amelio.dvcio.facts.health import health_facts
from amelio.dvcio.facts.survey import stage_facts
from amelio.dvcio.translate import translated
from amelio.dvcio.workspace import DvcWorkspace
from amelio.insight.health import HealthFinding, judge_health

TIMEOUT_S = 15.0


def examine(workspace: DvcWorkspace, timeout_s: float = TIMEOUT_S) -> tuple[HealthFinding, ...]:
    """Look at cache, links, disks, remotes and committed settings; nothing of it is left behind.

    timeout_s: for each remote
    """
    with translated():
        stages = stage_facts(workspace, judge=False)
        return judge_health(health_facts(workspace, stages, cache_facts(workspace), timeout_s))
