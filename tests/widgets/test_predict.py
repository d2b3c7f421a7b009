"""Predictions without a browser: what they take, what they keep, what they say; and predict.js against NumPy."""

import contextlib
import io
import json
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from javascript import node  # noqa: F401 (a fixture)
from traitlets import TraitError

from course_utils.checks import journal
from course_utils.widgets import PredictChoice, PredictCurve, PredictNumber, PredictRanking
from course_utils.widgets.joined import light, source, style
from course_utils.widgets.predict import _short
from course_utils.widgets.predict_still import places

RUNS = {"a": [1, 4], "b": [9, 8], "c": [3, 6]}


def choice(**more):
    return PredictChoice("Which one?", ["a", "b", "c"], **more)


def number(**more):
    return PredictNumber("How many?", 0, 28, unit="rows", **more)


def ranking(**more):
    return PredictRanking("In which order?", ["a", "b", "c"], **more)


def curve(**more):
    return PredictCurve("How does it go on?", range(5), 1e-3, 10, xlabel="step", ylabel="length", log=True, **more)


# kind -> how to make it, a guess, another guess, what came out, a guess that is none
KINDS = {
    "choice": (choice, "b", "c", "a", "d"), "number": (number, 12, 3, 3.4863, 29),
    "ranking": (ranking, ["c", "b", "a"], ["b", "c", "a"], RUNS, ["a", "b"]),
    "curve": (curve, [1.0, 0.5, 0.25, 0.1, 0.05], [1.0] * 5, [1, 1e-2, 1e-4, 1e-6, 100], [1.0] * 4),
}  # fmt: skip
each_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def own_journal(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_JOURNAL", str(tmp_path / "journal.jsonl"))
    return tmp_path / "journal.jsonl"


def said(prediction, *arguments):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        prediction.show(*arguments)
    return out.getvalue()


@pytest.mark.parametrize("build, words", [
    (lambda: PredictChoice("", ["a", "b"]), "question: expected a sentence"), (lambda: PredictChoice(3, ["a", "b"]), "received 3"),
    (lambda: PredictChoice("?", ["a"]), "choices: expected two to eight"), (lambda: PredictChoice("?", ["a", "a"]), "different texts"),
    (lambda: PredictChoice("?", "ab"), "different texts"), (lambda: PredictChoice("?", ["a", 1]), "different texts"),
    (lambda: PredictRanking("?", ["a", " "]), "items: expected"), (lambda: PredictNumber("?", 3, 3), "the smaller first"),
    (lambda: PredictNumber("?", 0, 1, log=True), "above 0"), (lambda: PredictNumber("?", 0, np.nan), "received 0 and nan"),
    (lambda: PredictNumber("?", 0, 1, step=0), "step: expected"), (lambda: PredictCurve("?", [1], 0, 1, xlabel="x", ylabel="y"), "2 to 200"),
    (lambda: PredictCurve("?", [1, 1], 0, 1, xlabel="x", ylabel="y"), "rising"), (lambda: choice(state={"gues": 1}), "received gues"),
    (lambda: choice(state={"shown": 1}), "True or False"), *((lambda kind=kind: KINDS[kind][0](state={"guess": KINDS[kind][4]}), "guess: expected") for kind in KINDS),
    (lambda: number(state={"guess": True}), "True"), (lambda: curve(state={"guess": [1, 1, 1, 1, 0]}), "from 0.001 to 10")])  # fmt: skip
def test_what_cannot_be_asked_is_refused_with_what_is_accepted(build, words):
    with pytest.raises((ValueError, TraitError), match=re.escape(words)) as error:
        build()
    assert "expected" in str(error.value)


@pytest.mark.parametrize("prediction, result, notes, words", [
    (choice(), "d", {}, "result: expected one of a, b, c"), (choice(), "a", {"d": "no"}, "received 'd'"), (choice(), "a", {"b": ""}, "a sentence"),
    (choice(), "a", {"b": "See [there](http://there.org)."}, "headings of the notebook only"), (number(), np.nan, {}, "finite"), (number(), "3", {}, "finite"),
    (number(), 3, {5: "no"}, "ranges of guesses"), (number(), 3, {(9, 5): "no"}, "ranges of guesses"), (ranking(), {"a": 1}, {}, "a, b, c"),
    (ranking(), RUNS | {"a": []}, {}, "finite"), (ranking(), RUNS | {"a": np.inf}, {}, "finite"), (curve(), [1, 2], {}, "result: expected 5 finite"),
    (curve(), [1, 2, 3, 4, np.nan], {}, "5 finite"), (curve(), [1] * 5, {"up": "no"}, "rises, falls, stays level")])  # fmt: skip
def test_results_and_notes_that_do_not_fit_are_refused(prediction, result, notes, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        prediction.show(result, notes)
    assert prediction.truth == {}


@each_kind
def test_what_is_said_and_stored_does_not_depend_on_the_guess(kind):
    build, guess, other, result, _ = KINDS[kind]
    three = [build(state={"guess": one}) for one in (None, guess, other)]
    bundles = [prediction._repr_mimebundle_()[0] for prediction in three]
    assert len({said(prediction, result) for prediction in three}) == 1
    assert len({repr(prediction) for prediction in three}) == 1
    assert len({bundle["text/html"] for bundle in bundles}) == 1
    assert "application/vnd.jupyter.widget-view+json" in bundles[0] and "image/png" not in bundles[0]
    assert all(prediction.truth == three[0].truth for prediction in three)


@pytest.mark.parametrize("prediction, result, words", [
    (choice(), "a", "a"), (number(), 3.4863, "3.5 rows"), (PredictNumber("?", 0, 100, unit="%"), np.float32(41.06), "41.1%"),
    (PredictNumber("?", 0, 5, step=0.1), 2.3052, "2.31"), (PredictNumber("?", 1e-9, 1, log=True), 3.7e-9, "3.7e-09"),
    (PredictNumber("?", 0, 10**6, step=1000), 563978, "563,978"), (ranking(), RUNS, "b, then c or a"), (ranking(), {"a": 1, "b": 2, "c": 3}, "c, then b, then a"),
    (curve(), [1, 1e-2, 1e-4, 1e-6, 1e-8], "from 1.0 at step 0 to 1.0e-08 at step 4")])  # fmt: skip
def test_what_came_out_is_said_in_words(prediction, result, words):
    assert said(prediction, result) == f"What came out: {words}. The picture above compares it with your guess.\n"
    json.dumps(prediction.truth)  # it goes into the notebook


@each_kind
def test_a_guess_is_kept_and_stands_there_when_the_cell_is_run_again(kind, own_journal):
    build, guess, other, result, _ = KINDS[kind]
    first = build()
    assert first.guess is None
    for one in (other, guess):
        first.state = {"guess": one, "shown": False}  # as the browser sets it
    assert build().guess == guess
    assert build(state={"guess": None}).guess is None and build(state={}).guess is None  # a room is asked afresh
    assert build().guess == guess
    first.state = {"guess": None, "shown": False}
    assert build().guess is None


def test_a_staged_state_is_not_taken_for_somebodys_guess(own_journal):
    choice(state={"guess": "b"})
    assert choice().guess is None and not own_journal.exists()


def test_guesses_of_other_questions_and_old_ones_that_fit_no_more_are_left_alone(own_journal):
    journal.note("guess: choice: Which one?", json.dumps("gone"))
    journal.note("guess: number: How many?", json.dumps(99))
    assert choice().guess is None and number().guess is None
    journal.note("guess: choice: Which one?", "{broken")
    journal.note("guess: choice: Which other one?", json.dumps("a"))
    assert choice().guess is None


def test_without_a_journal_the_guess_stays_in_the_picture(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_JOURNAL", str(tmp_path))  # a folder where the file should be
    prediction = choice()
    prediction.state = {"guess": "b", "shown": False}
    assert prediction.guess == "b" and choice().guess is None


@each_kind
@pytest.mark.parametrize("guessed", [True, False])
def test_the_still_and_its_caption_hide_what_came_out_until_it_is_shown(kind, guessed):
    build, guess, _, result, _ = KINDS[kind]
    prediction = build(state={"guess": guess if guessed else None})
    said(prediction, result)
    assert ("What came out" in prediction.caption()) == guessed
    figure = prediction.still()
    drawn = figure.axes[0].get_legend_handles_labels()[1] + [text.get_text() for text in figure.axes[0].texts]
    plt.close(figure)
    assert ("what came out" in drawn) == guessed
    prediction.state = prediction.state | {"shown": True}
    assert prediction.caption().endswith(f"What came out: {prediction.truth['text']}.")


def test_html_in_a_question_is_text():
    html = PredictChoice("<b>Is</b> it?", ["<i>yes</i>", "no"])._repr_mimebundle_()[0]["text/html"]
    assert "&lt;b&gt;Is" in html and "&lt;i&gt;yes" in html


# ---- JavaScript --------------------------------------------------------------------------------------------------------


def test_the_module_stands_alone_and_is_light(node):
    text = PredictChoice._esm
    assert not re.search(r"^\s*import\b|\bimport\(|https?://(?!www\.w3\.org/2000/svg)", text, re.MULTILINE)
    assert "lstmStep" not in text  # it needs no network
    assert node("answer(typeof m.default.render);", component="predict") == "function"
    assert len(text) < 0.85 * len(source("predict")) and len(PredictChoice._css) < len(style("predict"))
    assert not re.search(r"https?://|@import|url\(", style("predict"))


def test_light_text_loses_comments_and_indentation_only():
    text = '/** About.\n * More. */\nexport const a = 1; // here\n\n  // alone\n  const b = "/* no */";\n    return a;\n'
    assert light(text) == 'export const a = 1; // here\nconst b = "/* no */";\nreturn a;\n'


def test_numbers_are_said_alike_in_both_languages(node):
    rng = np.random.default_rng(0)
    values = np.concatenate([[0, 1, 10, 99.4, 99.6, 0.001, 0.00099, 99_999, 94_999, 1e5], 10 ** rng.uniform(-12, 8, 300), -(10 ** rng.uniform(-5, 6, 100))])
    assert node("answer(values.map(m.short));", component="predict", values=values) == [_short(value) for value in values]


@pytest.mark.parametrize("low, high, log", [(0, 28, False), (-3, 5.5, False), (1e-12, 1e3, True), (0.5, 2, True)])
def test_places_on_an_axis(node, low, high, log):
    places = np.linspace(0, 1, 41)
    values = np.geomspace(low, high, 41) if log else np.linspace(low, high, 41)
    found = node("const a = m.axis(spec); answer([places.map(a.value), values.map(a.place), [a.place(-1e9), a.place(1e9)]]);", component="predict",
                 spec={"low": low, "high": high, "log": log}, places=places, values=values)
    assert np.allclose(found[0], values, rtol=1e-12, atol=1e-12) and np.allclose(found[1], places, atol=1e-12)
    assert found[2][1] == 1 and (log or found[2][0] == 0)
    assert min(found[0]) >= low and max(found[0]) <= high  # else Python would refuse the guess


def test_a_curve_is_filled_as_numpy_fills_it(node):
    rng = np.random.default_rng(1)
    for count in (1, 2, 7, 29):
        points = [None] * 29
        for k in rng.choice(29, size=count, replace=False):
            points[k] = float(rng.uniform())
        drawn = [k for k, place in enumerate(points) if place is not None]
        found = node("answer(m.filled(points));", component="predict", points=points)
        assert np.allclose(found, np.interp(np.arange(29), drawn, [points[k] for k in drawn]), atol=1e-12)
    assert node("answer(m.filled([null, null]));", component="predict") is None
    assert node("answer([[0, 0.5], [0.5, 0.2], [0.3, 0.39]].map(m.trend));", component="predict") == ["rises", "falls", "stays level"]


def test_pairs_are_counted_as_numpy_counts_them(node):
    rng = np.random.default_rng(2)
    items = list("abcde")
    for _ in range(5):
        runs = {item: rng.normal(place / 2, 0.3, size=3) for place, item in enumerate(items)}
        guess = [str(item) for item in rng.permutation(items)]
        apart = [(a, b) for a in items for b in items if runs[a].min() > runs[b].max()]
        rows = [{"item": item, "low": values.min(), "high": values.max()} for item, values in runs.items()]
        found = node("answer(m.pairs(guess, rows));", component="predict", guess=guess, rows=rows)
        assert found == {"right": sum(guess.index(a) < guess.index(b) for a, b in apart), "all": len(apart)}


def test_places_are_shared_where_runs_overlap(node):
    for rows, wanted in (([(97, 98), (94, 96), (92, 95), (93, 94)], ["1.", "2–4.", "2–4.", "2–4."]), ([(3, 3), (2, 2), (1, 1)], ["1.", "2.", "3."]),
                         ([(5, 9), (4, 6), (1, 4.5)], ["1–2.", "1–3.", "2–3."])):  # fmt: skip
        rows = [{"low": low, "high": high} for low, high in rows]
        assert [places(row, rows) for row in rows] == wanted
        assert node("answer(rows.map((row) => m.places(row, rows)))", component="predict", rows=rows) == wanted


def test_notes_hold_code_and_links_and_nothing_else(node):
    note = "<b>No</b>: `W_h` is zero. See [Clue 3](#Clue-3:-the-start-at-zero), or [not](http://there)."
    assert node("answer(m.noteParts(note));", component="predict", note=note) == [
        {"text": "<b>No</b>: "}, {"text": "W_h", "code": True}, {"text": " is zero. See "}, {"text": "Clue 3", "heading": "Clue-3:-the-start-at-zero"},
        {"text": ", or [not](http://there)."}]  # fmt: skip
    names = ["Clue 3: the start at zero", "Clue-3:-the-start-at-zero", "clue-3-the-start-at-zero"]
    assert node("answer(names.map(m.slug));", component="predict", names=names) == ["clue-3-the-start-at-zero"] * 3
