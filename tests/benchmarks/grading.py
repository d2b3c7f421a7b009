"""Grades the same class with the kit and with plain nbgrader, in turn, and prints how many times faster the kit is.

    python tests/benchmarks/grading.py --lesson 01_rnn_formula --students 40 --repeat 3

Both are timed as whole commands, from start to end. `--only kit` grades with the kit alone, for large classes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
from classroom import write_class

from course_utils.grading.exercises import source_notebook

CONFIG = """
c = get_config()
c.CourseDirectory.course_id = "bench"
c.ExecutePreprocessor.timeout = 120
c.Exchange.course_id = "bench"
"""


def timed(command: list[str], folder: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Seconds that a command takes, and the most memory that it and its children hold, in GB; its output when it fails."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    memory = [0.0]
    watcher = threading.Thread(target=watch, args=(process.pid, memory), daemon=True)
    watcher.start()
    said, _ = process.communicate()
    if process.returncode not in (0, 1):  # nbgrader returns 1 when one submission failed
        sys.exit(f"{' '.join(command)} failed:\n{said[-3000:]}")
    return time.perf_counter() - begun, memory[0]


def watch(pid: int, most: list[float]) -> None:
    """Keep the most memory that the process tree holds; pages shared by several processes count once (PSS)."""
    try:
        process = psutil.Process(pid)
        while process.is_running():
            total = 0
            for one in [process, *process.children(recursive=True)]:
                try:
                    total += one.memory_full_info().pss
                except psutil.Error:
                    continue
            most[0] = max(most[0], total / 1e9)
            time.sleep(2)
    except psutil.Error:
        return


def plain(lesson: str, students: Path) -> tuple[float, float]:
    """One `nbgrader autograde` of the class in a course of its own."""
    with tempfile.TemporaryDirectory() as name:
        course = Path(name)
        (course / "nbgrader_config.py").write_text(CONFIG, encoding="utf-8")
        (course / "source" / lesson).mkdir(parents=True)
        shutil.copy(source_notebook(lesson), course / "source" / lesson)
        shutil.copytree(students, course / "submitted")
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # nbgrader calls alembic by its name
        environment = os.environ | {"COURSE_JOURNAL": str(course / "journal.jsonl"), "IPYTHONDIR": str(course / "ipython"), "PATH": path}
        nbgrader = [sys.executable, "-m", "nbgrader"]
        timed([*nbgrader, "generate_assignment", lesson], course, environment)
        found = timed([*nbgrader, "autograde", lesson], course, environment)
        graded = len(list((course / "autograded").glob("*/*/*.ipynb")))
        print(f"    plain nbgrader: {graded} graded")
        return found


def kit(lesson: str, students: Path, unsafe: bool) -> tuple[float, float]:
    """One `grade` of the class by the kit, in a state folder of its own."""
    with tempfile.TemporaryDirectory() as name:
        environment = os.environ | {"COURSE_STATE": f"{name}/state"}
        grading = [sys.executable, "-m", "course_utils.grading"]
        timed([*grading, "collect", str(students)], Path(name), environment)
        found = timed([*grading, "grade", *(["--unsafe"] if unsafe else [])], Path(name), environment)
        results = [json.loads(path.read_text(encoding="utf-8")) for path in Path(name).glob("state/results/*/*.json")]
        print(f"    kit: {sum(result['status'] == 'graded' for result in results)} graded, {len(results)} results")
        return found


def main() -> None:
    """Run the comparison and print a line each, then the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lesson", default="01_rnn_formula")
    parser.add_argument("--students", type=int, default=40)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", choices=["kit"])
    parser.add_argument("--unsafe", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        write_class(Path(name), asked.lesson, asked.students)
        ratios = []
        for run in range(asked.repeat):
            ours, memory = kit(asked.lesson, Path(name), asked.unsafe)
            print(f"run {run + 1}: kit {ours:6.1f} s, {ours / asked.students:.2f} s a student, at most {memory:.1f} GB", flush=True)
            if not asked.only:
                theirs, memory = plain(asked.lesson, Path(name))
                ratios.append(theirs / ours)
                print(f"       plain {theirs:6.1f} s, {theirs / asked.students:.2f} s a student, at most {memory:.1f} GB: {ratios[-1]:.1f} times", flush=True)
        if ratios:
            print(f"{asked.lesson}, {asked.students} students: median {statistics.median(ratios):.1f} times ({min(ratios):.1f} to {max(ratios):.1f})")


if __name__ == "__main__":
    main()
