"""Loss and class weights against references; unknown labels count for nothing."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from amelio.vision.training.loss import attribute_losses, balanced_weights


def test_equals_torch_where_all_labels_are_known() -> None:
    logits = torch.randn(20, 4)
    labels = torch.randint(0, 4, (20, 1))
    loss = attribute_losses([logits], labels, weights=[None], label_smoothing=0.1)
    expected = functional.cross_entropy(logits, labels[:, 0], label_smoothing=0.1)
    torch.testing.assert_close(loss[0], expected)


def test_unknown_labels_do_not_change_loss_or_gradient() -> None:
    logits = torch.randn(8, 3, requires_grad=True)
    labels = torch.randint(0, 3, (8, 1))
    labels[5:] = -1
    loss = attribute_losses([logits], labels, weights=[None])[0]
    torch.testing.assert_close(loss, functional.cross_entropy(logits[:5], labels[:5, 0]))
    loss.backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert not logits.grad[5:].any()
    assert bool(logits.grad[:5].any())


def test_an_attribute_unknown_in_the_whole_batch_costs_nothing() -> None:
    logits = [torch.randn(4, 2), torch.randn(4, 3)]
    labels = torch.tensor([[0, -1], [1, -1], [0, -1], [1, -1]])
    losses = attribute_losses(logits, labels, weights=[None, None])
    assert losses[1] == 0
    assert losses[0] > 0


def test_balanced_weights_are_those_of_scikit_learn() -> None:
    sklearn = pytest.importorskip("sklearn.utils.class_weight")
    labels = torch.tensor([0] * 6 + [2] * 3 + [1] + [-1] * 5)
    known = labels[labels >= 0].numpy()
    expected = sklearn.compute_class_weight("balanced", classes=np.arange(3), y=known)
    assert balanced_weights(labels, 3).tolist() == pytest.approx(expected.tolist())


def test_a_class_that_never_occurs_weighs_nothing() -> None:
    assert balanced_weights(torch.tensor([0, 0, 1, 1]), 3).tolist() == [1.0, 1.0, 0.0]
