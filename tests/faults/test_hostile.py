"""Every hostile and every broken submission in one run, beside five honest ones; each has its expected outcome."""

import collections
import json
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest
from course_utils.grading.state import read_json

from . import half_saved, harness, odd_files, running_wild, wanting_marks  # noqa: F401 - each of the four enters its faults into the list
from .paper import FAULTS, LOOT, RNN, Paper

TABLE = harness.REPOSITORY / "build" / "faults.md"


def _asked_for(session):
    """The faults whose tests are run: `pytest -k NAME` grades only that one beside the honest students."""
    chosen = {item.callspec.params["fault"].name for item in session.items if "fault" in getattr(getattr(item, "callspec", None), "params", ())}
    return [fault for fault in FAULTS if fault.name in chosen]


@pytest.fixture(scope="module")
def batch(request):
    """The run: honest students alone, then everybody."""
    with harness.guarded() as (places, visitors):
        folder, alone = places.scratch / "submissions", places.scratch / "alone"
        harness.hand_in_honest(alone, places)
        harness.hand_in_honest(folder, places)
        harness.hand_in(folder, places, _asked_for(request.session))
        before = harness.fingerprint(places)
        baseline = places.scratch / "baseline"
        harness.grade_all(baseline, alone)
        code, first = harness.run(places.state, "collect", _zip(places))
        assert code == 0, first
        said = first + harness.grade_all(places.state, folder)
        found = SimpleNamespace(places=places, visitors=visitors, before=before, after=harness.fingerprint(places), said=said, state=places.state,
                                rows=harness.rows(places.state), results=harness.results(places.state), baseline=harness.rows(baseline),
                                stray=harness.stray_files(places))  # fmt: skip
        _write_table(found, _asked_for(request.session))
        yield found


def _zip(places):
    """A learning platform's zip with odd names; each holds a right notebook."""
    path, data = places.scratch / "platform.zip", Paper(places).right().data()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in [*odd_files.ZIPPED.values(), *odd_files.LEADING_OUT]:
            archive.writestr(zipfile.ZipInfo(name, (2026, 3, 1, 12, 0, 0)), data)
    return path


def _write_table(found, faults):
    lines = ["| group | fault | what it tries | outcome |", "| --- | --- | --- | --- |"]
    for fault in faults:
        row = found.rows.get((fault.name, fault.lesson))
        if not row or not fault.expected.placed:
            row, outcome = None, "needs a person: listed as one that nobody could place"
        else:
            outcome = f"{row['status']}: {', '.join(_number(p) for p in harness.points(row, fault.lesson))}"
        why = f"; {row['why'][:150]}" if row and row["status"] != "graded" else ""
        lines.append("| " + " | ".join(text.replace("|", "\\|").replace("\n", " ") for text in (fault.group, fault.name, fault.tries, outcome + why)) + " |")
    for label, path in odd_files.ZIPPED.items():
        lines.append(f"| odd names | {label} | a student of this name, in a platform's zip | {_outcome_of_zipped(found, path)} |")
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _number(value):
    return "no points" if value is None else f"{value:g}"


def _outcome_of_zipped(found, path):
    return next((f"{found.rows[key]['status']}, as {key[0]}" for key in found.rows if _is_from(found, key, path)), "nothing")


def _is_from(found, key, path):
    """Whether the row belongs to this path of the zip."""
    original = read_json(found.state / "submitted" / key[0] / key[1] / "record.json").get("original", "")
    return _number_in(path) in original or len(path) > 300 and original.startswith(path[:200])


def _number_in(path):
    return path.split("_assignsubmission")[0].rpartition("_")[2]


# --- Each fault ---


def test_there_are_enough_faults():
    assert len(FAULTS) + len(odd_files.ZIPPED) + len(odd_files.LEADING_OUT) >= 80


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_outcome(batch, fault):
    row, wanted = batch.rows.get((fault.name, fault.lesson)), fault.expected
    assert row, f"{fault.name} is in no row; said of it: {[line for line in batch.said.splitlines() if fault.name in line]}"
    got = (row["status"], harness.points(row, fault.lesson))
    assert got == (wanted.status, wanted.points), row["why"]
    reason = row["why"] if wanted.placed else " ".join(line for line in batch.said.splitlines() if f"{fault.name}/" in line)
    assert wanted.why in reason, reason
    assert wanted.placed or "needs a person" in reason
    assert row["total"] == ""  # the open task waits for a person in every one of them


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.expected.why], ids=lambda fault: fault.name)
def test_nobodys_failure_is_a_zero(batch, fault):
    row, result = batch.rows[fault.name, fault.lesson], batch.results.get((fault.name, fault.lesson), {"tasks": {}})
    assert None in harness.points(row, fault.lesson) and row["total"] == ""
    assert not [name for name, task in result["tasks"].items() if task["points"] == 0 and task["name"] == "no evidence"]
    assert fault.name in batch.said


@pytest.mark.parametrize("label", odd_files.ZIPPED)
def test_odd_names_are_kept_apart_and_graded(batch, label):
    path = odd_files.ZIPPED[label]
    keys = [key for key in batch.rows if _is_from(batch, key, path)]
    assert len(keys) == 1, batch.said
    row = batch.rows[keys[0]]
    assert (row["status"], harness.points(row)) == ("graded", (10, 10))
    assert not row["name"].lstrip().startswith(("=", "+", "-", "@", "|", "%")) and row["name"].isprintable()


def test_paths_that_lead_out_of_the_archive_need_a_person(batch):
    found = [row for row in batch.rows.values() if row["name"] == "outside" and row["lesson"] == RNN]
    assert [row["status"] for row in found] == ["needs a person"] * len(odd_files.LEADING_OUT)
    assert all("outside the archive" in row["why"] and row["total"] == "" for row in found)
    assert not list(Path("/").glob("outside*")) + list(batch.places.scratch.glob("**/outside*01_rnn_formula.ipynb"))


# --- Everybody else, and everything else ---


@pytest.mark.parametrize("student", harness.HONEST_POINTS)
def test_honest_grades_are_unchanged(batch, student):
    lesson = next(lesson for build, lesson in harness.HONEST.items() if build.__name__ == student)
    row = batch.rows[student, lesson]
    assert row == batch.baseline[student, lesson]
    assert harness.points(row, lesson) == harness.HONEST_POINTS[student]


def test_honest_half_is_told_its_mistake(batch):
    task = batch.results["honest_half", RNN]["tasks"]["rnn_step"]
    assert task["name"] == "bias missing" and task["sentence"].startswith("The bias is missing.")


def test_gradebook_is_intact(batch):
    found = harness.gradebook_rows(batch.state)
    assert {student for (student, _), row in batch.rows.items() if row["status"] != "not submitted"} <= set(found)


def test_no_forged_point_anywhere(batch):
    for (student, lesson), row in batch.rows.items():
        most = max((value for value in harness.points(row, lesson) if value is not None), default=0)
        assert 0 <= most <= 10 and float(row["max"]) == 30, student
        assert row["open"] == "" and row["by hand"] == "", student


def test_nothing_was_read(batch):
    stolen = {key: line for key, result in batch.results.items() for line in harness.shown(result).splitlines() if LOOT in line}
    assert stolen == {}


def test_no_secret_came_out(batch):
    secret = batch.places.secret.encode()
    files = [path for path in batch.state.rglob("*") if path.is_file() and path not in batch.places.files]
    assert len(files) > 3 * len(FAULTS)
    assert [str(path) for path in files if secret in path.read_bytes()] == []
    assert batch.places.secret not in batch.said


def test_nothing_outside_was_written(batch):
    assert batch.after == batch.before
    assert batch.stray == []


def test_nobody_was_called(batch):
    assert batch.visitors == []


def test_results_stay_small(batch):
    sizes = {str(path): path.stat().st_size for path in batch.state.rglob("*") if path.is_file() and "submitted" not in path.parts}
    assert {path: size for path, size in sizes.items() if size > 8_000_000 and not path.endswith(".db")} == {}


def test_results_are_json_for_everybody(batch):
    for result in batch.results.values():
        json.dumps(result, allow_nan=False).encode()


def test_each_page_belongs_to_its_student(batch):
    for (student, lesson), row in batch.rows.items():
        page = batch.state / "feedback" / student / lesson
        assert row["status"] not in ("graded", "needs a person") or (page / f"{lesson}.html").is_file(), student


class Active(HTMLParser):
    """Counts what could run or load something: scripts, frames, handlers, addresses."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.found = collections.Counter()
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        if tag in ("script", "iframe", "object", "embed", "form", "base", "link", "svg", "math", "video", "audio", "button", "input", "meta"):
            self.found[tag] += 1
        for name, value in attributes:
            value = "".join((value or "").split()).lower()
            if name.startswith("on") or name in ("srcdoc", "formaction", "xlink:href"):
                self.found[name] += 1
            if name in ("href", "src", "action") and not value.startswith(("#", "http:", "https:", "mailto:", "data:image/png;base64,")):
                self.found[f"{name}={value[:30]}"] += 1


def test_no_page_runs_what_a_student_wrote(batch):
    pages = {path: Active(path.read_text(encoding="utf-8")).found for path in batch.state.glob("feedback/**/*.html")}
    ordinary = next(found for path, found in pages.items() if path.parts[-3] == "honest_right")
    assert len(pages) > len(FAULTS) / 2
    assert {path.parts[-3]: found - ordinary for path, found in pages.items() if found - ordinary} == {}


def test_report_runs_nothing(batch):
    assert set(Active((batch.state / "report.html").read_text(encoding="utf-8")).found) <= {"meta"}


def test_terminal_shows_no_control_characters(batch):
    assert [line for line in batch.said.splitlines() if any(not c.isprintable() for c in line.replace("\t", ""))] == []
