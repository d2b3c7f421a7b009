"""Feedback on exercises: `check_...(your_function)` says that it is right, or names the first wrong thing.

The checks know right answers to some inputs and the answers of typical mistakes, as numbers; they know no solution.
"""

from __future__ import annotations

from collections.abc import Callable

from course_utils.checks import journal

# Lesson -> its tasks, in the order of the exercises.
TASKS = {
    "01_rnn_formula": ("rnn_step", "states_of_batch"),
    "02_unrolling": ("gradient_of_w_h", "epoch_of_batches"),
    "03_lstm": ("old_lstm_step", "forget_gates"),
    "04_misclassification": ("confusion_matrix", "recall_intervals"),
}
HINTS_SHOWN: dict[str, int] = {}


def check_rnn_step(function: Callable) -> None:
    """Print a verdict on lesson 1's step: each term alone, restarts, any sizes, float32 and float64."""
    _check("rnn_step", function)


def check_states_of_batch(function: Callable) -> None:
    """Print a verdict on lesson 1's states of several digits, ``(batch, steps, units)``."""
    _check("states_of_batch", function)


def check_gradient_of_w_h(function: Callable) -> None:
    """Print a verdict on lesson 2's gradient of one recurrent weight, from one step to many."""
    _check("gradient_of_w_h", function)


def check_epoch_of_batches(function: Callable) -> None:
    """Print a verdict on lesson 2's shuffled batches, over two epochs."""
    _check("epoch_of_batches", function)


def check_old_lstm_step(function: Callable) -> None:
    """Print a verdict on lesson 3's LSTM step with TensorFlow 1's weights, each gate alone."""
    _check("old_lstm_step", function)


def check_forget_gates(function: Callable) -> None:
    """Print a verdict on lesson 3's forget gates, computed from a Keras layer's weights."""
    _check("forget_gates", function)


def check_confusion_matrix(function: Callable) -> None:
    """Print a verdict on lesson 4's confusion matrix, counted from logits."""
    _check("confusion_matrix", function)


def check_recall_intervals(function: Callable) -> None:
    """Print a verdict on lesson 4's recall of each class with its Wilson interval."""
    _check("recall_intervals", function)


def hint(task: str) -> None:
    """Print the next of three hints for a task; the last one is nearly the answer.

    Args:
        task: such as "rnn_step".

    Raises:
        ValueError: there is no such task.
    """
    hints = _table(task).hints
    shown = min(HINTS_SHOWN.get(task, 0) + 1, len(hints))
    HINTS_SHOWN[task] = shown
    print(f"Hint {shown} of {len(hints)}: {hints[shown - 1]}")
    journal.note(task, f"hint {shown}")


def _check(task: str, function: Callable) -> None:
    from course_utils.checks.diagnosis import diagnose
    from course_utils.checks.evidence import ask

    table = _table(task)
    verdict = diagnose(table, [ask(table.call, function, inputs) for inputs in table.inputs])
    print(verdict.sentence)
    journal.note(task, verdict.name)


def _table(task: str):
    from course_utils.checks import tables

    lesson = next((lesson for lesson, names in TASKS.items() if task in names), None)
    if lesson is None:
        known = ", ".join(name for names in TASKS.values() for name in names)
        raise ValueError(f"task: expected one of {known}; received {task!r}.")
    return tables.load(lesson, task)
