"""Text out of files that strangers made: in a child process that may die, under limits that the kernel holds.

`reader.py` runs in the worker, everything that touches the file's bytes in children of `nursery.py`.
"""
