"""The words that amelio knows; every other word is DVC's."""

from collections.abc import Mapping
from typing import NamedTuple


class Command(NamedTuple):
    """One word: where its function (or group of functions) is, and its line in `--help`.

    No dataclass: that module takes 6 ms to import, which "nothing to do" need not wait for.

    words: the second words that amelio knows, where the others are DVC's; there is no target then
    """

    target: str
    summary: str
    words: Mapping[str, "Command"] | None = None


EXPERIMENTS = {
    "show": Command("amelio.cli.exp_show:show", "Compare experiments in a table."),
    "run": Command("amelio.cli.exp_run:run", "Run experiments, in here or many in parallel."),
    "status": Command("amelio.cli.exp_status:status", "What waits, runs, and has ended."),
    "logs": Command("amelio.cli.exp_logs:logs", "Show what an experiment's stages printed."),
    "stop": Command("amelio.cli.exp_stop:stop", "Stop experiments, or take them off the queue."),
    "retry": Command("amelio.cli.exp_stop:retry", "Queue failed and stopped experiments again."),
    "diff": Command("amelio.cli.exp_diff:diff", "What differs: metrics, params, files."),
    "remove": Command("amelio.cli.exp_remove:remove", "Remove by pattern, filter, age."),
}

COMMANDS = {
    "repro": Command("amelio.cli.repro:repro", "Run what must run, in parallel; say why."),
    "why": Command("amelio.cli.why:why", "Say every reason for which a stage would run."),
    "logs": Command("amelio.cli.logs:logs", "Show what a stage printed."),
    "new": Command("amelio.cli.new:new", "Write the vision pipeline into a repository."),
    "demo": Command("amelio.cli.demo:demo", "Make a complete demo project and run it."),
    "lots": Command("amelio.cli.lots:app", "Take in new lots of images."),
    "predict": Command("amelio.cli.predict:predict", "Predict files or folders with a model."),
    "promote": Command("amelio.cli.promote:promote", "Make a model the champion."),
    "compare": Command("amelio.cli.compare:compare", "Rank models of any revisions."),
    "ci": Command("amelio.cli.ci:app", "Write workflow files for GitHub."),
    "check": Command("amelio.cli.check:check", "Judge the metrics by rules; alerts, exit code."),
    "perf": Command("amelio.cli.perf:perf", "Times, cache, sizes, reproducibility score."),
    "health": Command("amelio.cli.health:health", "Say what is wrong with this set-up."),
    "exp": Command("", "Run, compare and tidy experiments.", EXPERIMENTS),
    "report": Command("amelio.cli.report:report", "Write reports: HTML, Markdown, pull request."),
}

# DVC's words to which amelio adds something. Their functions get the command line as it stands.
EXTENDED = {
    "metrics": Command("amelio.cli.metrics:metrics", "DVC's, and --show-md."),
    "params": Command("amelio.cli.params:params", "DVC's, and `params show`, --show-md."),
    "gc": Command("amelio.cli.garbage:gc", "DVC's; lists what it would free, then asks."),
    "cache": Command("amelio.cli.cache:cache", "DVC's; `cache dir` makes and tries the folder."),
    "config": Command("amelio.cli.config:config", "DVC's, and core.jobs, in amelio.yaml."),
    "checkout": Command("amelio.cli.checkout:checkout", "DVC's; hands out nothing damaged."),
    "remote": Command("amelio.cli.remote:remote", "DVC's; keeps credentials out of Git."),
}
