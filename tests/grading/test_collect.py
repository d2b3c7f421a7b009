"""Collecting: names of platforms, hostile archives, broken files, resubmissions; and never a success with nothing in it."""

import json
import os
import stat
import zipfile

import pytest
from conftest import LESSONS, submission

from course_utils.grading import collect as collecting
from course_utils.grading import sources
from course_utils.grading.collect import collect, named_lesson
from course_utils.grading.state import GradingError

ONE, TWO = "01_rnn_formula", "02_unrolling"
GOOD = submission(ONE)


def run(source, state, **options):
    return collect(source, state, LESSONS, **options)


def records(state):
    return {(record["name"], record["lesson"]): record for record in state.records()}


def only(state):
    (record,) = state.records()
    return record


def snapshot(folder):
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in sorted(folder.rglob("*")) if path.is_file()}


# --- Platforms ---


def test_moodle_with_folders_without_and_nested(make_zip, state):
    run(make_zip({
        "Ana López_11_assignsubmission_file_/01_rnn_formula.ipynb": GOOD,
        "Bo Li_12_assignsubmission_file_01_rnn_formula.ipynb": GOOD,
        "Cy_Under_score_13_assignsubmission_file_/deep/er/01_rnn_formula.ipynb": GOOD,
    }), state)  # fmt: skip
    assert {name for name, _ in records(state)} == {"Ana López", "Bo Li", "Cy_Under_score"}


def test_canvas_also_late_and_as_second_attempt(make_zip, state):
    run(make_zip({"lopezana_101_9001_01_rnn_formula.ipynb": GOOD, "libo_LATE_102_9002_01_rnn_formula-1.ipynb": GOOD}), state)
    assert set(records(state)) == {("lopezana", ONE), ("libo", ONE)}


@pytest.mark.parametrize("root", ["submitted/", "", "export/2026/"])
def test_folders_for_students_and_lessons(tmp_path, state, root):
    for student in ("alice", "bob"):
        for lesson in (ONE, TWO):
            path = tmp_path / "in" / root / student / lesson / f"{lesson}.ipynb"
            path.parent.mkdir(parents=True)
            path.write_bytes(submission(lesson))
    run(tmp_path / "in", state)
    assert [(r["student"], r["lesson"]) for r in state.records()] == [(s, lesson) for lesson in (ONE, TWO) for s in ("alice", "bob")]


def test_one_student_alone_in_nbgraders_layout(tmp_path, state):
    path = tmp_path / "in" / "submitted" / "alice" / ONE / f"{ONE}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_bytes(GOOD)
    (path.parent / "timestamp.txt").write_text("2026-02-03 04:05:06 UTC\n")
    run(tmp_path / "in", state)
    assert only(state)["student"] == "alice" and only(state)["submitted_at"] == "2026-02-03T04:05:06Z"


def test_flat_files_name_the_student(tmp_path, state):
    (tmp_path / "in").mkdir()
    for name in ("alice_01_rnn_formula.ipynb", "01-rnn-formula - Bob.ipynb", "zoë 01 RNN formula (1).ipynb"):
        (tmp_path / "in" / name).write_bytes(GOOD)
    run(tmp_path / "in", state)
    assert {name for name, _ in records(state)} == {"alice", "Bob", "zoë"}


@pytest.mark.parametrize("text, found", [
    ("01_rnn_formula-Copy1.ipynb", ONE), ("01 RNN Formula (2).ipynb", ONE), ("rnn.ipynb", None), ("01_rnn_formula_02_unrolling.ipynb", None),
])  # fmt: skip
def test_the_lesson_in_a_files_name(text, found):
    assert named_lesson(text, LESSONS) == found


def test_a_renamed_notebook_is_known_by_its_cells(make_zip, state):
    run(make_zip({"Ana_11_assignsubmission_file_/final FINAL.ipynb": submission(TWO)}), state)
    assert only(state)["lesson"] == TWO and only(state)["problem"] is None


def test_the_wrong_lesson_under_a_right_name_needs_a_person(make_zip, state):
    run(make_zip({"Ana_11_assignsubmission_file_/01_rnn_formula.ipynb": submission(TWO)}), state)
    assert "cells are those of 02_unrolling" in only(state)["problem"]


def test_the_lesson_itself_instead_of_its_exercise_needs_a_person(make_zip, state):
    lesson = json.dumps({"cells": [{"cell_type": "markdown", "metadata": {}, "source": "# Lesson"}], "nbformat": 4, "nbformat_minor": 5, "metadata": {}})
    run(make_zip({"Ana_11_assignsubmission_file_/01_rnn_formula.ipynb": lesson.encode()}), state)
    assert "none of the exercise's cells" in only(state)["problem"]


def test_an_unknown_lesson_is_kept_for_a_person_and_can_be_named(make_zip, state):
    other = json.dumps({"cells": [{"cell_type": "code", "metadata": {}, "source": "1"}], "nbformat": 4})
    archive = make_zip({"Ana_11_assignsubmission_file_/x.ipynb": other.encode(), "Bo_12_assignsubmission_file_/01_rnn_formula.ipynb": GOOD,
                        "Cy_13_assignsubmission_file_/02_unrolling.ipynb": submission(TWO)})  # fmt: skip
    run(archive, state)
    assert [one["name"] for one in state.unplaced()] == ["Ana"] and "unclear" in state.unplaced()[0]["problem"]
    run(make_zip({"Ana_11_assignsubmission_file_/x.ipynb": GOOD}, "again.zip"), state, lesson=ONE)
    assert ("Ana", ONE) in records(state)
    with pytest.raises(GradingError, match="--lesson should be one of"):
        run(archive, state, lesson="03")


# --- Names ---


def test_names_in_any_script_get_safe_unique_ids_and_stay_as_written(make_zip, state):
    names = ["李明", "Ángela Núñez", "محمد", "Alice", "alice", "ALICE", "O'Brien; rm -rf", "<script>alert(1)</script>", "=HYPERLINK(1)", "x" * 400, "..", "con", "😀"]
    run(make_zip({f"{name.replace('/', '∕')}_{k}_assignsubmission_file_/01_rnn_formula.ipynb": GOOD for k, name in enumerate(names)}), state)
    found = state.records()
    assert len({record["student"] for record in found}) == len(names)
    assert all(collecting.re.fullmatch(r"[a-z0-9][a-z0-9_-]*", record["student"]) and len(record["student"]) < 50 for record in found)
    assert {"李明", "محمد", "ALICE", "😀"} <= {record["name"] for record in found}
    assert state.notebook("alice", ONE).is_file() and not (state.folder / "submitted" / "con").exists()


def test_the_same_name_twice_stays_two_people_and_is_said(make_zip, state):
    files = {f"Wei Zhang_{k}_assignsubmission_file_/01_rnn_formula.ipynb": submission(ONE, f"    return {k}") for k in (21, 22)}
    summary = run(make_zip(files), state)
    assert len(state.records()) == 2 and len({record["student"] for record in state.records()}) == 2
    assert any("Several students are called Wei Zhang" in said for said in summary.said)


def test_a_namesake_who_comes_later_does_not_take_over(make_zip, state):
    run(make_zip({"Wei_21_assignsubmission_file_/01_rnn_formula.ipynb": GOOD}), state)
    first = only(state)
    run(make_zip({"Wei_22_assignsubmission_file_/01_rnn_formula.ipynb": submission(ONE, "    return 7")}, "b.zip"), state)
    assert len(state.records()) == 2 and first in state.records()


def test_moodles_new_number_in_the_next_assignment_is_the_same_student(make_zip, state):
    run(make_zip({"Ana_11_assignsubmission_file_/01_rnn_formula.ipynb": GOOD}), state)
    run(make_zip({"Ana_77_assignsubmission_file_/02_unrolling.ipynb": submission(TWO)}, "b.zip"), state)
    assert len({record["student"] for record in state.records()}) == 1


def test_blind_marking_and_empty_names(make_zip, state):
    run(make_zip({f"{name}_assignsubmission_file_/01_rnn_formula.ipynb": GOOD for name in ("Participant_5", "Participant_6", "_7")}), state)
    assert {name for name, _ in records(state)} == {"Participant 5", "Participant 6", "Participant 7"}


def test_ids_do_not_depend_on_the_order_of_files(make_zip, tmp_path):
    from course_utils.grading.state import open_state

    files = [(f"Wei Zhang_{k}_assignsubmission_file_/01_rnn_formula.ipynb", submission(ONE, f"    return {k}")) for k in (21, 22, 23)]
    found = []
    for name, order in (("a", files), ("b", files[::-1])):
        state = open_state(str(tmp_path / name))
        run(make_zip(order, f"{name}.zip"), state)
        found.append({record["sha256"]: record["student"] for record in state.records()})
    assert found[0] == found[1]


# --- Hostile ---


def link(name, kind=stat.S_IFLNK):
    info = zipfile.ZipInfo(name, (2026, 3, 1, 12, 0, 0))
    info.external_attr = (kind | 0o777) << 16
    return info


def test_links_special_files_and_paths_that_lead_out_are_dropped_and_said(make_zip, state, tmp_path):
    summary = run(make_zip([
        ("Ana_11_assignsubmission_file_/01_rnn_formula.ipynb", GOOD),
        (link("Bo_12_assignsubmission_file_/01_rnn_formula.ipynb"), b"/etc/passwd"),
        (link("Cy_13_assignsubmission_file_/01_rnn_formula.ipynb", stat.S_IFIFO), b""),
        ("../../evil_14_assignsubmission_file_/01_rnn_formula.ipynb", GOOD),
        ("/abs_15_assignsubmission_file_/01_rnn_formula.ipynb", GOOD),
        ("C:\\\\win_16_assignsubmission_file_\\01_rnn_formula.ipynb", GOOD),
    ]), state)  # fmt: skip
    good = [record for record in state.records() if not record["problem"]]
    assert [record["name"] for record in good] == ["Ana"]
    said = " ".join(summary.said)
    assert "links are not followed" in said and "no ordinary file" in said and said.count("leads outside the archive") == 3
    inside = {path.resolve() for path in state.folder.rglob("*")}
    assert all(state.folder in path.parents for path in inside)
    assert len([path for path in tmp_path.rglob("*.ipynb")]) == 1


def test_links_in_a_folder(tmp_path, state):
    secret = tmp_path / "secret.ipynb"
    secret.write_bytes(submission(ONE, "    return 'secret'"))
    for student in ("ana", "bo", "cy", "di", "ed"):
        (tmp_path / "in" / student).mkdir(parents=True)
    (tmp_path / "in/ana/01_rnn_formula.ipynb").write_bytes(GOOD)
    (tmp_path / "in/bo/01_rnn_formula.ipynb").symlink_to(secret)
    os.link(secret, tmp_path / "in/cy/01_rnn_formula.ipynb")
    os.mkfifo(tmp_path / "in/di/01_rnn_formula.ipynb")
    (tmp_path / "in/ed/01_rnn_formula").symlink_to(tmp_path)
    run(tmp_path / "in", state)
    assert {record["student"]: bool(record["problem"]) for record in state.records()} == {
        "ana": False, "bo": True, "cy": True, "di": True, "ed": True,
    }  # fmt: skip
    assert not any(b"secret'" in path.read_bytes() for path in state.folder.rglob("*") if path.is_file())


def test_a_bomb_is_stopped_while_it_is_unpacked(make_zip, state):
    bomb = b" " * 60_000_000
    run(make_zip({"Ana_11_assignsubmission_file_/01_rnn_formula.ipynb": bomb, "Bo_12_assignsubmission_file_/01_rnn_formula.ipynb": GOOD}), state)
    assert "larger than 10 MB" in records(state)["Ana", ONE]["problem"] and not records(state)["Bo", ONE]["problem"]


def test_a_zip_that_lies_about_sizes_and_one_that_is_encrypted(make_zip, state):
    path = make_zip({"Ana_11_assignsubmission_file_/01_rnn_formula.ipynb": GOOD, "Bo_12_assignsubmission_file_/01_rnn_formula.ipynb": GOOD}, compression=zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02")
    data[at + 8] |= 1  # the flag for encryption
    at = data.index(GOOD[:40])
    data[at + 5] ^= 255  # the first file's checksum is wrong now
    path.write_bytes(data)
    run(path, state)
    assert all("could not be unpacked" in record["problem"] for record in state.records()) and len(state.records()) == 2


def test_too_many_files_and_too_many_bytes(make_zip, state, monkeypatch):
    files = {f"s{k}_{k}_assignsubmission_file_/01_rnn_formula.ipynb": GOOD for k in range(4)}
    monkeypatch.setattr(sources, "MOST_TOTAL", 2 * len(GOOD))
    run(make_zip(files), state)
    assert [bool(record["problem"]) for record in state.records()] == [False, False, True, True]
    monkeypatch.setattr(sources, "MOST_FILES", 3)
    with pytest.raises(GradingError, match="more than 3 files"):
        run(make_zip(files), state)


# --- Broken ---

BROKEN = {
    "empty": (b"", "is empty"), "blank": (b"  \n", "is empty"), "cut": (GOOD[: len(GOOD) // 2], "damaged"),
    "zeros": (b"\0" * 5000, "damaged"), "deep": (b"[" * 200_000, "damaged"), "list": (b"[]", "not a notebook"), "null": (b"null", "not a notebook"),
    "no cells": (b'{"cells": []}', "no cells"), "cells of numbers": (b'{"cells": [1]}', "no cells"),
    "old": (b'{"worksheets": [], "nbformat": 3}', "old format"), "html": (b"<html>Sign in</html>", "damaged"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_needs_a_person(make_zip, state, name):
    data, sentence = BROKEN[name]
    run(make_zip({"Ana_11_assignsubmission_file_/01_rnn_formula.ipynb": data}), state)
    assert sentence in only(state)["problem"] and not state.notebook(only(state)["student"], ONE).exists()


@pytest.mark.parametrize("file, sentence", [("01_rnn_formula.ipynb.txt", "No notebook was sent"), ("answers.zip", "archives inside are not opened"), ("scan.pdf", "scan.pdf")])
def test_something_else_instead_of_a_notebook_needs_a_person(make_zip, state, file, sentence):
    run(make_zip({f"Ana_11_assignsubmission_file_/{file}": b"PK", "Bo_12_assignsubmission_file_/01_rnn_formula.ipynb": GOOD}), state)
    assert sentence in records(state)["Ana", ONE]["problem"]


def test_what_lies_beside_a_notebook_does_no_harm(make_zip, state):
    run(make_zip({f"Ana_11_assignsubmission_file_/{name}": data for name, data in {"01_rnn_formula.ipynb": GOOD, "data.csv": b"1", "x.py": b"1"}.items()}
                 | {"__MACOSX/Ana_11_assignsubmission_file_/._01_rnn_formula.ipynb": b"x", ".DS_Store": b"x"}), state)  # fmt: skip
    assert only(state)["problem"] is None and state.unplaced() == []


def test_a_byte_order_mark_and_utf16_are_read(make_zip, state):
    run(make_zip({"Ana_1_assignsubmission_file_/01_rnn_formula.ipynb": b"\xef\xbb\xbf" + GOOD,
                  "Bo_2_assignsubmission_file_/01_rnn_formula.ipynb": GOOD.decode().encode("utf-16")}), state)  # fmt: skip
    assert not any(record["problem"] for record in state.records()) and len(state.records()) == 2


# --- Again ---


def test_collecting_twice_changes_nothing(make_zip, state):
    archive = make_zip({"Ana_11_assignsubmission_file_/01_rnn_formula.ipynb": GOOD, "Bo_12_assignsubmission_file_/01_rnn_formula.ipynb": b"",
                        "Cy_13_assignsubmission_file_/x.ipynb": b'{"cells": [{"cell_type": "code", "source": ""}]}', "Cy_13_assignsubmission_file_/02_unrolling.ipynb": submission(TWO),
                        "01_rnn_formula.ipynb": GOOD})  # fmt: skip
    run(archive, state)
    before = snapshot(state.folder)
    summary = run(archive, state)
    assert snapshot(state.folder) == before and (summary.new, summary.replaced, summary.unchanged) == (0, 0, 3)


def again(make_zip, state, *versions):
    """Collect Ana's submission once for each (bytes, day)."""
    for k, (data, day) in enumerate(versions):
        run(make_zip({"Ana_11_assignsubmission_file_/01_rnn_formula.ipynb": (data, (2026, 3, day, 12, 0, 0))}, f"{k}.zip"), state)
    return only(state)


OTHER = submission(ONE, "    return x + 2")


@pytest.mark.parametrize("days, wins", [((1, 2), OTHER), ((2, 1), GOOD), ((1, 1), OTHER)])
def test_the_newest_counts_and_other_bytes_of_the_same_time_are_noticed(make_zip, state, days, wins):
    record = again(make_zip, state, (GOOD, days[0]), (OTHER, days[1]))
    assert state.notebook(record["student"], ONE).read_bytes() == wins and record["sha256"] == collecting.sha256(wins)


def test_a_failed_resubmission_does_not_replace_a_good_one(make_zip, state):
    record = again(make_zip, state, (GOOD, 1), (b"", 2))
    assert record["problem"] is None and "empty" in record["later"]["problem"] and state.notebook(record["student"], ONE).read_bytes() == GOOD
    record = again(make_zip, state, (OTHER, 3))
    assert "later" not in record and record["sha256"] == collecting.sha256(OTHER)


def test_a_broken_first_one_is_replaced_by_a_good_one(make_zip, state):
    assert again(make_zip, state, (b"", 1), (GOOD, 2))["problem"] is None


def test_two_notebooks_of_one_time_are_noticed(make_zip, state):
    run(make_zip({"Ana_1_assignsubmission_file_/01_rnn_formula.ipynb": GOOD, "Ana_1_assignsubmission_file_/01_rnn_formula-Copy1.ipynb": OTHER}), state)
    assert state.notebook("ana_" + collecting.sha256(b"Ana")[:8], ONE).read_bytes() == GOOD and "2 different notebooks" in only(state)["note"]


def test_a_crash_between_notebook_and_record_is_mended(make_zip, state, monkeypatch):
    archive = make_zip({"Ana_11_assignsubmission_file_/01_rnn_formula.ipynb": GOOD})
    run(archive, state)
    path = state.notebook(only(state)["student"], ONE)
    path.write_bytes(b"half")
    run(archive, state)
    assert path.read_bytes() == GOOD


# --- Nothing ---


@pytest.mark.parametrize("files", [{}, {"readme.txt": b"x"}, {"01_rnn_formula.ipynb": GOOD}, {"Ana_1_assignsubmission_file_/x.ipynb": b'{"cells": [{"cell_type": "code", "source": ""}]}'}])
def test_nothing_collected_is_never_a_success(make_zip, state, files):
    with pytest.raises(GradingError, match="Nothing was collected.*Expected notebooks"):
        run(make_zip(files), state)


def test_a_source_that_is_not_there_or_no_zip(tmp_path, state):
    (tmp_path / "x.zip").write_bytes(b"no zip")
    with pytest.raises(GradingError, match="cannot be opened as a zip"):
        run(tmp_path / "x.zip", state)
    with pytest.raises(GradingError, match="there is nothing at"):
        run(tmp_path / "y", state)


# --- Roster ---


@pytest.mark.parametrize("text", [
    "name,id\nAna,a1\nDora,d4\n",
    "\ufeffFirst name;Last name;Username\nAna;;a1\nDora;;d4\n",
    "Identifier,Full name,Status\nParticipant 11,Ana,Submitted\nParticipant 14,Dora,-\n",
])  # fmt: skip
def test_the_roster_adds_who_did_not_submit(make_zip, state, tmp_path, text):
    roster = tmp_path / "roster.csv"
    roster.write_text(text, encoding="utf-8")
    archive = make_zip({"Ana_11_assignsubmission_file_/01_rnn_formula.ipynb": GOOD})
    for _ in range(2):
        run(archive, state, roster=roster)
    assert sorted(student["name"] for student in state.students()) == ["Ana", "Dora"]


def test_canvas_roster_matches_by_number(make_zip, state, tmp_path):
    roster = tmp_path / "roster.csv"
    roster.write_text('Student,ID,SIS Login ID\n    Points Possible,,\n"López, Ana",101,al\n"Li, Bo",102,bl\n', encoding="utf-8")
    run(make_zip({"lopezana_101_9001_01_rnn_formula.ipynb": GOOD}), state, roster=roster)
    assert sorted(student["name"] for student in state.students()) == ["Li, Bo", "López, Ana"]


def test_a_useless_roster_is_said(make_zip, state, tmp_path):
    roster = tmp_path / "roster.csv"
    roster.write_text("colour\nred\n")
    with pytest.raises(GradingError, match="--roster should be a CSV with a column"):
        run(make_zip({"Ana_11_assignsubmission_file_/01_rnn_formula.ipynb": GOOD}), state, roster=roster)
