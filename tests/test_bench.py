"""The bench beside the benchmarks: what is kept when it is interrupted, what is marked, and that all contenders do the same work."""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tests" / "benchmarks"))
import bench  # noqa: E402
from speed import figures, peers, picture, race, report, results  # noqa: E402
from speed.contenders import products  # noqa: E402
from speed.rows import growth, inference, steps, to_99  # noqa: E402
from speed.workers import Contender, Missing, Worker, workers  # noqa: E402

from course_utils.data import load_mnist  # noqa: E402


def outcome(samples, **more):
    """One that was measured, with these samples."""
    blank = results.blank("LSTM, one training step", "ms", "abc")
    return {**blank, "samples": samples, "complete": True, "load": 0.1, **more}


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A file of results of its own, with two cases."""
    monkeypatch.setattr(results, "FILE", tmp_path / "results.json")
    for kind, times in (("rnn", 1.0), ("lstm", 2.0)):
        samples = {"the kit": [0.004 * times] * 3, "JAX lax.scan": [0.008 * times] * 3, "matrix products alone": [0.002 * times] * 3}
        results.keep("steps", kind, outcome(samples, missing={"PyTorch": "its environment is not there"}))
    return tmp_path / "results.json"


# --- Numbers ---


def test_ratios_are_taken_within_a_round():
    samples = {"the kit": [1.0, 10.0, 2.0], "slow": [2.0, 20.0, 4.0]}  # the machine was busy in the second round
    assert figures.ratio(samples, "slow") == 0.5
    assert figures.ratio(samples, "nobody") is None


def test_the_best_peer_is_no_floor_and_not_the_kit():
    samples = {"the kit": [1.0], "JAX lax.scan": [2.0], "keras.fit": [3.0], "matrix products alone": [0.5], "matrix products alone by PyTorch": [0.4]}
    assert figures.best_peer(samples) == "JAX lax.scan" and figures.floor(samples) == "matrix products alone by PyTorch"


def test_each_goal_is_read_from_its_case(kept):
    summary = report.outcomes(results.load())
    by_words = {goal.words: figures.reached(goal, summary[goal.row, goal.case]) for goal in figures.GOALS if (goal.row, goal.case) in summary}
    assert by_words["RNN step, of the best peer's"] == 0.5 and by_words["RNN step, of the matrix products alone"] == 2.0
    assert by_words["LSTM step, of PyTorch's"] is None
    assert "| RNN step, of the best peer's | 0.6 | 0.50 | yes |" in report.goals_table(summary)
    assert "| RNN step, of the matrix products alone | 1.6 | 2.00 | no |" in report.goals_table(summary)
    assert "| LSTM step, of PyTorch's | 0.8 | – |  |" in report.goals_table(summary)


def test_seeds_stay_pairs_when_some_have_fewer_contenders():
    seeds = {"seed 1": outcome({"the kit": [20.0]}), "seed 2": outcome({"the kit": [10.0], "keras.fit": [40.0]})}
    one = figures.one_outcome(seeds)
    assert one["samples"]["the kit"] == [10.0, 20.0] and figures.ratio(one["samples"], "keras.fit") == 0.25


@pytest.mark.parametrize("theirs, line", [(100.0, "| below 0.20 | yes |"), (40.0, "| below 0.50 | not known |")])
def test_of_who_never_reached_the_goal_a_bound_is_told(theirs, line):
    looks = {"the kit": [[20.0, 1400, 0.991]], "keras.fit": [[theirs / 2, 469, 0.97], [theirs, 938, 0.98]]}
    seed = outcome({"the kit": [20.0]}, title="training, seed 1", looks=looks, missing={"keras.fit": "did not reach 99%"})
    longer = {**seed, "looks": {**looks, "keras.fit": [[10 * theirs, 938, 0.98]]}}
    table = report.goals_table({("to_99", "all seeds"): figures.one_outcome({"1": longer, "2": seed})})
    assert f"| time to 99%, of plain keras.fit's | 0.4 {line}" in table


# --- Keeping, and marking ---


def test_what_is_done_is_kept_when_the_bench_is_stopped(kept, monkeypatch, capsys):
    def stopped(outcome):
        outcome["samples"]["the kit"] = [1.0]
        raise KeyboardInterrupt

    row = type("Row", (), {"NAME": "fake", "CODE": (), "MINUTES": 0, "title": lambda case: (case, "s"),
                           "cases": lambda: {"first": lambda outcome: outcome["samples"].update({"the kit": [2.0]}), "second": stopped}})  # fmt: skip
    monkeypatch.setitem(bench.ROWS, "fake", row)
    assert bench.main(["--rows", "fake"]) == 130
    found = results.load()["fake"]
    assert found["first"]["complete"] and found["first"]["samples"] == {"the kit": [2.0]}
    assert not found["second"]["complete"] and found["second"]["samples"] == {"the kit": [1.0]}
    assert "kept" in capsys.readouterr().err

    row.cases = lambda: {"first": stopped, "second": lambda outcome: outcome["samples"].update({"the kit": [3.0]})}
    bench.measure_row("fake", again=False)  # goes on: the first is kept and not measured again
    assert "first: kept from" in capsys.readouterr().out
    assert results.load()["fake"]["second"]["complete"]


def test_an_unfinished_case_never_replaces_a_finished_one(kept):
    assert not results.keep("steps", "rnn", outcome({"the kit": [9.0]}, complete=False))
    assert results.load()["steps"]["rnn"]["samples"]["the kit"] == [0.004] * 3


def test_a_broken_file_says_what_to_do(kept):
    kept.write_text("{half")
    with pytest.raises(ValueError, match="Take it back from git"):
        results.load()


def test_a_row_that_is_not_there_is_refused(capsys):
    with pytest.raises(SystemExit):
        bench.main(["--rows", "steps,speed"])
    assert "there is no row 'speed'" in capsys.readouterr().err


def test_other_code_marks_what_is_older(kept):
    rows = bench.ROWS
    assert report.stale(results.load(), rows)  # measured with the code "abc"
    results.keep("steps", "rnn", outcome({"the kit": [1.0]}, code=results.code_hash(steps.CODE)))
    results.keep("steps", "lstm", outcome({"the kit": [1.0]}, code=results.code_hash(steps.CODE)))
    assert not report.stale(results.load(), rows)


def test_a_hash_follows_the_files(tmp_path):
    (tmp_path / "a.py").write_text("x")
    before = results.code_hash(["*.py"], tmp_path)
    (tmp_path / "a.py").write_text("y")
    after = results.code_hash(["*.py"], tmp_path)
    assert after != before
    hashes = set()
    for minutes in (3, 4):  # how long it is said to take changes nothing that is measured
        (tmp_path / "a.py").write_text(f'y\nNAME, MINUTES = "a", {minutes}\n')
        hashes.add(results.code_hash(["*.py"], tmp_path))
    assert len(hashes) == 1 and after not in hashes


@pytest.mark.parametrize("row", bench.ROWS.values(), ids=bench.ROWS)
def test_each_row_names_code_that_is_there_and_words_for_each_case(row):
    assert all(list(ROOT.glob(pattern)) for pattern in row.CODE), row.CODE
    for case in row.cases():
        words, unit = row.title(case)
        assert words and unit in ("ms", "s")


# --- Report ---


def test_the_table_has_everybody_and_who_is_missing(kept):
    text = report.lines(results.load()["steps"]["lstm"])
    assert text.index("matrix products alone") < text.index("the kit") < text.index("JAX") < text.index("PyTorch")
    assert "8.00 ms" in text and "×2.00" in text and "its environment is not there" in text


def test_tables_of_the_profile_that_are_older_than_the_code_are_named():
    table = {"title": "The step in parts", "head": ["a", "b"], "rows": [["x", "1"]], "date": "2026-11-22", "code": "abc"}
    assert "Older than the code:** The step in parts." in report.profile_part({"PARTS": table}, "other")
    assert "Older" not in report.profile_part({"PARTS": table}, "abc")


def test_the_page_says_what_two_cores_are_worth():
    assert "side by side make 1.30 times the matrix products" in report.case_part(outcome({"the kit": [1.0]}, two_at_once=1.3))


def test_page_readme_and_figure_come_from_what_is_kept(kept, tmp_path, monkeypatch):
    page, text, drawing = tmp_path / "speed.md", tmp_path / "README.md", tmp_path / "speed.png"
    monkeypatch.setattr(results, "ROOT", tmp_path)
    monkeypatch.setattr(report, "PAGE", page)
    monkeypatch.setattr(picture, "FILE", drawing)
    monkeypatch.setattr(report, "PROFILE", tmp_path / "none.json")
    monkeypatch.setattr(report, "README", text)
    (tmp_path / "styles").symlink_to(ROOT / "styles")
    text.write_text("a\n<!-- speed:start -->\n<!-- speed:end -->\nb\n")
    assert bench.main(["--report"]) == 0
    assert "| LSTM, one training step | 8.00 ms | 16.0 ms, JAX lax.scan | 0.50 | 4.00 ms, matrix products alone |" in text.read_text()
    assert "Older than the code:** steps" in text.read_text() and "Older than the code:** steps" in page.read_text()
    assert "JAX lax.scan takes 2.0 times as long" in text.read_text() and drawing.stat().st_size > 5000


def test_readme_shows_what_is_kept():
    found = results.load()
    if not found:
        pytest.skip("nothing is measured yet")
    old = report.stale(found, bench.ROWS)
    text = report.readme.between_markers("speed", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert report.summary_table(report.outcomes(found)) in text, "README's figures are not those of docs/bench/results.json: run `make bench BENCH_ARGS=--report`"
    if old:
        warnings.warn(f"Figures of speed are older than the code ({', '.join(old)}): `make bench` measures again.", stacklevel=1)


# --- Slopes ---


def test_a_bend_is_found_where_the_slope_changes():
    sizes, seconds = [32, 64, 128, 256], [1.0, 1.1, 1.2, 2.4]
    assert [round(slope, 1) for slope in growth.slopes(sizes, seconds)] == [0.1, 0.1, 1.0]
    assert growth.bends(sizes, seconds) == [128]


# --- The same work ---


def test_parity_names_the_first_thing_that_differs():
    right = {"logits": np.array([1.0, 2.0]), "W_h": np.array([1.0])}
    assert race.parity(right, right) is None
    assert race.parity({**right, "W_h": np.array([1.01])}, right).startswith("W_h differs")
    assert race.parity({**right, "logits": np.array([np.nan, 2.0])}, right).startswith("logits differs")
    assert race.parity({**right, "logits": np.zeros(3)}, right).startswith("logits has the shape")


def test_a_peer_without_its_environment_is_missing_and_the_rest_runs(monkeypatch, tmp_path):
    monkeypatch.setattr(peers, "FOLDER", tmp_path / "none")
    given = tmp_path / "given.npz"
    np.savez(given, images=np.random.default_rng(0).random((300, 28, 28), dtype=np.float32), labels=np.arange(300) % 10)
    entered = [Contender("PyTorch", "torch_peer", "Batches", {"one": ({}, {}), "two": ({}, {})}, peer=True), Contender("NumPy", "plain", "Batches", {"only": ({}, {})})]
    found = outcome({})
    steps.race_all(entered, {"given": str(given), "batch": 128}, lambda worker: None, found, count=2, seconds=0.01)
    assert list(found["samples"]) == ["NumPy"] and len(found["samples"]["NumPy"]) == 2
    assert "`make bench-peers` makes it" in found["missing"]["PyTorch"]


def test_a_process_that_dies_drops_out(tmp_path):
    given = tmp_path / "given.npz"
    np.savez(given, images=np.zeros((300, 28, 28), np.float32), labels=np.arange(300) % 10)
    worker = Worker(Contender("NumPy", "plain", "Batches", {"only": ({}, {})}), "only", {"given": str(given), "batch": 128})
    worker.process.kill()
    worker.process.wait()
    samples, missing = {}, {}
    race.rounds({"dead": lambda: worker.call("go", count=1), "alive": lambda: 1.0}, 3, samples, missing)
    worker.close()
    assert samples["alive"] == [1.0] * 3 and "its process ended" in missing["dead"]


def test_who_computes_something_else_is_not_timed(tmp_path):
    case = inference.prepare(tmp_path, "lstm", 3)
    formula = Contender("NumPy", "plain", "Inference", {"only": ({"batch": 3}, {})})
    with workers({"NumPy": (formula, "only")}, case) as (started, _):
        inference.same_answers(started["NumPy"], tmp_path)
        np.savez(tmp_path / "right.npz", value=np.load(tmp_path / "right.npz")["value"] + 0.1)
        with pytest.raises(Missing, match="not timed: an answer differs"):
            inference.same_answers(started["NumPy"], tmp_path)


@pytest.fixture(scope="module", params=["rnn", "lstm"])
def prepared(request, tmp_path_factory):
    """What the kit computes, in a folder; and the contenders but for the kit."""
    folder = tmp_path_factory.mktemp(request.param)
    return folder, steps.prepare(folder, request.param), {contender.module: contender for contender in steps.contenders(request.param)}


@pytest.mark.parametrize("module, option", [("keras_fit", 0), ("torch_peer", 0), ("torch_peer", -1), ("jax_peer", 0), ("jax_peer", -2)])
def test_all_contenders_make_the_same_step(module, option, prepared):
    folder, case, entered = prepared
    contender = entered[module]
    if contender.peer and peers.python() is None:
        pytest.skip(f"{contender.name} is not there; `{peers.COMMAND}` makes its environment")
    with workers({contender.name: (contender, list(contender.options)[option])}, case) as (started, missing):
        assert not missing
        steps.same_work(started[contender.name], folder, case["weights"])
        with np.load(folder / "kit.npz") as right:
            kept = dict(right)
        np.savez(folder / "kit.npz", **{**kept, "W_h": kept["W_h"] * 1.01})
        try:
            with pytest.raises(Missing, match="W_h differs"):
                steps.same_work(started[contender.name], folder, case["weights"])
        finally:
            np.savez(folder / "kit.npz", **kept)


def test_losses_are_those_of_a_fresh_start_whatever_was_timed_before(prepared):
    folder, case, _ = prepared
    kit = steps.contenders(case["kind"])[0]
    with workers({kit.name: (kit, "as in the lessons")}, case) as (started, _), np.load(folder / "kit.npz") as right:
        started[kit.name].call("go", count=1)
        started[kit.name].call("losses", into=str(folder / "again.npz"), weights=case["weights"])
        with np.load(folder / "again.npz") as again:
            assert race.parity(again, {"losses": right["losses"]}) is None


def test_the_floor_leaves_no_product_out():
    small = products.shapes("lstm", 8, 4, 5, 3)
    made = [(a.T if turned == "a" else a) @ (b.T if turned == "b" else b) for a, b, turned in products.factors(small)]
    assert products._tensorflow(small)() == pytest.approx(2 * sum(product[0, 0] for product in made), rel=1e-4)


def test_the_recipe_is_lesson_3s():
    lesson = (ROOT / "notebooks" / "03_lstm.ipynb").read_text(encoding="utf-8")
    code = "\n".join("".join(cell["source"]) for cell in json.loads(lesson)["cells"] if cell["cell_type"] == "code")
    recipe = to_99.RECIPE
    assert f"steps = {recipe['steps']:_} if mnist.is_full" in code
    assert f"train_modern(lstm, peak={recipe['peak'] * 1000:g}e-3)" in code
    assert "CosineDecay(0.0, decay_steps=steps * 4 // 5, warmup_target=peak, warmup_steps=steps // 5)" in code and "global_clipnorm=1.0" in code


@pytest.fixture(scope="module")
def few_digits(tmp_path_factory):
    """A file of 64 digits to train and 32 to test."""
    digits, file = load_mnist("embedded", verbose=False), tmp_path_factory.mktemp("few") / "given.npz"
    np.savez(file, images=digits.x_train[:64], labels=digits.y_train[:64], test_images=digits.x_test[:32], test_labels=digits.y_test[:32])
    return str(file)


@pytest.mark.parametrize("entered", range(3))
def test_a_training_ends_at_the_look_that_reaches_the_goal(entered, few_digits, monkeypatch, tmp_path):
    monkeypatch.setattr(results, "FILE", tmp_path / "results.json")  # nothing is known of the best options
    contender = to_99.contenders()[entered]
    recipe = (to_99.PLAIN if entered == 1 else to_99.RECIPE) | {"units": 4, "batch": 16, "steps": 8}
    with workers({contender.name: (contender, next(iter(contender.options)))}, {"given": few_digits}) as (started, missing):
        assert not missing
        looks = [started[contender.name].call("train", seed=1, recipe=recipe, looks=[2, 4, 8], goal=goal) for goal in (2.0, 0.0)]
    assert [[step for _, step, _ in found] for found in looks] == [[2, 4, 8], [2]]
    seconds = [second for second, _, _ in looks[0]]
    assert seconds == sorted(seconds) and all(0 <= share <= 1 for _, _, share in looks[0])


def test_plain_fit_takes_adam_as_it_comes(few_digits):
    import keras
    from speed.contenders import keras_fit

    made = []
    for recipe in (to_99.PLAIN, {**to_99.RECIPE, "peak": 0.5}):
        training = keras_fit.To99(few_digits)
        training.train(seed=1, recipe=recipe | {"units": 4, "batch": 16, "steps": 4}, looks=[4], goal=2.0)
        made.append(training.model.optimizer)
    assert float(made[0].learning_rate) == pytest.approx(float(keras.optimizers.Adam().learning_rate)) and made[0].global_clipnorm is None
    assert made[1].global_clipnorm == 1.0


def test_the_lock_is_made_from_what_is_wanted():
    wanted = {line.partition("=")[0] for line in peers.WANTED.read_text().splitlines() if line and not line.startswith("#")}
    locked = {line.partition("=")[0] for line in peers.LOCK.read_text().splitlines() if line and not line.startswith("#")}
    assert wanted <= locked and "://" not in peers.LOCK.read_text()
