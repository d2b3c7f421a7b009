"""A real JupyterLab, for the tests and for `make bench-widgets`."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager

from course_utils.kit import jupyter

DATA = "data"  # where in its home a Lab keeps its signatures


@contextmanager
def running_lab(folder, home):
    """The address of a JupyterLab of this environment that serves `folder`, set up as the course does it, its own files in `home`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert jupyter.set_up(home) == 0  # the course's kernel, settings and plugin, however this environment was made
    own = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": DATA, "JUPYTER_RUNTIME_DIR": "runtime", "JUPYTER_PATH": "share/jupyter"}
    surroundings = os.environ | {name: str(home / value) for name, value in own.items()} | {"COURSE_RUN": "quick"}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}", "--ServerApp.token=t",
               "--ServerApp.port_retries=0", "--LabApp.expose_app_in_browser=True", f"--ServerApp.root_dir={folder}",
               f"--LabApp.app_settings_dir={home / 'share/jupyter/lab/settings'}"]
    with open(home / "lab.log", "w") as log:
        server = subprocess.Popen(command, env=surroundings, stdout=log, stderr=log)
    try:
        wait_until_it_answers(f"http://127.0.0.1:{port}/api?token=t", server, home / "lab.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


def wait_until_it_answers(url, server, log, seconds=120):
    for _ in range(2 * seconds):
        assert server.poll() is None, log.read_text()
        try:
            return urllib.request.urlopen(url, timeout=5)
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"JupyterLab did not start within {seconds} s:\n{log.read_text()}")
