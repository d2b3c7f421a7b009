"""Helpers of the course kit Unrolled: data batching, digit plotting, model construction.

Importing the package imports neither TensorFlow nor matplotlib; each module imports what it needs.
"""

__version__ = "0.1.0"
