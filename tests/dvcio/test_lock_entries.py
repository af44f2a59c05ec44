"""Lock entries read line by line are those that a YAML reader finds."""

import pytest

from amelio.dvcio.git.commit_files import plain_lock_entry, yaml_lock_entry

ENTRY = """\
  train@a-b:
    cmd: |
      echo "
      deps:
      - path: no"
    deps:
    - path: data/a b.csv
      hash: md5
      md5: 9652f648a7895476e9e272be72c1b0a0.dir
      size: 18
      nfiles: 3
    - path: src/train.py
      hash: md5
      md5: 12345678901234567890123456789012
      size: 211
    params:
      params.yaml:
        train:
          deps: [1]
    outs:
    - path: model.pt
      hash: md5
      md5: 00000000000000000000000000000000
      size: 7
      isexec: true
"""


def test_what_dvc_writes_needs_no_yaml() -> None:
    found = plain_lock_entry(ENTRY)
    assert found == yaml_lock_entry(ENTRY)
    assert found is not None
    assert found["train@a-b"]["outs", "model.pt"]["md5"] == "0" * 32
    assert ("deps", "no") not in found["train@a-b"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("src/train.py", "'quoted # path'"),
        ("src/train.py", "- x"),
        ("src/train.py", "a:b"),
        ("src/train.py", "très.py"),
        ("src/train.py", "long\n        folded path"),
        ("    - path: src", "    - hash: md5\n      path: src"),
        ("      size: 211", "      cloud: {}"),
        ("  train@a-b:", "  'train':"),
        ("    outs:", "    outs: # here"),
        ("    outs:", "# a comment\n    outs:"),
        ("      size: 211", "\n      size: 211"),
        ("12345678901234567890123456789012", "&x a"),
    ],
)
def test_anything_else_is_left_to_yaml(old: str, new: str) -> None:
    assert ENTRY.count(old) == 1
    changed = ENTRY.replace(old, new)
    found = plain_lock_entry(changed)
    assert found is None or found == yaml_lock_entry(changed)
