"""What `make bench` measures, and how: the kit beside what a user would take instead, every row in one run."""
