"""test_performance.py is a stage of the pipeline: pytest shall not collect it."""

collect_ignore = ["test_performance.py"]
