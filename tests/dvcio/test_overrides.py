"""`--set-param`: a name that is not in the file."""

from pathlib import Path

import pytest

from amelio.dvcio.experiments.overrides import apply
from amelio.dvcio.repository import open_repo
from amelio.errors import InputError

PARAMS = """\
train: {learning_rate: 0.1, batch_size: 8, sizes: [1, 2]}
data: {seed: 1, 7: seven}
"""


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("train.learning_rat=1", "has no 'learning_rat' in train; did you mean 'learning_rate'?"),
        ("train.lr=1", "has no 'lr' in train; did you mean 'learning_rate'?"),
        ("trian.learning_rate=1", "has no 'trian'; did you mean 'train'?"),
        ("seed=1", "has no 'seed'; did you mean 'data.seed'?"),
        ("~train.batch_siz", "has no 'batch_siz' in train; did you mean 'batch_size'?"),
        ("data.xyz=1", "has no 'xyz' in data; known: seed, 7"),
        ("train.batch_size.x=1", "has no section 'train.batch_size'"),
        ("train.sizes.x=1", "has no section 'train.sizes'"),
        ("train.sizes.7=1", "Error merging override"),  # in Hydra's words
    ],
)
def test_an_unknown_name_has_a_suggestion(
    repository: Path, monkeypatch: pytest.MonkeyPatch, value: str, told: str
) -> None:
    monkeypatch.chdir(repository)
    Path("params.yaml").write_text(PARAMS)
    with open_repo() as repo, pytest.raises(InputError) as caught:
        apply(repo, {"params.yaml": ("+train.new=1", "data.seed=2", value)}, no_hydra=False)
    assert told in caught.value.message
    assert "`+name=value` adds one" in (caught.value.hint or "")
    assert Path("params.yaml").read_text() == PARAMS
