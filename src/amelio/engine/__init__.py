"""Decides, orders, runs, guards and remembers stages; knows DVC only through `model.Workspace`."""
