"""Typed answers: reading, comparing, showing and substituting them. Runs inside the sandbox.

Parsing an answer evaluates text that a model wrote, so this package is loaded by the sandbox's
server and called only in its programs (see `tools/answers.py`). It imports nothing from this
package but `language/text.py` and `tools/measures.py`, which are plain data.
"""
