"""nbgrader's settings, for its commands in this folder and for formgrader; the values are in course_utils/grading/formgrader.py."""

from course_utils.grading.formgrader import configure

configure(get_config())  # noqa: F821 - the name that traitlets gives to configuration files
