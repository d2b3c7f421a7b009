"""A lecture shows recorded trainings: the same training is found and another is not, and a recording whose code changed is old."""

import json

import keras
import nbformat
import numpy as np
import pytest

from course_utils.data import DataLoader
from course_utils.kit import lecture
from course_utils.models import rnn_classifier
from course_utils.publish import recordings
from course_utils.runs import Run, course_run
from course_utils.training import make_step, train

RECORDED = [(path, kind) for path in recordings.training_lessons() for kind in recordings.KINDS]


@pytest.fixture(autouse=True)
def no_switches(monkeypatch, tmp_path):
    for name in ("COURSE_RUN", "COURSE_SEED", "COURSE_RECORD", "COURSE_RECORD_LECTURE"):
        monkeypatch.delenv(name, raising=False)


def loader(count=40, seed=1):
    rng = np.random.default_rng(0)
    return DataLoader(rng.uniform(size=(count, 28, 28)), rng.integers(10, size=count), 10, seed=seed)


def model_and_step(seed=1, rate=0.01, units=8):
    model = rnn_classifier(units, seed=seed)
    return model, make_step(model, keras.optimizers.Adam(rate))


@pytest.fixture
def recorded(monkeypatch, tmp_path):
    """A training of four steps, recorded as the command does it; its history and the weights it ended with."""
    kept = tmp_path / "kept"
    kept.mkdir()
    monkeypatch.setenv("COURSE_RECORD_LECTURE", str(kept))
    model, step = model_and_step()
    history = train(step, loader(), 4, batch_size=10)
    monkeypatch.delenv("COURSE_RECORD_LECTURE")
    monkeypatch.setattr(lecture, "FOLDER", tmp_path / "recorded")
    path = recordings.training_lessons()[0]
    recordings.write(path, "embedded", kept)
    monkeypatch.setenv("COURSE_RUN", "lecture")
    return history, model.get_weights()


def never(*batch):
    raise AssertionError("a lecture trains")


def test_the_same_training_is_shown_and_not_made(recorded, monkeypatch, capsys):
    history, weights = recorded
    model, step = model_and_step()
    monkeypatch.setattr(DataLoader, "next_batch", never)
    shown = train(step, loader(), 4, batch_size=10, report_every=2)
    assert np.allclose(shown.loss, history.loss, rtol=1e-3) and np.allclose(shown.accuracy, history.accuracy, rtol=1e-3)
    assert all(np.allclose(new, old, atol=1e-3) for new, old in zip(model.get_weights(), weights)) and shown.seconds == round(history.seconds, 1)
    said = capsys.readouterr().out
    assert "Recorded on 20" in said and "nothing was trained now" in said and "step     2 " in said


OTHERS = {
    "steps": lambda: train(model_and_step()[1], loader(), 3, batch_size=10),
    "batch": lambda: train(model_and_step()[1], loader(), 4, batch_size=20),
    "order": lambda: train(model_and_step()[1], loader(), 4, batch_size=10, shuffle=False),
    "data": lambda: train(model_and_step()[1], loader(count=60), 4, batch_size=10),
    "rate": lambda: train(model_and_step(rate=0.02)[1], loader(), 4, batch_size=10),
    "network": lambda: train(model_and_step(units=6)[1], loader(), 4, batch_size=10),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_another_training_is_made(recorded, other, capsys):
    history = other()
    assert len(history.loss) > 0 and "Recorded on" not in capsys.readouterr().out


def test_two_optimisers_that_differ_only_in_where_they_start_are_two():
    described = []
    for start in (0.0, 1.0):
        model = rnn_classifier(8, seed=1)
        optimizer = keras.optimizers.RMSprop(0.001)
        optimizer.build(model.trainable_variables)
        for variable in optimizer.variables:
            if "velocity" in variable.path:
                variable.assign(np.full(variable.shape, start))
        described.append(lecture.description(make_step(model, optimizer), loader(), 4, 10, True))
    assert lecture.key(described[0]) != lecture.key(described[1])


def test_a_step_without_a_model_is_made(recorded):
    assert train(lambda images, labels: (1.0, 0.5), loader(), 2, batch_size=10).loss.tolist() == [1.0, 1.0]


def test_the_switch(monkeypatch):
    monkeypatch.setenv("COURSE_RUN", "lecture")
    assert course_run() == Run(full=True, seed=1, lecture=True) and "lecture" in repr(course_run())
    assert course_run().steps(5_000) == 5_000
    monkeypatch.setenv("COURSE_SEED", "2")
    with pytest.raises(ValueError, match="COURSE_SEED must be 1 in a lecture"):
        course_run()


# --- Old or not ---


@pytest.mark.parametrize(("path", "kind"), RECORDED, ids=lambda part: getattr(part, "stem", part))
def test_no_recording_is_old(path, kind):
    assert not recordings.is_old(path, kind), f"{path.stem} trains otherwise than when it was recorded, or never was: make lecture"


@pytest.mark.parametrize("file", sorted(lecture.FOLDER.glob("*.json")), ids=lambda file: file.stem)
def test_every_recording_can_be_loaded_and_tells_where_it_is_from(file):
    recorded = json.loads(file.read_text(encoding="utf-8"))
    assert {"lesson", "data", "seed", "date", "python", "tensorflow", "keras", "numpy", "code"} < set(recorded) and recorded["runs"]
    for name, run in recorded["runs"].items():
        assert lecture.key(run["description"]) == name
        found = lecture.load(file.with_suffix(".npz"), name, run, recorded["date"])
        assert len(found.loss) == len(found.accuracy) == run["description"]["steps"]
        assert [list(w.shape) for w in found.weights] == [shape for shape, _ in run["description"]["weights"]]
        assert all(np.isfinite(array).all() for array in (found.loss, *found.weights))
    assert file.with_suffix(".npz").stat().st_size < 4_000_000


def changed(path, folder, old, new):
    notebook = nbformat.read(path, as_version=4)
    before = [cell.source for cell in notebook.cells]
    for cell in notebook.cells:
        cell.source = cell.source.replace(old, new) if cell.cell_type == "code" else cell.source
    assert before != [cell.source for cell in notebook.cells]
    nbformat.write(notebook, folder / path.name)
    return folder / path.name


@pytest.mark.parametrize(("old", "new", "same"), [
    ("learning_rate=0.001", "learning_rate=0.002", False),  # a function that a trainer calls
    ("stddev=0.01", "stddev=0.02", False),
    ("run.steps(5_000)", "run.steps(5_001)", False),
    ("mean_square_start=0)", "mean_square_start=2)", False),  # what a training is called with
    ('draw_digit(np.array(image), ax=ax, title=title)', 'draw_digit(np.array(image), ax=ax)', True),  # a drawing
    ('"""RMSProp with rate', '# a comment\n    """RMSProp with rate', True),
])  # fmt: skip
def test_the_hash_knows_the_code_that_trains(tmp_path, old, new, same):
    path = next(path for path in recordings.training_lessons() if path.stem.startswith("02"))
    assert (recordings.digest(changed(path, tmp_path, old, new)) == recordings.digest(path)) is same
