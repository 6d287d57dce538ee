"""What holds for any task store, any queue and any workflow, as suites that each of them runs.

A store or a queue of one's own is one more entry in `stores.STORES` or `queues.QUEUES`; a workflow
that is registered is in `test_workflows.py` by itself, and `workflows.py` checks one that is not.
"""
