"""Linear models on bags: which words a text has, and, if wanted, which pairs of neighbours. No order beyond that, no state.

A bag holds 1 for what occurs in the text, however often, as Wang and Manning (2012) advise.
"""

from __future__ import annotations

import io

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from course_utils.projects.reviews import held_out

STRENGTHS = (0.01, 0.03, 0.1, 0.3)  # scikit-learn's C: the smaller, the more the weights are held small


class LinearReader:
    """Logistic regression on the bag of words of a text, or on its words and pairs of neighbouring words.

    Args:
        vocabulary: the largest word number.
        pairs: use pairs of neighbours as well, those that occur in at least ``least`` training texts.
        least: see ``pairs``.
    """

    def __init__(self, vocabulary: int, *, pairs: bool = False, least: int = 3) -> None:
        self.vocabulary, self.least = vocabulary, least
        self.pairs = np.zeros(0, dtype=np.int64) if pairs else None  # the pairs that are told apart, in order

    def fit(self, x: np.ndarray, y: np.ndarray) -> LinearReader:
        """Learn from word numbers (n, words), 0 for padding, and labels (n,); choose C on a part held out of them.

        `validation` then maps each C to the share of that part that was right, and ``strength`` is the best.
        """
        apart = held_out(y)
        if self.pairs is not None:
            found, times = np.unique(np.concatenate([np.unique(pairs[pairs > 0]) for pairs in self._pairs(x[~apart])]), return_counts=True)
            self.pairs = found[times >= self.least]
        bags = self.bags(x)
        models = {c: LogisticRegression(C=c, solver="liblinear", random_state=0).fit(bags[~apart], y[~apart]) for c in STRENGTHS}
        self.validation = {c: float(model.score(bags[apart], y[apart])) for c, model in models.items()}
        self.strength = max(self.validation, key=self.validation.get)
        self.model = models[self.strength]
        return self

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Logits (blame, praise), shape (n, 2)."""
        score = self.model.decision_function(self.bags(x))
        return np.stack([-score / 2, score / 2], axis=1)

    def bags(self, x: np.ndarray) -> sparse.csr_matrix:
        """The bag of each text as a row of zeros and ones: words first, then pairs."""
        columns, rows = [x.ravel() - 1], [np.repeat(np.arange(len(x)), x.shape[1])]
        if self.pairs is not None and len(self.pairs):
            pairs = self._pairs(x)
            places = np.minimum(np.searchsorted(self.pairs, pairs), len(self.pairs) - 1)
            columns.append(np.where(self.pairs[places] == pairs, self.vocabulary + places, -1).ravel())
            rows.append(np.repeat(np.arange(len(x)), pairs.shape[1]))
        column, row = np.concatenate(columns), np.concatenate(rows)
        known = column >= 0
        width = self.vocabulary + (0 if self.pairs is None else len(self.pairs))
        bags = sparse.csr_matrix((np.ones(known.sum(), dtype=np.float32), (row[known], column[known])), shape=(len(x), width))
        bags.data[:] = 1.0  # equal places were added up
        return bags

    @property
    def parameters(self) -> int:
        """Weights and the bias."""
        return self.model.coef_.size + 1

    @property
    def file_bytes(self) -> int:
        """Bytes on disk: the weights in float32, and the pairs that belong to them."""
        file = io.BytesIO()
        np.savez_compressed(file, weights=self.model.coef_.astype(np.float32), bias=self.model.intercept_, pairs=[] if self.pairs is None else self.pairs)
        return len(file.getvalue())

    def _pairs(self, x):
        """Each pair of neighbours as one number, 0 where one of them is padding."""
        first, second = x[:, :-1].astype(np.int64), x[:, 1:].astype(np.int64)
        return np.where((first > 0) & (second > 0), first * (self.vocabulary + 1) + second, 0)
