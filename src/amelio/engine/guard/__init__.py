"""The processes between amelio and a stage's command. Standard library only: they start in
milliseconds.
"""
