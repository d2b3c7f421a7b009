"""The two projects at the end of the course: their networks, their measuring bench, and the recorded results of long runs."""
