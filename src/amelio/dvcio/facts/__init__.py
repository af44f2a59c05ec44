"""What a repository and its set-up say of themselves, read without running anything of it."""
