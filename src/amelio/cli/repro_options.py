"""Options that `amelio repro` and `amelio exp run` share, with DVC's names and meaning."""

from typing import Annotated

import typer

SingleItem = Annotated[
    bool, typer.Option("--single-item", "-s", help="Only the targets, not what they need.")
]
Pipeline = Annotated[
    bool, typer.Option("--pipeline", "-p", help="The whole pipelines of the targets.")
]
AllPipelines = Annotated[
    bool, typer.Option("--all-pipelines", "-P", help="All pipelines of the repository.")
]
Recursive = Annotated[
    bool, typer.Option("--recursive", "-R", help="All stages in the given folders.")
]
Downstream = Annotated[bool, typer.Option("--downstream", help="The targets and what needs them.")]
ForceDownstream = Annotated[
    bool, typer.Option("--force-downstream", help="Run all that needs a stage that ran.")
]
Glob = Annotated[bool, typer.Option("--glob", help="Targets may have wildcards.")]
Interactive = Annotated[bool, typer.Option("--interactive", "-i", help="Ask before each stage.")]
KeepGoing = Annotated[
    bool, typer.Option("--keep-going", "-k", help="After a failure, run what does not need it.")
]
IgnoreErrors = Annotated[bool, typer.Option("--ignore-errors", help="Go on as if nothing failed.")]
Pull = Annotated[bool, typer.Option("--pull", help="Fetch missing data from the remote.")]
AllowMissing = Annotated[
    bool, typer.Option("--allow-missing", help="Missing data alone is no reason to run.")
]
NoRunCache = Annotated[
    bool, typer.Option("--no-run-cache", help="Run what the run cache could restore.")
]
NoCommit = Annotated[bool, typer.Option("--no-commit", help="Do not store outputs in the cache.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show the stages' output.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only errors.")]
