"""Probabilities: right in shape, and the same for an image whatever stands beside it."""

import pytest
import torch

from amelio.vision.checkpoint import Model, new_net
from amelio.vision.data.schema import Attribute, Preprocessing
from amelio.vision.inference.prediction import CHUNK, is_unsure, predict_probabilities

ATTRIBUTES = (Attribute("colour", ("r", "g", "b")), Attribute("bright", (0, 1)))
IMAGES = torch.randint(
    0, 256, (CHUNK + 37, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
)


@pytest.fixture(scope="module", params=[True, False], ids=["mirrored", "plain"])
def model(request: pytest.FixtureRequest) -> Model:
    torch.manual_seed(0)
    preprocessing = Preprocessing(image_size=16, trim_border=True)
    net = new_net(ATTRIBUTES, preprocessing)
    net.fit_to(IMAGES)
    return Model(net, ATTRIBUTES, preprocessing, {"augmentation": {"flip": request.param}})


def test_probabilities_per_attribute(model: Model) -> None:
    colour, bright = predict_probabilities(model, IMAGES)
    assert (colour.shape, bright.shape) == ((len(IMAGES), 3), (len(IMAGES), 2))
    assert colour.dtype == torch.float32
    torch.testing.assert_close(colour.sum(1), torch.ones(len(IMAGES)))
    assert colour.std(0).min() > 1e-4, "every image got the same answer"


@pytest.mark.parametrize("n", [1, 2, 7, CHUNK - 1, CHUNK, CHUNK + 1, CHUNK + 37])
def test_the_same_bits_in_any_company(model: Model, n: int) -> None:
    together = predict_probabilities(model, IMAGES)
    chosen = torch.randperm(len(IMAGES), generator=torch.Generator().manual_seed(n))[:n]
    alone = predict_probabilities(model, IMAGES[chosen])
    for ours, theirs in zip(alone, together, strict=True):
        assert ours.equal(theirs[chosen])


def test_an_unsure_model_says_the_same_of_a_mirror_image_only_where_trained_so(
    model: Model,
) -> None:
    ours, mirrored = (predict_probabilities(model, x)[0] for x in (IMAGES, IMAGES.flip(3)))
    assert torch.allclose(ours, mirrored) == model.params["augmentation"]["flip"]


def test_only_unsure_images_are_looked_at_mirrored() -> None:
    preprocessing = Preprocessing(image_size=16, trim_border=True)
    torch.manual_seed(0)
    net = new_net(ATTRIBUTES, preprocessing)
    net.fit_to(IMAGES)
    with torch.no_grad():
        for weights in net.heads.parameters():
            weights.mul_(5)
    once, twice = (
        predict_probabilities(Model(net, ATTRIBUTES, preprocessing, params), IMAGES)
        for params in ({"augmentation": {"flip": False}}, {"augmentation": {"flip": True}})
    )
    unsure = is_unsure(once)
    assert 5 < int(unsure.sum()) < len(IMAGES) - 5
    for one, two in zip(once, twice, strict=True):
        assert one[~unsure].equal(two[~unsure])
        assert not bool((one[unsure] == two[unsure]).all(1).any())


def test_no_images(model: Model) -> None:
    assert [tuple(part.shape) for part in predict_probabilities(model, IMAGES[:0])] == [
        (0, 3),
        (0, 2),
    ]
