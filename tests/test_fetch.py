"""fetch and pack: every way in which a download can go wrong, against a server on this machine."""

import errno
import gzip
import hashlib
import inspect
import io
import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import requests

from course_utils.data import load_mnist
from course_utils.kit import arrays, fetch

MNIST = {
    "x_train": np.random.default_rng(0).integers(0, 256, (400, 28, 28), dtype=np.uint8),
    "y_train": np.arange(400, dtype=np.uint8) % 10,
    "x_test": np.random.default_rng(1).integers(0, 256, (10, 28, 28), dtype=np.uint8),
    "y_test": np.arange(10, dtype=np.uint8),
}


def npz_bytes(**some) -> bytes:
    """The given arrays as the bytes of a compressed npz, the same ones each time."""
    stream = io.BytesIO()
    np.savez_compressed(stream, **some)
    return stream.getvalue()


RUN_KERAS = fetch._run_keras  # the real one: most tests put `stand_in` in its place
FILE = npz_bytes(**MNIST)  # about 300 kB, so five chunks


class Handler(BaseHTTPRequestHandler):
    """Serves `server.files`; `server.faults` says what goes wrong with the next request, and the next."""

    def do_GET(self):
        server = self.server
        begin = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-")
        server.begins.append(int(begin))
        fault = server.faults.pop(0) if server.faults else None
        body = server.files.get(self.path.rsplit("/", 1)[-1])
        if body is None or fault == "error":
            return self.send_error(404 if body is None else 503)
        start = int(begin) if server.ranges else 0
        if start and start >= len(body):
            return self.send_error(416)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        self.send_body(body[start:], fault)

    def send_body(self, body: bytes, fault: str | None) -> None:
        if fault == "damage":
            body = body[:100] + bytes([body[100] ^ 255]) + body[101:]
        if fault == "cut":
            body = body[: len(body) // 2]
        pieces = [body[k : k + 30000] for k in range(0, len(body), 30000)]
        for piece in pieces:
            self.wfile.write(piece)
            if fault == "slow":
                self.wfile.flush()
                time.sleep(0.2)

    def log_message(self, *_args):
        """Say nothing."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_args):
        """A client that hangs up is part of the tests."""


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    served = Server(("127.0.0.1", 0), Handler)
    served.files, served.faults, served.begins, served.ranges = {"mnist.npz": FILE}, [], [], True
    thread = threading.Thread(target=served.serve_forever, args=(0.01,))
    thread.start()
    yield served
    served.shutdown()
    thread.join()
    served.server_close()


def stand_in(name: str, home: str, made: Path) -> None:
    """Instead of Keras, for an npz that is plain already."""
    made.write_bytes((Path(home) / fetch.DOWNLOADS[name][0].place).read_bytes())


def specs(some: dict[str, np.ndarray]) -> dict[str, arrays.Spec]:
    return {name: arrays.Spec(a.shape, str(a.dtype), arrays.digest(a)) for name, a in some.items()}


@pytest.fixture
def cache(server, tmp_path, monkeypatch):
    """An empty cache, and MNIST small and on this machine's own server."""
    port = server.server_address[1]
    digest = hashlib.sha256(FILE).hexdigest()
    download = fetch.Download(f"http://127.0.0.1:{port}/mnist.npz", "datasets/mnist.npz", digest)
    monkeypatch.setitem(fetch.DOWNLOADS, "mnist", (download,))
    monkeypatch.setitem(arrays.FILES, "mnist.npz", specs(MNIST))
    monkeypatch.setattr(fetch, "_run_keras", stand_in)
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path / "cache"


def here(folder: Path) -> list[str]:
    """Every file under the folder, by its relative path."""
    return sorted(str(path.relative_to(folder).as_posix()) for path in folder.rglob("*") if path.is_file())


def one_sentence(capsys) -> str:
    """What was said on stderr, progress bars aside: one line."""
    lines = capsys.readouterr().err.replace("\r", "\n").splitlines()
    said = [line for line in lines if line.startswith("mnist: ") and "B/s" not in line]
    assert len(said) == 1 and "Traceback" not in "".join(lines)
    return said[0]


# --- All goes well ---


def test_what_is_fetched_is_what_load_mnist_reads(cache, server, capsys):
    assert fetch.fetch(("mnist",)) == 0
    assert here(cache) == ["mnist.npz"]
    said = capsys.readouterr()
    assert "mnist: downloaded, checked and stored in" in said.out
    assert "%" in said.err  # progress
    digits = load_mnist("cache", verbose=False)
    assert (np.round(digits.x_train * 255) == MNIST["x_train"]).all()


def test_a_second_call_fetches_nothing(cache, server, capsys):
    fetch.fetch(("mnist",))
    assert fetch.fetch(("mnist",)) == 0
    assert server.begins == [0]
    assert capsys.readouterr().out.endswith("mnist: already there.\n")


def test_a_damaged_file_in_the_cache_is_replaced(cache, server, capsys):
    cache.mkdir()
    (cache / "mnist.npz").write_bytes(FILE[:1000])
    assert fetch.fetch(("mnist",)) == 0
    assert "is damaged: getting it again" in capsys.readouterr().err
    assert arrays.read_npz(cache / "mnist.npz")


# --- Broken off, and continued ---


def test_a_download_cut_off_is_one_sentence_and_goes_on_where_it_stopped(cache, server, capsys):
    server.faults = ["cut"]
    assert fetch.fetch(("mnist",)) == 1
    said = one_sentence(capsys)
    kept = len(FILE) // 2 // fetch.CHUNK * fetch.CHUNK  # whole chunks
    assert f"broke off after {kept:,} of {len(FILE):,} bytes" in said and "goes on from there" in said
    assert here(cache) == ["downloads/mnist.npz.part"]
    assert (cache / "downloads/mnist.npz.part").read_bytes() == FILE[:kept]
    assert fetch.fetch(("mnist",)) == 0
    assert server.begins == [0, kept] and kept > 0
    assert here(cache) == ["mnist.npz"]


def test_a_server_that_cannot_begin_in_the_middle_is_asked_for_all(cache, server):
    server.ranges, server.faults = False, ["cut"]
    assert [fetch.fetch(("mnist",)) for _ in range(2)] == [1, 0]
    assert len(server.begins) == 2  # taken as it comes, not first appended to the half and then thrown away
    assert here(cache) == ["mnist.npz"]


@pytest.mark.parametrize(
    "half",
    [b"another file altogether", bytes(len(FILE)), bytes(len(FILE) + 9)],
    ids=["start", "same", "longer"],
)
def test_a_half_file_of_something_else_is_begun_anew(cache, server, half):
    (cache / "downloads").mkdir(parents=True)
    (cache / "downloads/mnist.npz.part").write_bytes(half)
    assert fetch.fetch(("mnist",)) == 0
    assert server.begins == [len(half), 0]


def test_a_half_file_that_is_whole_needs_no_more(cache, server):
    (cache / "downloads").mkdir(parents=True)
    (cache / "downloads/mnist.npz.part").write_bytes(FILE)
    assert fetch.fetch(("mnist",)) == 0
    assert server.begins == [len(FILE)]


def test_half_files_of_the_living_are_left_alone_and_of_the_dead_taken_over(cache, server):
    (cache / "downloads").mkdir(parents=True)
    fresh, old = (cache / f"downloads/mnist.npz.{name}.part" for name in ("fresh", "old"))
    for part in (fresh, old):
        part.write_bytes(FILE[:1000])
    os.utime(old, (0, 0))
    assert fetch.fetch(("mnist",)) == 0
    assert server.begins == [1000]
    assert here(cache) == ["downloads/mnist.npz.fresh.part", "mnist.npz"]


def test_an_interrupt_keeps_the_half_and_says_so(cache, server, monkeypatch, capsys):
    def press(*_args):
        raise KeyboardInterrupt

    server.faults = ["cut"]
    fetch.fetch(("mnist",))
    monkeypatch.setattr(fetch, "_continue", press)
    assert fetch.fetch(("mnist", "imdb")) == 1
    assert "Stopped. What has come is kept" in capsys.readouterr().err
    assert here(cache) == ["downloads/mnist.npz.part"]


def test_the_timeout_is_for_everything_together(cache, server, capsys):
    server.faults = ["slow"]
    assert fetch.fetch(("mnist",), timeout=0.5) == 1
    assert "not here within the time given" in one_sentence(capsys)
    kept = (cache / "downloads/mnist.npz.part").read_bytes()
    assert 0 < len(kept) < len(FILE) and FILE.startswith(kept)
    assert fetch.fetch(("mnist",), timeout=60) == 0


def test_a_server_that_falls_silent_is_given_up(cache, server, monkeypatch, capsys):
    monkeypatch.setattr(fetch, "QUIET_SECONDS", 0.05)
    server.faults = ["slow"]
    assert fetch.fetch(("mnist",)) == 1
    assert "goes on from there" in one_sentence(capsys)


# --- Wrong files, no server ---


def test_a_file_damaged_on_the_way_is_asked_for_twice_then_refused(cache, server, capsys):
    server.faults = ["damage", "damage"]
    assert fetch.fetch(("mnist",)) == 1
    assert "is not the file that Keras expects" in one_sentence(capsys)
    assert here(cache) == [] and server.begins == [0, 0]
    server.faults = ["damage"]
    assert fetch.fetch(("mnist",)) == 0


def test_arrays_that_are_not_the_originals_are_thrown_away(cache, server, monkeypatch, capsys):
    other = npz_bytes(**MNIST | {"y_test": MNIST["y_test"][::-1]})
    server.files["mnist.npz"] = other
    monkeypatch.setitem(fetch.DOWNLOADS, "mnist", (fetch.DOWNLOADS["mnist"][0]._replace(digest=None),))
    assert fetch.fetch(("mnist",)) == 1
    assert "y_test: the shape is right, but the numbers" in one_sentence(capsys)
    assert here(cache) == []


def test_what_keras_cannot_read_is_thrown_away(cache, server, monkeypatch, capsys):
    monkeypatch.setattr(fetch, "_run_keras", RUN_KERAS)
    failed = subprocess.CompletedProcess([], 1, "", "a warning\nEOFError: Compressed file ended early\n")
    monkeypatch.setattr(fetch.subprocess, "run", lambda *_args, **_kwargs: failed)
    assert fetch.fetch(("mnist",)) == 1
    assert "Keras cannot read what came, which was thrown away: EOFError" in one_sentence(capsys)
    assert here(cache) == []


def test_without_a_network_it_is_one_sentence(cache, server, monkeypatch, capsys):
    nobody = Server(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{nobody.server_address[1]}/mnist.npz"
    nobody.server_close()
    monkeypatch.setitem(fetch.DOWNLOADS, "mnist", (fetch.DOWNLOADS["mnist"][0]._replace(url=url),))
    assert fetch.fetch(("mnist",), timeout=5) == 1
    assert "no connection to 127.0.0.1" in one_sentence(capsys)
    assert here(cache) == []


def test_a_server_in_trouble_is_named_with_its_answer(cache, server, capsys):
    server.faults = ["error"]
    assert fetch.fetch(("mnist",)) == 1
    assert "127.0.0.1 answered 503" in one_sentence(capsys)
    assert here(cache) == []


def test_one_set_that_fails_does_not_stop_the_next(cache, server, monkeypatch, capsys):
    url = fetch.DOWNLOADS["mnist"][0].url.replace("mnist", "gone")
    monkeypatch.setitem(fetch.DOWNLOADS, "imdb", (fetch.Download(url, "datasets/imdb.npz", None),))
    assert fetch.fetch(("imdb", "mnist")) == 1
    assert "imdb: 127.0.0.1 answered 404" in capsys.readouterr().err
    assert here(cache) == ["mnist.npz"]


def test_an_unknown_set_is_refused_before_anything_is_fetched(cache, server, capsys):
    assert fetch.fetch(("mnist", "cifar100")) == 2
    assert (
        "names: expected some of mnist, fashion_mnist, cifar10, imdb, received 'cifar100'"
        in capsys.readouterr().err
    )
    assert server.begins == []


# --- A cache that cannot be written ---


def test_a_file_in_the_caches_place_is_one_sentence(cache, server, capsys):
    cache.write_text("not a folder")
    assert fetch.fetch(("mnist",)) == 1
    said = one_sentence(capsys)
    assert f"cannot write to {cache}" in said and "COURSE_CACHE" in said
    assert cache.read_text() == "not a folder"


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.EROFS, "cannot write to"), (errno.EACCES, "cannot write"), (errno.ENOSPC, "the disk with")],
)
@pytest.mark.parametrize("moment", ["_half_file", "_write", "_convert"])
def test_read_only_and_full_disks_are_one_sentence(cache, server, monkeypatch, capsys, moment, number, words):
    def fail(*_args, **_kwargs):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fetch, moment, fail)
    assert fetch.fetch(("mnist",)) == 1
    said = one_sentence(capsys)
    assert words in said and "COURSE_CACHE" in said
    assert "mnist.npz" not in here(cache) if cache.exists() else True


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a user whom a read-only folder stops")
def test_a_read_only_cache_is_one_sentence(cache, server, capsys):
    cache.mkdir(mode=0o555)
    assert fetch.fetch(("mnist",)) == 1
    assert "cannot write to" in one_sentence(capsys)


# --- Two at once ---

RUN = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import test_fetch as t
from course_utils.kit import arrays, fetch
import hashlib
digest = hashlib.sha256(t.FILE).hexdigest()
fetch.DOWNLOADS["mnist"] = (fetch.Download(sys.argv[2], "datasets/mnist.npz", digest),)
arrays.FILES["mnist.npz"] = t.specs(t.MNIST)
fetch._run_keras = t.stand_in
sys.exit(fetch.fetch(("mnist",)))
"""


def test_two_processes_at_once_both_end_with_a_whole_file(cache, server):
    server.faults = ["slow", "slow", "slow"]
    command = [sys.executable, "-c", RUN, str(Path(__file__).parent), fetch.DOWNLOADS["mnist"][0].url]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate()[1] and process.returncode for process in both] == [0, 0]
    assert here(cache) == ["mnist.npz"]
    assert arrays.read_npz(cache / "mnist.npz")


def test_a_process_that_tidied_up_first_is_no_fault(cache, server, monkeypatch):
    def other_was_faster(name, target):
        target.write_bytes(FILE)
        fetch._tidy(name)
        raise FileNotFoundError(errno.ENOENT, "gone")

    monkeypatch.setattr(fetch, "_convert", other_was_faster)
    assert fetch.fetch(("mnist",)) == 0


def test_a_reader_sees_the_old_file_or_the_new_one(tmp_path):
    path = tmp_path / "some.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), arrays.replacing(path) as new:
        new.write_text("half")
        assert path.read_text() == "old"
        raise RuntimeError
    assert here(tmp_path) == ["some.txt"] and path.read_text() == "old"
    with arrays.replacing(path) as new:
        new.write_text("new")
    assert here(tmp_path) == ["some.txt"] and path.read_text() == "new"


# --- Keras ---


def test_addresses_places_and_digests_are_keras_own():
    import keras

    for name, downloads in fetch.DOWNLOADS.items():
        source = inspect.getsource(inspect.getmodule(getattr(keras.datasets, name).load_data))
        for download in downloads:
            base, file = download.url.rsplit("/", 1)
            assert base in source and file in source
            if download.digest and file != arrays.WORD_INDEX:  # Keras has an MD5 for that one
                assert download.digest in source


def test_keras_asks_for_exactly_the_files_that_were_fetched(monkeypatch):
    import keras

    asked = []

    def record(fname, origin, cache_subdir="datasets", extract=False, **_kwargs):
        place = f"{cache_subdir}/{fname}{'_archive' if extract else ''}"
        asked.append((origin, place.replace(os.sep, "/")))
        if len(asked) == len(fetch.DOWNLOADS[name]) - (name == "imdb"):
            raise StopIteration  # before it reads
        return fname

    for name in fetch.NAMES:
        asked.clear()
        module = inspect.getmodule(getattr(keras.datasets, name).load_data)
        monkeypatch.setattr(module, "get_file", record)
        with pytest.raises(StopIteration):
            getattr(keras.datasets, name).load_data()
        expected = [(d.url, d.place) for d in fetch.DOWNLOADS[name] if not d.url.endswith(arrays.WORD_INDEX)]
        assert sorted(asked) == sorted(expected)


def idx(array: np.ndarray) -> bytes:
    """The array in the format of the original MNIST files, compressed."""
    head = bytes([0, 0, 8, array.ndim]) + b"".join(int(n).to_bytes(4, "big") for n in array.shape)
    return gzip.compress(head + array.tobytes(), mtime=0)


def test_fashion_mnist_goes_all_the_way_through_keras(cache, server, monkeypatch):
    names = {"train-images-idx3": "x_train", "train-labels-idx1": "y_train"}
    names |= {"t10k-images-idx3": "x_test", "t10k-labels-idx1": "y_test"}
    monkeypatch.setattr(fetch, "_run_keras", RUN_KERAS)
    server.files = {f"{file}-ubyte.gz": idx(MNIST[name]) for file, name in names.items()}
    base = f"http://127.0.0.1:{server.server_address[1]}/"
    ours = tuple(d._replace(url=base + d.url.rsplit("/", 1)[1]) for d in fetch.DOWNLOADS["fashion_mnist"])
    monkeypatch.setitem(fetch.DOWNLOADS, "fashion_mnist", ours)
    monkeypatch.setitem(arrays.FILES, "fashion_mnist.npz", specs(MNIST))
    assert fetch.fetch(("fashion_mnist",)) == 0
    assert here(cache) == ["fashion_mnist.npz"] and server.begins == [0] * 4
    read, source = arrays.read_set("fashion_mnist")
    assert source == "cache" and (read["x_test"] == MNIST["x_test"]).all()


def test_imdb_comes_flat_and_in_the_order_before_keras_mixed_it(tmp_path, monkeypatch):
    import keras

    rng = np.random.default_rng(0)
    reviews = {
        part: [rng.integers(1, 99, n).tolist() for n in rng.integers(1, 9, 30)] for part in ("train", "test")
    }
    raw = {f"x_{part}": np.array(some, dtype=object) for part, some in reviews.items()}
    raw |= {"y_train": np.arange(30) % 2, "y_test": np.arange(30) // 15}
    np.savez(tmp_path / "raw.npz", **raw)
    module = inspect.getmodule(keras.datasets.imdb.load_data)
    monkeypatch.setattr(module, "get_file", lambda *_args, **_kwargs: str(tmp_path / "raw.npz"))
    fetch.write_arrays("imdb", str(tmp_path / "flat.npz"))
    with np.load(tmp_path / "flat.npz", allow_pickle=False) as flat:
        for part, some in reviews.items():
            cuts = flat[f"{part}_offsets"]
            assert [flat[f"{part}_words"][a:b].tolist() for a, b in zip(cuts, cuts[1:], strict=False)] == some
            assert (flat[f"y_{part}"] == raw[f"y_{part}"]).all()
        assert {name: str(flat[name].dtype) for name in flat} == {
            name: spec.dtype for name, spec in arrays.FILES["imdb.npz"].items()
        }


# --- pack ---


def test_a_packed_folder_serves_as_course_data(cache, server, tmp_path, monkeypatch, capsys):
    fetch.fetch(("mnist",))
    assert fetch.pack(tmp_path / "stick") == 0
    said = capsys.readouterr()
    assert "mnist: packed as mnist.npz." in said.out and "set COURSE_DATA to it" in said.out
    assert "imdb: not here. `python -m course_utils fetch imdb` downloads it." in said.err
    assert here(tmp_path / "stick") == ["mnist.npz"]
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "stick"))
    assert load_mnist(verbose=False).source == "folder"
    assert fetch.pack(tmp_path / "stick") == 0  # into itself does no harm
    assert load_mnist(verbose=False).source == "folder"


def test_pack_takes_the_word_index_along(cache, server, tmp_path, monkeypatch):
    words = {"train_words": np.arange(4, dtype=np.int32)}
    monkeypatch.setitem(arrays.FILES, "imdb.npz", specs(words))
    fetch.fetch(("mnist",))
    np.savez(cache / "imdb.npz", **words)
    (cache / arrays.WORD_INDEX).write_text("{}")
    assert fetch.pack(str(tmp_path / "stick")) == 0
    assert here(tmp_path / "stick") == ["imdb.npz", "imdb_word_index.json", "mnist.npz"]


def test_pack_without_mnist_is_exit_code_1_and_makes_no_folder(cache, server, tmp_path, capsys):
    assert fetch.pack(tmp_path / "stick") == 1
    assert "mnist: not here" in capsys.readouterr().err
    assert not (tmp_path / "stick").exists()


def test_pack_leaves_a_damaged_set_out_and_says_so(cache, server, tmp_path, capsys):
    cache.mkdir()
    (cache / "mnist.npz").write_bytes(FILE[:-5])
    assert fetch.pack(tmp_path / "stick") == 1
    assert "is damaged" in capsys.readouterr().err
    assert not (tmp_path / "stick").exists()


def test_pack_into_a_file_is_one_sentence(cache, server, tmp_path, capsys):
    fetch.fetch(("mnist",))
    (tmp_path / "stick").write_text("a file")
    assert fetch.pack(tmp_path / "stick") == 1
    assert f"cannot write to {tmp_path / 'stick'}" in capsys.readouterr().err
    assert (tmp_path / "stick").read_text() == "a file"


def test_certificates_are_checked(monkeypatch):
    """Every address is https, and nothing asks requests to be content with less."""
    assert all(d.url.startswith("https://") for some in fetch.DOWNLOADS.values() for d in some)
    seen = {}

    def get(url, **options):
        seen.update(options)
        raise requests.ConnectionError

    monkeypatch.setattr(requests, "get", get)
    with pytest.raises(requests.ConnectionError):
        fetch._continue(fetch.DOWNLOADS["mnist"][0], Path("none"), None)
    assert seen.get("verify", True) is True and seen["timeout"] <= 30
