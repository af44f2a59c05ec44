"""Classification of several attributes of images that arrive in lots (PyTorch)."""

import gc

COLLECTOR = gc.get_threshold()  # as it was; `run_stage` goes back to it
gc.set_threshold(200_000, 50, 50)  # importing PyTorch makes much and drops little: 0.3 s of 2
