"""Slides, a handout and the site, all made from the saved lessons (instructors)."""
