"""Lots that drift and lots that do not, and what is looked at."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from amelio.errors import InputError
from amelio.vision.checkpoint import Model, load_model, new_net, save_model
from amelio.vision.data.schema import Preprocessing, Side
from amelio.vision.inference.inference import predict_files
from amelio.vision.monitoring.drift import measure_drift
from amelio.vision.monitoring.findings import Kind
from amelio.vision.monitoring.lot_traits import sample
from amelio.vision.params import DriftParams
from tests.vision.monitoring.conftest import Bench


def test_a_darker_lot_drifts_and_says_in_what(bench: Bench) -> None:
    like, darker = bench.write_lot("s2", seed=1), bench.write_lot("s3", seed=2, darker=60)
    usual, drifted = bench.drift(like, darker)
    assert not usual.drifts
    assert usual.strength() < 1
    assert drifted.drifts
    assert {"brightness", "red", "green", "blue"} <= {each.name for each in drifted.shifted}
    brightness = next(each for each in drifted.findings if each.name == "brightness")
    assert brightness.before - brightness.after == pytest.approx(60, abs=15)
    assert brightness.shift.ks == pytest.approx(0.68, abs=0.15)  # 2 Φ(60 / 2 / 30) - 1


def test_every_kind_of_trait_is_compared(bench: Bench) -> None:
    (found,) = bench.drift(bench.write_lot("s2", seed=1), n_directions=3)
    by_kind = {kind: [f.name for f in found.findings if f.kind is kind] for kind in Kind}
    assert len(by_kind[Kind.IMAGES]) == 7
    assert by_kind[Kind.EMBEDDING] == ["distance to training"] + [
        f"direction {n}" for n in (1, 2, 3)
    ]
    assert by_kind[Kind.CLASSES] == ["colour: classes", "mirrored: classes"]
    assert by_kind[Kind.CONFIDENCE] == ["colour: confidence", "mirrored: confidence"]


def test_a_sure_but_small_difference_does_not_count(bench: Bench) -> None:
    lot = bench.write_lot("s2", seed=1, n=1000, darker=11)
    (found,) = bench.drift(lot)
    brightness = next(each for each in found.findings if each.name == "brightness")
    assert brightness.p_corrected < 0.001
    assert not found.drifts
    (strict,) = bench.drift(lot, min_ks=0.05)
    assert "brightness" in [each.name for each in strict.shifted]


def test_few_images_are_no_drift_unless_all_are_far(bench: Bench) -> None:
    usual, far = bench.drift(
        bench.write_lot("s2", seed=3, n=3), bench.write_lot("s3", seed=4, n=6, darker=120)
    )
    assert not usual.drifts
    assert far.drifts


def test_annotated_images_are_left_out(bench: Bench) -> None:
    lot = bench.write_lot("s1", seed=1, n=30)
    some = replace(bench.data, files=bench.data.files[:20] + ("x/y.png",) * 380)
    (found,) = measure_drift(bench.model, some, [lot], DriftParams(), bench.kept)
    assert (found.looked_at.n_annotated, len(found.looked_at.traits)) == (20, 10)
    assert found.looked_at.files[0] == "s1_00020.png"
    (none_left,) = bench.drift(lot)
    assert (none_left.looked_at.n_annotated, none_left.findings) == (30, ())
    assert not none_left.drifts


def test_unreadable_images_are_counted(bench: Bench) -> None:
    lot = bench.write_lot("s2", seed=1, n=10)
    (lot / "s2_00003.png").write_bytes(b"no picture")
    (lot / "s2_00007.png").write_bytes(b"")
    for _ in range(2):  # also when taken as kept
        (found,) = bench.drift(lot)
        assert found.looked_at.n_unreadable == 2
        assert len(found.looked_at.traits) == len(found.looked_at.files) == 8
        assert "s2_00003.png" not in found.looked_at.files


def test_predictions_are_those_of_predict_lot(bench: Bench) -> None:
    lot = bench.write_lot("s2", seed=1, n=70)
    (found,) = bench.drift(lot)
    model = load_model(bench.model)
    files = [lot / file for file in found.looked_at.files]
    probabilities = [each.probabilities[0] for each in predict_files(model, files)]
    seen = found.looked_at.traits.probabilities[0].amax(1)
    np.testing.assert_allclose(seen, probabilities, atol=1e-6)


def test_a_lot_that_was_looked_at_is_not_looked_at_again(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    old = bench.write_lot("s2", seed=1)
    first = bench.drift(old)
    new = bench.write_lot("s3", seed=2)
    capsys.readouterr()
    again, other = bench.drift(old, new)
    told = capsys.readouterr().err
    assert "looking at s3" in told
    assert "looking at s2" not in told
    assert again.findings == first[0].findings
    shutil.rmtree(bench.kept)
    assert [each.findings for each in bench.drift(old, new)] == [again.findings, other.findings]


def test_what_changed_is_looked_at_again(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    lot = bench.write_lot("s2", seed=1)
    (before,) = bench.drift(lot)
    (lot / "s2_00000.png").write_bytes((lot / "s2_00001.png").read_bytes())
    (after,) = bench.drift(lot)
    assert after.findings != before.findings
    (bench.kept / "lots/s2.pt").write_bytes(b"damaged")
    (mended,) = bench.drift(lot)
    assert mended.findings == after.findings
    torch.manual_seed(1)
    net = new_net(bench.data.attributes, bench.data.preprocessing)
    save_model(Model(net, bench.data.attributes, bench.data.preprocessing), bench.model)
    (other,) = bench.drift(lot)
    assert other.findings != after.findings
    assert capsys.readouterr().err.count("looking at s2") == 4


def test_large_lots_are_sampled_the_same_way_whatever_else_comes(bench: Bench) -> None:
    names = [f"image {number}" for number in range(1000)]
    chosen = sample(names, 100)
    assert len(chosen) == 100
    assert chosen == [name for name in names if name in set(chosen)]
    assert len(set(sample([*names, "one more"], 100)) - set(chosen)) <= 1
    places = [names.index(name) for name in chosen]
    assert abs(np.mean(places) - 500) < 100  # from all over the lot
    (found,) = bench.drift(bench.write_lot("s2", seed=1), n_images=15)
    assert (len(found.looked_at.traits), found.looked_at.n_images) == (15, 40)


def test_users_mistakes_are_told(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        bench.drift(bench.raw / "s9")
    (bench.raw / "s4").mkdir(parents=True)
    with pytest.raises(InputError, match="empty lot"):
        bench.drift(bench.raw / "s4")
    learnt = replace(bench.data, sides=torch.full((400,), int(Side.TRAIN), dtype=torch.uint8))
    with pytest.raises(InputError, match="no annotated image is left to compare"):
        measure_drift(bench.model, learnt, [], DriftParams(), bench.kept)
    larger = replace(bench.data, preprocessing=Preprocessing(16, trim_border=False))
    with pytest.raises(InputError, match="trained on images of another size"):
        measure_drift(bench.model, larger, [], DriftParams(), bench.kept)
    with pytest.raises(InputError, match="no such file"):
        measure_drift(tmp_path / "none.pth", bench.data, [], DriftParams(), bench.kept)
