"""Feedback on exercises: `check_...(your_function)` says what is right, or names the first wrong term."""
