"""Conformance suites for any task store, any queue and any workflow.

To test another store or queue, add it to `stores.STORES` or `queues.QUEUES`. Registered workflows
are tested automatically by `test_workflows.py`; `workflows.py` can check one that is not.
"""
