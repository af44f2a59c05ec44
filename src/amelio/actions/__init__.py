"""One function per thing that a user does; the public Python API; prints nothing."""
