"""The misclassification explorer (lesson 4): from a count in the confusion matrix to its digits, and into each of them."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import traitlets
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from course_utils.widgets import joined
from course_utils.widgets.lstm_scope import _between, _checked_image, _kind
from course_utils.widgets.picture import MOST, Picture, Sample, checked_images, grey
from course_utils.widgets.weights import Cell, forward, provenance, read_model, shipped

if TYPE_CHECKING:
    import keras

SORTS = {"surest first": ("confidence", -1), "least sure first": ("confidence", 1),
         "widest margin first": ("margin", -1), "narrowest margin first": ("margin", 1)}  # fmt: skip
START = {"network": None, "cell": None, "sort": "surest first", "digit": None, "image": None, "row": 28}
LONGEST_NAME = 12


class Answers(NamedTuple):
    """What one network says of all digits; arrays of one number a digit, but for the last two."""

    said: np.ndarray  # uint8, the answer after the last row
    confidence: np.ndarray  # float32, its probability
    margin: np.ndarray  # float32, how far it is ahead of the second
    counts: np.ndarray  # (classes, classes): what it was, what the network said
    right_after: np.ndarray  # (rows,): how many answers are right after each row


class MissExplorer(Picture):
    """Click a count of the confusion matrix, see its digits, follow one row by row, and change it: it computes in the browser.

    Args:
        models: a Keras model of SimpleRNN or LSTM, then Dense, that reads rows of 28 numbers; or one or two of them by name,
            ``{"LSTM": lstm, "RNN": rnn}``. The course's own LSTM if None.
        images, labels: the digits to count, (n, 28, 28) with ink from 0 to 1 and (n,). The embedded test digits if None.
        every_row: True when the output layers were trained with a loss at every row. Otherwise their answers before the
            last row need not mean anything, and the picture says so.
        state: where to start, any of: ``network`` (whose matrix, by name), ``cell`` (``[true, said]``; None for all misses),
            ``sort`` ("surest first", "least sure first", "widest margin first", "narrowest margin first"),
            ``digit`` (its number among all digits, from 0), ``image`` ((28, 28): that digit as it was changed, or without a
            digit one of your own; zeros are a blank sheet), ``row`` (rows read, 1 to 28).

    The counts are those of all digits; at most 500 of them travel with the picture, the misses first. With a kernel it
    fetches the others. The trait ``state`` follows the hand; what it is set to shows at once. `still()` draws it.

    Raises:
        ValueError: a model has another form or NaN among its weights, there are none or more than two, the images have
            another size or there are none, or the state holds something impossible. The message says what is accepted.

    >>> explorer = MissExplorer(state={"row": 20})
    >>> explorer
    MissExplorer(LSTM with 64 units, 1,000 digits, 500 of them saved)
    >>> explorer.state["row"]
    20
    """

    _esm = joined.light(joined.source("explorer"))
    _css = joined.light(joined.style("explorer"))
    networks = traitlets.List(help="for each network name, sizes, confusion matrix, right answers after each row").tag(sync=True)
    weights = traitlets.Bytes(help="for each network W_x, W_h, b, W_y, b_y: float32, little-endian").tag(sync=True)
    images = traitlets.Bytes(help="the saved digits: grey levels, packed with zlib").tag(sync=True)
    facts = traitlets.Bytes(help="about the saved digits: see `_facts`").tag(sync=True)
    total = traitlets.Int(help="number of all digits: those that the matrix counts").tag(sync=True)
    every_row = traitlets.Bool(help="whether the output layers learned to answer after every row").tag(sync=True)
    about = traitlets.Unicode(help="which networks and which digits these are").tag(sync=True)
    state = traitlets.Dict(help="network, cell, sort, digit, image, row: see the class").tag(sync=True)

    def __init__(self, models: keras.Model | dict[str, keras.Model] | None = None, images: ArrayLike | None = None,
                 labels: ArrayLike | None = None, *, every_row: bool = False, state: dict | None = None) -> None:
        self._cells = _read_models(models)
        embedded = images is None
        self._images, self._labels = _all_digits(images, labels, min(len(cell.b_y) for cell in self._cells.values()))
        self._answers = {name: ask(cell, self._images, self._labels) for name, cell in self._cells.items()}
        self._saved = self._choose(state or {})
        super().__init__(
            networks=[self._described(name) for name in self._cells],
            weights=b"".join(cell.block() for cell in self._cells.values()),
            images=Sample(self._images[self._saved], self._labels[self._saved]).packed(), facts=self._facts(self._saved),
            total=len(self._labels), every_row=bool(every_row), about=self._about(models is None, embedded), state=state or {})
        self.on_msg(self._hear)

    def _described(self, name):
        answers, cell = self._answers[name], self._cells[name]
        return {"name": name, "spec": cell.spec, "counts": answers.counts.tolist(), "rightAfter": answers.right_after.tolist()}

    def _choose(self, state):
        """The digits that travel: that of the state, the misses of any network, then evenly spaced others; in order."""
        missed = np.any([answers.said != self._labels for answers in self._answers.values()], axis=0)
        first = [state["digit"]] if isinstance(state.get("digit"), int) and 0 <= state["digit"] < len(self._labels) else []
        chosen = np.union1d(np.array(first, dtype=int), _evenly(np.flatnonzero(missed), MOST - len(first)))
        others = np.setdiff1d(np.arange(len(self._labels)), chosen)
        return np.union1d(chosen, _evenly(others, MOST - len(chosen)))

    def _facts(self, numbers):
        """Of these digits: numbers (uint32); of each network confidence, margin (float32); labels, and what each said (bytes)."""
        answers = self._answers.values()
        wide = [values[numbers] for each in answers for values in (each.confidence, each.margin)]
        return b"".join([numbers.astype("<u4").tobytes(), *(values.astype("<f4").tobytes() for values in wide),
                         self._labels[numbers].tobytes(), *(each.said[numbers].tobytes() for each in answers)])

    def _hear(self, _, content, buffers):
        """The browser asks for what is not saved: the facts about all digits, or the images of some."""
        if content.get("want") == "facts":
            self.send({"have": "facts"}, buffers=[self._facts(np.arange(len(self._labels)))])
        elif content.get("want") == "images":
            numbers = [int(number) for number in content["numbers"] if 0 <= number < len(self._labels)]
            self.send({"have": "images", "numbers": numbers}, buffers=[self._images[numbers].tobytes()])

    @traitlets.validate("state")
    def _whole_state(self, proposal) -> dict:
        whole = checked_state(proposal["value"], list(self._cells), self.networks[0]["spec"]["classes"], len(self._labels))
        if whole["digit"] is None and whole["image"] is None:
            listed = [number for number in self.listed(whole["network"], whole["cell"], whole["sort"]) if number in self._saved]
            whole["digit"] = int((listed or self._saved)[0])
        if whole["image"] is None and whole["digit"] not in self._saved:  # it must not be missed when there is no kernel
            whole["image"] = base64.b64encode(self._images[whole["digit"]].tobytes()).decode()
        return whole

    def listed(self, network: str | None = None, cell: tuple[int, int] | None = None, sort: str = "surest first") -> np.ndarray:
        """Numbers of the digits in a cell of a network's matrix, or of all its misses if None, in the order of the gallery."""
        answers, (key, sign) = self._answers[network or next(iter(self._cells))], SORTS[sort]
        inside = (answers.said != self._labels) if cell is None else (self._labels == cell[0]) & (answers.said == cell[1])
        numbers = np.flatnonzero(inside)
        return numbers[np.argsort(sign * getattr(answers, key)[numbers], kind="stable")]

    def wrong(self, network: str | None = None) -> int:
        """How many of all digits a network reads wrong after the last row; the first network if None."""
        return len(self.listed(network))

    @property
    def image(self) -> np.ndarray:
        """The digit that stands there now, (28, 28), ink from 0 to 1: also as it was changed or drawn by hand."""
        if self.state["image"] is None:
            return self._images[self.state["digit"]] / 255
        return np.frombuffer(base64.b64decode(self.state["image"]), np.uint8).reshape(28, 28) / 255

    def probabilities(self) -> dict[str, np.ndarray]:
        """Class probabilities after each row of the digit that stands there, (28, classes), for each network by name."""
        return {name: forward(cell, self.image)["p"] for name, cell in self._cells.items()}

    def caption(self) -> str:
        wrong = " and ".join(f"the {name} reads {self.wrong(name):,} wrong" for name in self._cells)
        return f"Of {self.total:,} digits {wrong}. {self._which()} {self._said()}."

    @property
    def changed(self) -> bool:
        """Whether pixels of the chosen digit were changed by hand."""
        digit = self.state["digit"]
        return digit is not None and not np.array_equal(np.rint(255 * self.image), self._images[digit])

    def _which(self):
        if self.state["digit"] is None:
            return "Of a digit drawn by hand,"
        changed = ", changed by hand" if self.changed else ""
        return f"Of digit {self.state['digit']}, a {self._labels[self.state['digit']]}{changed},"

    def _said(self):
        row = self.state["row"] - 1
        says = [f"the {name} says {p[row].argmax()} ({p[row].max():.0%})" for name, p in self.probabilities().items()]
        return f"after row {row + 1} of 28 {' and '.join(says)}"

    def still(self) -> Figure:
        """The matrix, the first digits of the chosen cell, and the chosen one row by row, drawn by matplotlib."""
        from course_utils.widgets.explorer_still import draw_explorer

        return draw_explorer(self)

    def _about(self, own, embedded):
        test, given = provenance()["test"], ", ".join(f"{name} ({_kind(cell)})" for name, cell in self._cells.items())
        shares = f"{test['right']} of the {test['of']:,} embedded test digits right"
        network = f"Network: {_kind(shipped())} that comes with the course; it has {shares}." if own else f"Given: {given}."
        which = "the embedded test digits" if embedded else "the digits given"
        saved = f"{len(self._saved)} of them are saved here, the misses first."
        return f"{network} The matrix counts all {len(self._labels):,} of {which}; {saved}"

    def __repr__(self) -> str:
        kinds = " and ".join(_kind(cell) for cell in self._cells.values())
        return f"MissExplorer({kinds}, {len(self._labels):,} digits, {len(self._saved)} of them saved)"


def _read_models(models) -> dict[str, Cell]:
    """The networks by name."""
    if models is None:
        return {"LSTM": shipped()}
    if not isinstance(models, dict):
        cell = read_model(models)
        return {"LSTM" if cell.kind == "lstm" else "RNN": cell}
    if len(models) not in (1, 2) or not all(isinstance(name, str) and 0 < len(name) <= LONGEST_NAME for name in models):
        raise ValueError(f"models: expected one or two by names of 1 to {LONGEST_NAME} letters; received {list(models)}.")
    cells = {name: read_model(model) for name, model in models.items()}
    if len({len(cell.b_y) for cell in cells.values()}) > 1:
        received = " and ".join(str(len(cell.b_y)) for cell in cells.values())
        raise ValueError(f"models: expected the same classes in both; received {received}.")
    return cells


def _all_digits(images, labels, classes):
    """Grey levels and labels of all digits, as bytes."""
    if images is None and labels is None:
        from course_utils.data import load_mnist

        images, labels = load_mnist("embedded", verbose=False)[2:4]
    if images is None or labels is None:
        raise ValueError("images, labels: expected both or neither; received only one.")
    images, labels = checked_images(images), np.asarray(labels)
    if labels.shape != (len(images),) or labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"labels: expected {len(images)} whole numbers from 0 to {classes - 1}, one for each image; "
                         f"received shape {labels.shape} of {labels.dtype}, {labels.min()} to {labels.max()}.")
    return grey(images), labels.astype(np.uint8)


def _evenly(numbers, count):
    """At most so many of them, evenly spaced."""
    count = max(0, min(count, len(numbers)))
    return numbers[np.arange(count) * len(numbers) // max(1, count)]


def ask(cell: Cell, images: np.ndarray, labels: np.ndarray) -> Answers:
    """Let a network read all digits: grey levels (n, 28, 28) and classes (n,)."""
    parts = range(0, len(images), 1000)
    found = [_answer(cell, images[k : k + 1000] / np.float32(255), labels[k : k + 1000]) for k in parts]
    said, confidence, margin, right = (np.concatenate(values) for values in zip(*found))
    counts = np.zeros((len(cell.b_y),) * 2, dtype=int)
    np.add.at(counts, (labels, said), 1)
    return Answers(said, confidence, margin, counts, right.sum(axis=0))


def _answer(cell, images, labels):
    p = probabilities_by_row(cell, images)
    said, (second, first) = p.argmax(axis=2), np.sort(p[:, -1], axis=1).T[-2:]
    return said[:, -1].astype(np.uint8), first, first - second, said == labels[:, None]


def probabilities_by_row(cell: Cell, images: np.ndarray) -> np.ndarray:
    """Class probabilities after each row, (n, rows, classes) in float32: many digits at once, as `forward` does one."""
    W_x, W_h, b, W_y, b_y = cell[2:]
    h = c = np.zeros((len(images), len(W_h)), np.float32)
    p = []
    for x_t in images.transpose(1, 0, 2):
        a = x_t @ W_x + h @ W_h + b
        if cell.kind == "rnn":
            h = np.maximum(a, 0) if cell.activation == "relu" else np.tanh(a)
        else:
            i, f, g, o = np.split(a, 4, axis=1)
            c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
            h = _sigmoid(o) * np.tanh(c)
        z = h @ W_y + b_y
        e = np.exp(z - z.max(axis=1, keepdims=True))
        p.append(e / e.sum(axis=1, keepdims=True))
    return np.stack(p, axis=1)


def _sigmoid(a):
    return (1 + np.tanh(a / 2)) / 2  # never overflows


def checked_state(state: dict, names: list[str], classes: int, count: int) -> dict:
    """The whole state, with defaults for what is left out; ValueError names what is impossible."""
    unknown = set(state) - set(START)
    if unknown:
        raise ValueError(f"state: expected any of {', '.join(START)}; received {', '.join(sorted(map(str, unknown)))}.")
    whole = START | state
    for key, accepted in (("network", [*names, None]), ("sort", list(SORTS))):
        if whole[key] not in accepted:
            raise ValueError(f"state: expected {key} to be one of {', '.join(map(str, accepted))}; received {whole[key]!r}.")
    return {
        "network": whole["network"] or names[0], "cell": _checked_cell(whole["cell"], classes), "sort": whole["sort"],
        "digit": None if whole["digit"] is None else _between("digit", whole["digit"], 0, count - 1),
        "image": _checked_image(whole["image"]), "row": _between("row", whole["row"], 1, 28),
    }  # fmt: skip


def _checked_cell(cell, classes):
    if cell is None:
        return None
    if not isinstance(cell, (list, tuple)) or len(cell) != 2:
        raise ValueError(f"state: expected cell to be [true, said] or None; received {cell!r}.")
    return [_between("each class of cell", label, 0, classes - 1) for label in cell]
