"""From answers to one sentence: right, or the first wrong thing by its name, with the numbers that show it.

A table holds, for every case of a task, the right answer and the answers of typical mistakes. What a student's function
answers is compared with all of them: an answer that equals a mistake's everywhere has that mistake and no other.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from course_utils.checks.evidence import Outcome
from course_utils.checks.features import FEATURES

RELATIVE, ABSOLUTE = 1e-4, 1e-5  # float32 stays within; mistakes differ a hundred times more (tests/checks proves it)


class Mistake(NamedTuple):
    """A typical mistake: its name, the sentence for the student, its answers to all cases."""

    name: str
    sentence: str
    outcomes: list[Outcome]


class Table(NamedTuple):
    """All that is known of a task but how to solve it.

    Attributes:
        name, function, call: the task's name, the name of the student's function, how `ask` calls it.
        parts: what the answer consists of, as (name, meaning of the axes), for messages.
        says: a clause for each case, which says what the answer should be there; from the simplest case to the full one.
        inputs: argument name -> array, for each case.
        right: the right answer to each case.
        mistakes: the typical mistakes, the likeliest first.
        hints: three, the last nearly the answer.
    """

    name: str
    function: str
    call: str
    parts: list[tuple[str, str]]
    says: list[str]
    inputs: list[dict[str, np.ndarray]]
    right: list[Outcome]
    mistakes: list[Mistake]
    hints: list[str]


class Verdict(NamedTuple):
    """What the answers show.

    Attributes:
        right: whether nothing is wrong.
        share: of the points: 1, or 0.5 when exactly one named thing is wrong, else 0.
        name: "right", the mistake's name, or a general one such as "wrong shape".
        sentence: for the student.
    """

    right: bool
    share: float
    name: str
    sentence: str


def diagnose(table: Table, outcomes: list[Outcome]) -> Verdict:
    """Compare the answers to all cases with the right ones and with those of the mistakes."""
    if outcomes[0].kind == "not implemented":
        return Verdict(
            False, 0.0, "not implemented", f"Not yet implemented: replace the line that raises by your own {table.function}."
        )
    mine = [featured(table, k, outcome) for k, outcome in enumerate(outcomes)]
    wrong = [k for k, outcome in enumerate(mine) if not same(outcome, table.right[k])]
    changed = sorted({name for outcome in outcomes for name in outcome.changed})
    if not wrong:
        return _changes_inputs(changed) if changed else Verdict(True, 1.0, "right", "Right, in all cases.")
    only = next((mistake for mistake in table.mistakes if _is_all(mistake, mine)), None)
    if only is not None:
        share = 0.0 if changed and "input" not in only.name else 0.5
        return Verdict(False, share, only.name, f"{only.sentence}{_shown(table, wrong, mine)}")
    return _shape_only(table, wrong, mine) or _first_wrong(table, wrong, mine)


def featured(table: Table, k: int, outcome: Outcome) -> Outcome:
    """The answer itself; where many answers are right, such as a shuffle, what must be true of it."""
    if table.call not in FEATURES or outcome.kind != "arrays":
        return outcome
    try:
        return outcome._replace(arrays=FEATURES[table.call](table.inputs[k], outcome.arrays))
    except (ValueError, IndexError, TypeError) as error:
        return Outcome("other", text=f"an answer of another form ({error})")


def same(one: Outcome, other: Outcome) -> bool:
    """Whether two answers agree: kinds, shapes, and values within rounding of float32."""
    if one.kind != other.kind or len(one.arrays) != len(other.arrays):
        return False
    return all(a.shape == b.shape and close(a, b) for a, b in zip(one.arrays, other.arrays))


def close(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether all values agree within rounding of float32; NaN agrees with NaN."""
    return np.allclose(a.astype(float), b.astype(float), rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True)


def _is_all(mistake: Mistake, outcomes: list[Outcome]) -> bool:
    """Whether this mistake alone explains all answers; one at least must be an array, an error says too little."""
    return any(outcome.kind == "arrays" for outcome in outcomes) and all(map(same, outcomes, mistake.outcomes))


def _changes_inputs(changed: list[str]) -> Verdict:
    names = " and ".join(changed)
    sentence = (
        f"The values are right, but the function changes its input: {names} had other values after the call. Work on a copy."
    )
    return Verdict(False, 0.5, "changes its input", sentence)


def _shape_only(table: Table, wrong: list[int], mine: list[Outcome]) -> Verdict | None:
    """Right numbers in another shape: one thing is wrong, and it is the shape."""
    for turn, what in ((np.ravel, "has one axis too many or too few"), (lambda a: np.ravel(a.T), "is transposed")):
        if all(_same_turned(mine[k], table.right[k], turn) for k in range(len(mine))):
            part, got, wanted = _first_shapes(table, wrong, mine)
            sentence = f"The values are right, but the shape {what}: {part} has shape {got} and should have {wanted}."
            return Verdict(False, 0.5, "wrong shape", sentence)
    return None


def _same_turned(one: Outcome, other: Outcome, turn) -> bool:
    if one.kind != other.kind or len(one.arrays) != len(other.arrays):
        return False
    return all(
        a.size == b.size and (a.shape == b.shape and close(a, b) or close(turn(a), np.ravel(b)))
        for a, b in zip(one.arrays, other.arrays)
    )


def _first_wrong(table: Table, wrong: list[int], mine: list[Outcome]) -> Verdict:
    """The first case that fails names the first wrong thing; more may be wrong after it."""
    k = wrong[0]
    outcome, says = mine[k], table.says[k]
    if outcome.kind == "none":
        return Verdict(False, 0.0, "returns None", f"{table.function} returns None: is there a `return` in each branch?")
    if outcome.kind == "other":
        return Verdict(False, 0.0, "no array", f"{table.function} should return {_wanted(table)}; it returns {outcome.text}.")
    if outcome.kind in ("error", "not implemented"):
        return Verdict(
            False,
            0.0,
            "raises an error",
            f"{table.function} stops with {outcome.text or 'NotImplementedError'}. {_sizes(table, k)} {_capital(says)}.",
        )
    if [a.shape for a in outcome.arrays] != [a.shape for a in table.right[k].arrays]:
        return _wrong_shape(table, wrong, mine)
    near = [m for m in table.mistakes if same(outcome, m.outcomes[k]) and not same(m.outcomes[k], table.right[k])]
    if near:
        best = max(near, key=lambda m: sum(map(same, mine, m.outcomes)))
        return Verdict(False, 0.0, best.name, f"{best.sentence}{_shown(table, wrong, mine)} Something else is wrong as well.")
    return Verdict(False, 0.0, "wrong values", f"The values are wrong.{_shown(table, wrong, mine)}")


def _wrong_shape(table: Table, wrong: list[int], mine: list[Outcome]) -> Verdict:
    if len(mine[wrong[0]].arrays) != len(table.right[wrong[0]].arrays):
        got = len(mine[wrong[0]].arrays)
        sentence = f"{table.function} should return {_wanted(table)}; it returns {got} {'array' if got == 1 else 'arrays'}."
        return Verdict(False, 0.0, "wrong number of results", sentence)
    part, got, wanted = _first_shapes(table, wrong, mine)
    return Verdict(
        False,
        0.0,
        "wrong shape",
        f"The shape is wrong: {part} has shape {got} and should have {wanted}. {_sizes(table, wrong[0])}".strip(),
    )


def _first_shapes(table: Table, wrong: list[int], mine: list[Outcome]) -> tuple[str, str, str]:
    for k in wrong:
        for (part, axes), a, b in zip(table.parts, mine[k].arrays, table.right[k].arrays):
            if a.shape != b.shape:
                return part, str(a.shape), f"{b.shape}" + (f", that is {axes}" if axes else "")
    (part, axes), a, b = table.parts[0], mine[wrong[0]].arrays[0], table.right[wrong[0]].arrays[0]
    return part, str(a.shape), f"{b.shape}, that is {axes}, with the axes in this order"


def _wanted(table: Table) -> str:
    if table.call == "epochs":
        return "a list of batches, each a pair (images, labels)"
    names = [part for part, _ in table.parts]
    return names[0] if len(names) == 1 else f"{len(names)} results, ({', '.join(names)})"


def _sizes(table: Table, k: int) -> str:
    shapes = [f"{name} {value.shape}" for name, value in table.inputs[k].items() if value.ndim]
    return f"The shapes given: {', '.join(shapes)}." if shapes else ""


def _shown(table: Table, wrong: list[int], mine: list[Outcome]) -> str:
    """The first case that fails with arrays of the right shape: what it should be, and a place where it is not."""
    for k in wrong:
        pairs = list(zip(table.parts, mine[k].arrays, table.right[k].arrays))
        for (part, _), got, wanted in pairs:
            if got.shape == wanted.shape and not close(got, wanted):
                return f" {_capital(table.says[k])}: {_place(part, got, wanted)}."
    k = next((k for k in wrong if mine[k].kind == "arrays"), wrong[0])
    if mine[k].kind == "arrays" and len(mine[k].arrays) == len(table.right[k].arrays):
        part, got, wanted = _first_shapes(table, [k], mine)
        return f" {part} has shape {got} and should have {wanted}."
    return f" {_capital(table.says[k])}."


def _place(part: str, got: np.ndarray, wanted: np.ndarray) -> str:
    """Both numbers at the place where they differ most."""
    gap = np.abs(np.nan_to_num(got.astype(float), nan=1e9) - np.nan_to_num(wanted.astype(float), nan=-1e9))
    at = np.unravel_index(int(gap.argmax()), gap.shape)
    where = f"{part}[{', '.join(str(int(i)) for i in at)}]" if at else part
    return f"{where} should be {_number(wanted[at])}, yours is {_number(got[at])}"


def _number(value) -> str:
    return str(int(value)) if float(value).is_integer() else f"{float(value):.4f}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
