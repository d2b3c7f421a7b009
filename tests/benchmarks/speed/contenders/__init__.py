"""What runs in the worker processes, one module for each contender; nothing is imported before a worker asks for it.

A module has one class for each task (`Training`, `Inference`, `Batches`). Its object is made from a case and gets ready, then `go(count)`
returns the seconds that each of so many steps, calls or batches took on average. The peers' modules import nothing of the course.
"""
