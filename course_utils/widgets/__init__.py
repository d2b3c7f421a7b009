"""Pictures to take into the hand. They compute in the browser, so they live without a kernel and without a network.

>>> LSTMScope()
LSTMScope(LSTM with 64 units, 500 digits)
"""

from course_utils.widgets.explorer import MissExplorer
from course_utils.widgets.lstm_scope import LSTMScope
from course_utils.widgets.river import GradientRiver

__all__ = ["GradientRiver", "LSTMScope", "MissExplorer"]
