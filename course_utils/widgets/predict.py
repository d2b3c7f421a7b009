"""Predict first (all lessons): a guess is made before the result shows, and stays drawn over what came out."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from numbers import Real

import numpy as np
import traitlets
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from course_utils.checks import journal
from course_utils.widgets import joined
from course_utils.widgets.picture import Picture

START = {"guess": None, "shown": False}
ENDS = "The picture above compares it with your guess."


class Predict(Picture):
    """What the four kinds of question share. It never blocks a cell: who does not guess runs on and sees the result.

    Put the picture under the question, and call `show` where the result is known. A guess is kept in the picture's state, which
    Jupyter saves in the notebook, and in the private journal of `course_utils.checks` under the words of the question; so it
    stands there again when the cell is run again, tomorrow too.

    Args:
        question: one sentence; no other question of the same kind has the same words.
        state: ``guess`` (in the form of the kind; None for none) and ``shown`` (show what came out to somebody who made no
            guess). With a state given, the kept guess is left alone: ``state={"guess": None}`` asks a room afresh.

    The trait ``truth`` holds what came out, once `show` was called: a saved notebook or a slide holds it too, but hides it
    until there is a guess or "Show me" was pressed.

    Raises:
        ValueError: question, axis, items or state are not what is accepted; the message says what is.
    """

    _esm = joined.light(joined.source("predict"))
    _css = joined.light(joined.style("predict"))
    kind = traitlets.Unicode(help="choice, number, ranking or curve").tag(sync=True)
    question = traitlets.Unicode(help="the question, one sentence").tag(sync=True)
    spec = traitlets.Dict(help="what there is to choose from, or the axes").tag(sync=True)
    truth = traitlets.Dict(help="what came out: value, its text, notes on wrong guesses; empty before").tag(sync=True)
    state = traitlets.Dict(help="guess and shown: see the class").tag(sync=True)

    def __init__(self, kind: str, question: str, spec: dict, state: dict | None) -> None:
        if not isinstance(question, str) or not question.strip():
            raise ValueError(f"question: expected a sentence; received {question!r}.")
        self._spec, self._task = spec, f"guess: {kind}: {question}"
        super().__init__(kind=kind, question=question, spec=spec, state={"guess": self._kept()} if state is None else state)
        self.observe(self._keep, "state")

    @property
    def guess(self):
        """The guess, None before there is one."""
        return self.state["guess"]

    def show(self, result, notes: Mapping | None = None) -> None:
        """Draw what came out over the guess, and say it in one sentence, which is the same whatever was guessed.

        Args:
            result: in the form of the kind.
            notes: what a wrong guess gets wrong, a sentence each; `code` and links to headings of the notebook like
                ``[Clipping](#Clipping)`` are drawn as such. The keys depend on the kind.

        Raises:
            ValueError: the result does not fit the question, or a note's key does not.
        """
        truth = self._checked_truth(result)
        self.truth = truth | {"notes": self._checked_notes(dict(notes or {}))}
        print(self.answer())

    def answer(self) -> str:
        """What `show` says: what came out, in words."""
        return f"What came out: {self.truth['text']}. {ENDS}" if self.truth else "Nothing came out yet: run the cell that computes it."

    def caption(self) -> str:
        words = [self.question]
        if self.guess is not None:
            words.append(f"The guess: {self._say(self.guess)}.")
        if self.truth and (self.guess is not None or self.state["shown"]):
            words.append(f"What came out: {self.truth['text']}.")
        return " ".join(words)

    def still(self) -> Figure:
        """Question, guess, and what came out where it is shown, drawn by matplotlib."""
        from course_utils.widgets.predict_still import draw_prediction

        return draw_prediction(self)

    def _repr_mimebundle_(self, **kwargs):
        """The widget; and in words what is asked, the same whatever was guessed, for where no script runs."""
        data, metadata = super(Picture, self)._repr_mimebundle_(**kwargs)
        asked = "".join(f"<li>{html.escape(line)}</li>" for line in self._asked())
        return data | {"text/html": f"<p><b>{html.escape(self.question)}</b></p><ul>{asked}</ul>"}, metadata

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.question!r})"

    @traitlets.validate("state")
    def _whole_state(self, proposal) -> dict:
        unknown = set(proposal["value"]) - set(START)
        if unknown:
            raise ValueError(f"state: expected any of {', '.join(START)}; received {', '.join(sorted(map(str, unknown)))}.")
        whole = START | proposal["value"]
        if not isinstance(whole["shown"], bool):
            raise ValueError(f"state: expected shown to be True or False; received {whole['shown']!r}.")
        return whole | {"guess": None if whole["guess"] is None else self._checked_guess(whole["guess"])}

    def _kept(self):
        """The newest guess in the journal that still fits the question."""
        lines = [entry["verdict"] for entry in journal.read() if entry["task"] == self._task]
        try:
            found = json.loads(lines[-1]) if lines else None
            return None if found is None else self._checked_guess(found)
        except ValueError:
            return None

    def _keep(self, change) -> None:
        if change["new"]["guess"] != change["old"]["guess"]:
            journal.note(self._task, json.dumps(change["new"]["guess"]))

    def _checked_notes(self, notes):
        """Notes in the form that the browser gets; this is for notes under words."""
        wrong = [key for key in notes if key not in self._note_keys()]
        if wrong:
            raise ValueError(f"notes: expected keys among {', '.join(self._note_keys())}; received {wrong[0]!r}.")
        return {key: _sentence(text) for key, text in notes.items()}


class PredictChoice(Predict):
    """One of a few answers is right.

    Args:
        question: one sentence.
        choices: two to eight answers, each another.
        state: see `Predict`; a guess is one of the choices.

    `show` takes the choice that came out; its notes go by choice.

    >>> PredictChoice("Which is larger?", ["the first", "the second"]).show("the first")
    What came out: the first. The picture above compares it with your guess.
    """

    def __init__(self, question: str, choices: Sequence[str], *, state: dict | None = None) -> None:
        super().__init__("choice", question, {"choices": _names("choices", choices)}, state)

    def _checked_guess(self, guess, name="guess"):
        if guess not in self._spec["choices"]:
            raise ValueError(f"{name}: expected one of {', '.join(self._spec['choices'])}; received {guess!r}.")
        return str(guess)

    def _checked_truth(self, result):
        return {"value": self._checked_guess(result, "result"), "text": str(result)}

    def _note_keys(self):
        return self._spec["choices"]

    def _say(self, guess):
        return guess

    def _asked(self):
        return self._spec["choices"]


class PredictNumber(Predict):
    """A number on an axis.

    Args:
        question: one sentence.
        low, high: ends of the axis.
        step: what an arrow key moves, in units of the axis; not with `log`.
        unit: what stands behind the number, as in "rows" or "%".
        log: whether the axis is logarithmic; `low` is above 0 then.
        state: see `Predict`; a guess is a number from low to high.

    `show` takes a finite number, also beyond the axis; its notes go by ranges of guesses, ``{(low, high): note}``.

    >>> PredictNumber("How much is left?", 0, 100, unit="%").show(5.2335)
    What came out: 5.2%. The picture above compares it with your guess.
    """

    def __init__(self, question: str, low: float, high: float, *, step: float = 1, unit: str = "", log: bool = False,
                 state: dict | None = None) -> None:
        axis = _axis("low and high", low, high, log)
        if not log and not (_is_number(step) and 0 < step <= high - low):
            raise ValueError(f"step: expected a number above 0 and at most {high - low}; received {step!r}.")
        super().__init__("number", question, axis | {"step": step, "unit": unit, "decimals": _decimals(step)}, state)

    def _checked_guess(self, guess):
        low, high = self._spec["low"], self._spec["high"]
        if not _is_number(guess) or not low <= guess <= high:
            raise ValueError(f"guess: expected a number from {low} to {high}; received {guess!r}.")
        return _plain(guess)

    def _checked_truth(self, result):
        if not _is_number(result):
            raise ValueError(f"result: expected a finite number; received {result!r}.")
        return {"value": float(result), "text": self._say(float(result), finer=not float(result).is_integer())}

    def _checked_notes(self, notes):
        if not all(isinstance(key, tuple) and len(key) == 2 and all(map(_is_number, key)) and key[0] <= key[1] for key in notes):
            raise ValueError(f"notes: expected ranges of guesses like {{(10, 20): ...}} as keys; received {list(notes)!r}.")
        return [[*map(_plain, key), _sentence(text)] for key, text in notes.items()]

    def _say(self, guess, finer=0):
        number = _short(guess) if self._spec["log"] else f"{guess:,.{self._spec['decimals'] + finer}f}"
        return with_unit(number, self._spec["unit"])

    def _asked(self):
        return [f"a number from {self._say(self._spec['low'])} to {self._say(self._spec['high'])}"]


class PredictRanking(Predict):
    """A few things in their order.

    Args:
        question: one sentence.
        items: two to eight things, in the order in which they stand at first; each another.
        most, least: what the upper and the lower end mean.
        unit: what stands behind the numbers that decide.
        state: see `Predict`; a guess is a list of all items, the one with the most first.

    `show` takes item -> the number that decides, or the numbers of several runs: where the ranges of two items overlap, both
    orders count as right. Its notes go by item, for who puts that item first and is wrong.

    >>> PredictRanking("Which is larger?", ["a", "b", "c"]).show({"a": [1, 4], "b": [9, 8], "c": [3, 6]})
    What came out: b, then c or a. The picture above compares it with your guess.
    """

    def __init__(self, question: str, items: Sequence[str], *, most: str = "most", least: str = "least", unit: str = "",
                 state: dict | None = None) -> None:
        super().__init__("ranking", question, {"items": _names("items", items), "most": most, "least": least, "unit": unit}, state)

    def _checked_guess(self, guess):
        if not isinstance(guess, (list, tuple)) or sorted(map(str, guess)) != sorted(self._spec["items"]):
            raise ValueError(f"guess: expected a list of {', '.join(self._spec['items'])} in some order; received {guess!r}.")
        return list(guess)

    def _checked_truth(self, result):
        if not isinstance(result, Mapping) or set(result) != set(self._spec["items"]):
            raise ValueError(f"result: expected numbers for each of {', '.join(self._spec['items'])}; received {result!r}.")
        runs = {item: np.atleast_1d(np.asarray(values, dtype=float)) for item, values in result.items()}
        if not all(values.ndim == 1 and len(values) and np.isfinite(values).all() for values in runs.values()):
            raise ValueError(f"result: expected a finite number for each item, or those of several runs; received {result!r}.")
        order = sorted(runs, key=lambda item: -runs[item].mean())
        rows = [{"item": item, "low": runs[item].min(), "high": runs[item].max(), "text": self._range(runs[item])} for item in order]
        links = [", then " if above["low"] > below["high"] else " or " for above, below in zip(rows, rows[1:], strict=False)]
        return {"value": rows, "text": "".join(map("".join, zip(order, [*links, ""], strict=True)))}

    def _range(self, values):
        low, high = f"{values.min():#.3g}", f"{values.max():#.3g}"
        return with_unit(low if low == high else f"{low} to {high}", self._spec["unit"])

    def _note_keys(self):
        return self._spec["items"]

    def _say(self, guess):
        return ", ".join(guess)

    def _asked(self):
        return [f"From {self._spec['most']} to {self._spec['least']}, in which order? {', '.join(self._spec['items'])}"]


class PredictCurve(Predict):
    """A curve, drawn by hand.

    Args:
        question: one sentence.
        x: at which places the curve has a value, 2 to 200 rising numbers.
        low, high: ends of the upright axis.
        xlabel, ylabel: names of the axes.
        place: what one x is called in a sentence, as in "blank row" on an axis of "blank rows added"; `xlabel` if empty.
        unit: what stands behind the curve's numbers.
        log: whether the upright axis is logarithmic; `low` is above 0 then.
        state: see `Predict`; a guess is a list with a number from low to high for each x.

    `show` takes one finite number for each x; what lies beyond the axis is drawn at its end. Its notes go by what a wrong guess
    does from left to right: "rises", "falls" or "stays level"; one that goes the right way, but a tenth of the axis beside it,
    gets the note "too high" or "too low".

    >>> PredictCurve("How does it go on?", range(3), 0, 10, xlabel="step", ylabel="size").show([1, 2, 4])
    What came out: from 1.0 at step 0 to 4.0 at step 2. The picture above compares it with your guess.
    """

    def __init__(self, question: str, x: ArrayLike, low: float, high: float, *, xlabel: str, ylabel: str, place: str = "",
                 unit: str = "", log: bool = False, state: dict | None = None) -> None:
        places = np.asarray(list(x) if isinstance(x, range) else x, dtype=float)
        if places.ndim != 1 or not 2 <= len(places) <= 200 or not np.isfinite(places).all() or not (np.diff(places) > 0).all():
            raise ValueError(f"x: expected 2 to 200 rising numbers; received {x!r}.")
        across = {"x": [_plain(at) for at in places], "xticks": _ticks(places[0], places[-1], False)}
        names = {"xlabel": xlabel, "ylabel": ylabel, "place": place or xlabel, "unit": unit}
        super().__init__("curve", question, _axis("low and high", low, high, log) | across | names, state)

    def _checked_guess(self, guess):
        values = self._numbers(guess, "guess")
        low, high = self._spec["low"], self._spec["high"]
        if not all(low <= value <= high for value in values):
            raise ValueError(f"guess: expected numbers from {low} to {high}; received {min(values)} to {max(values)}.")
        return values

    def _numbers(self, values, name):
        x, values = self._spec["x"], np.asarray(values, dtype=float)
        if values.shape != (len(x),) or not np.isfinite(values).all():
            raise ValueError(f"{name}: expected {len(x)} finite numbers, one for each x; received shape {values.shape}.")
        return values.tolist()

    def _checked_truth(self, result):
        values = self._numbers(result, "result")
        return {"value": values, "text": self._say(values)}

    def _note_keys(self):
        return ["rises", "falls", "stays level", "too high", "too low"]

    def _say(self, guess):
        first, last = (with_unit(_short(value), self._spec["unit"]) for value in (guess[0], guess[-1]))
        name, x = self._spec["place"], self._spec["x"]
        return f"from {first} at {name} {x[0]:g} to {last} at {name} {x[-1]:g}"

    def _asked(self):
        x, ends = self._spec["x"], [with_unit(_short(self._spec[end]), self._spec["unit"]) for end in ("low", "high")]
        return [f"Draw it: {self._spec['ylabel']} from {ends[0]} to {ends[1]}, over {self._spec['place']} {x[0]:g} to {x[-1]:g}"]


def with_unit(number: str, unit: str) -> str:
    """A number and its unit; only the per cent sign follows without a space."""
    return number + (unit if unit in ("", "%") else f" {unit}")


def _names(name, values):
    """Two to eight different words."""
    names = list(values) if not isinstance(values, str) else []
    if not 2 <= len(names) <= 8 or not all(isinstance(value, str) and value.strip() for value in names) or len(set(names)) < len(names):
        raise ValueError(f"{name}: expected two to eight different texts; received {values!r}.")
    return names


def _sentence(text):
    if not isinstance(text, str) or not text.strip() or re.search(r"\]\((?!#)", text):
        raise ValueError(f"notes: expected a sentence, with links to headings of the notebook only, [name](#heading); received {text!r}.")
    return text


def _is_number(value):
    return isinstance(value, (Real, np.integer, np.floating)) and not isinstance(value, (bool, np.bool_)) and bool(np.isfinite(value))


def _plain(value):
    """A number of Python's own, whole where it is whole."""
    return int(value) if float(value).is_integer() else float(value)


def _decimals(step):
    return len(f"{step:g}".partition(".")[2])


def _short(value):
    """Two digits that count; with an exponent where it is very small or very large. predict.js says numbers the same way."""
    value = float(f"{value:.1e}")
    if value == 0 or 0.001 <= abs(value) < 100_000:
        return f"{value:,.{max(0, 1 - int(np.floor(np.log10(abs(value) or 1))))}f}"
    return f"{value:.1e}"


def _axis(name, low, high, log):
    if not (_is_number(low) and _is_number(high) and low < high) or (log and low <= 0):
        raise ValueError(f"{name}: expected two numbers, the smaller first{', above 0' if log else ''}; received {low!r} and {high!r}.")
    return {"low": _plain(low), "high": _plain(high), "log": bool(log), "ticks": _ticks(low, high, log)}


def _ticks(low, high, log):
    """Round numbers along an axis, each with its text: five to eight of them, powers of ten on a logarithmic axis."""
    if log:
        first, last = int(np.ceil(np.log10(low) - 1e-9)), int(np.floor(np.log10(high) + 1e-9))
        powers = range(first, last + 1, max(1, -(-(last - first) // 6)))
        return [[10.0**power, f"{10.0**power:,g}" if -3 <= power < 6 else f"1e{power}"] for power in powers]
    rough = (high - low) / 6
    size = 10 ** np.floor(np.log10(rough))
    step = size * min((m for m in (1, 2, 5, 10) if m * size >= rough * 0.999), default=10)
    places = np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1) * step
    return [[_plain(place), f"{place:,g}"] for place in (round(float(place), 12) + 0.0 for place in places)]
