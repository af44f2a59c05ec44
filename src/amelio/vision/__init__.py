"""Classification of several attributes of images that arrive in lots (PyTorch)."""
