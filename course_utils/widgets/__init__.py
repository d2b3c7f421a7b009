"""Pictures to take into the hand. They compute in the browser, so they live without a kernel and without a network."""

from course_utils.widgets.joined import source

__all__ = ["source"]
