"""For instructors and graders: releases exercises, runs submissions in a sandbox, and decides by what they answer."""
