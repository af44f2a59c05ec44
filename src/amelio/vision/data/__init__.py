"""Images and annotations: files → tensors, split, balance."""
