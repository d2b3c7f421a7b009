"""Pictures to take into the hand. They compute in the browser, so they live without a kernel and without a network.

>>> LSTMScope()
LSTMScope(LSTM with 64 units, 500 digits)
"""

from course_utils.widgets.explorer import MissExplorer
from course_utils.widgets.lstm_scope import LSTMScope
from course_utils.widgets.one_cell import OneCell
from course_utils.widgets.predict import PredictChoice, PredictCurve, PredictNumber, PredictRanking
from course_utils.widgets.river import GradientRiver
from course_utils.widgets.unfold import Unfold

__all__ = ["GradientRiver", "LSTMScope", "MissExplorer", "OneCell", "PredictChoice", "PredictCurve", "PredictNumber", "PredictRanking", "Unfold"]
