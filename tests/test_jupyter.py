"""Jupyter's set-up: a kernel without TensorFlow's log lines, no news pop-up; one try to fetch the data."""

import json
import os
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import nbformat
import pytest
from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient

from course_utils.kit import jupyter


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def test_the_kernel_and_the_settings_are_written(tmp_path):
    assert jupyter.set_up(tmp_path) == 0
    spec = read(tmp_path / "share/jupyter/kernels/python3/kernel.json")
    assert spec["env"] == jupyter.KERNEL_ENV and "--IPKernelApp.capture_fd_output=False" in spec["argv"]
    assert spec["argv"][0] == "python" and "ipykernel_launcher" in spec["argv"]
    settings = read(tmp_path / "share/jupyter/lab/settings/overrides.json")
    assert settings["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"
    plugin = tmp_path / "share/jupyter/labextensions/unrolled"
    assert (plugin / read(plugin / "package.json")["jupyterlab"]["_build"]["load"]).read_bytes() == jupyter.PLUGIN.read_bytes()


@pytest.mark.parametrize("given, found", [
    ({}, "1 2"),
    ({"TF_NUM_INTEROP_THREADS": "1"}, "1 1"),  # as the tests and `make measure` set it
    ({"TF_NUM_INTRAOP_THREADS": "4", "TF_NUM_INTEROP_THREADS": "8"}, "4 8"),
])
def test_a_kernel_takes_the_usual_threads_where_no_others_are_set(tmp_path, given, found):
    jupyter.set_up(tmp_path)
    kernels = KernelSpecManager(kernel_dirs=[str(tmp_path / "share/jupyter/kernels")])
    cell = nbformat.v4.new_code_cell("import os; print(*(os.environ[f'TF_NUM_{kind}_THREADS'] for kind in ('INTRAOP', 'INTEROP')))")
    surroundings = {name: value for name, value in os.environ.items() if name not in jupyter.USUAL_THREADS} | given
    client = NotebookClient(nbformat.v4.new_notebook(cells=[cell]), km=KernelManager(kernel_name="python3", kernel_spec_manager=kernels))
    assert client.execute(env=surroundings).cells[0].outputs[0].text.strip() == found


def test_settings_of_others_stay_and_a_broken_file_is_replaced(tmp_path):
    overrides = tmp_path / "share/jupyter/lab/settings/overrides.json"
    overrides.parent.mkdir(parents=True)
    overrides.write_text('{"@jupyterlab/apputils-extension:themes": {"theme": "JupyterLab Dark"}}')
    jupyter.set_up(tmp_path)
    assert read(overrides)["@jupyterlab/apputils-extension:themes"] == {"theme": "JupyterLab Dark"}
    overrides.write_text("{broken")
    jupyter.set_up(tmp_path)
    assert set(read(overrides)) == set(jupyter.LAB_SETTINGS)


def test_nothing_of_nbgrader_is_in_a_students_lab(tmp_path, monkeypatch):
    """As JupyterLab and its server read the settings, beside those that nbgrader's package installs."""
    from jupyter_server.extension.config import ExtensionConfigManager
    from jupyterlab_server.config import get_page_config

    etc = tmp_path / "etc/jupyter"
    theirs = Path(sys.prefix) / "etc/jupyter/jupyter_server_config.d/nbgrader.json"
    parts = read(theirs)["ServerApp"]["jpserver_extensions"] if theirs.is_file() else {"nbgrader.server_extensions.formgrader": True}
    jupyter.write_json(etc / "jupyter_server_config.d/nbgrader.json", {"ServerApp": {"jpserver_extensions": parts}})
    jupyter.write_json(etc / "jupyter_server_config.json", {"ServerApp": {"ip": "::1", "jpserver_extensions": {"other": True}}})
    jupyter.write_json(etc / "labconfig/page_config.json", {"disabledExtensions": {"@other/x": True}})
    jupyter.set_up(tmp_path)
    started = ExtensionConfigManager(read_config_path=[str(etc)]).get_jpserver_extensions()
    assert started == {"other": True} | dict.fromkeys(parts, False) | dict.fromkeys(jupyter.SERVER_SETTINGS["ServerApp"]["jpserver_extensions"], False)
    assert read(etc / "jupyter_server_config.json")["ServerApp"]["ip"] == "::1"
    assert read(etc / "labconfig/page_config.json")["disabledExtensions"] == {"@other/x": True, "@jupyter/nbgrader": True}
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(etc))
    assert get_page_config([])["disabledExtensions"].count("@jupyter/nbgrader") == 1


def test_settings_are_ones_this_jupyterlab_knows():
    """A misspelt or outdated setting would be ignored without a word."""
    schemas = Path(sys.prefix) / "share/jupyter/lab/schemas"
    if not schemas.is_dir():
        pytest.skip("JupyterLab is not installed in this environment itself")
    for plugin, values in jupyter.LAB_SETTINGS.items():
        name = plugin.replace(":", "/") + ".json"
        extension = schemas.parents[1] / "labextensions" / plugin.partition(":")[0] / "schemas"  # of those that are not Lab's own
        properties = read(schemas / name if (schemas / name).exists() else extension / name)["properties"]
        for name, value in values.items():
            choices = [entry["const"] for entry in properties[name].get("oneOf", [])] or [True, False]
            assert value in choices, (plugin, name)


def test_the_systems_python_is_left_alone(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(jupyter, "is_environment", lambda: False)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert jupyter.set_up() == 1
    assert list(tmp_path.iterdir()) == [] and "make lab" in capsys.readouterr().err


@pytest.fixture
def world(monkeypatch):
    """Stand-ins for the loader and the download; `calls` lists what was fetched."""
    calls, state = [], SimpleNamespace(is_full=False, status=1)
    data, fetch = ModuleType("course_utils.data"), ModuleType("course_utils.kit.fetch")
    data.load_mnist = lambda **options: state
    fetch.fetch = lambda names, timeout: calls.append((names, timeout)) or state.status
    monkeypatch.setitem(sys.modules, "course_utils.data", data)
    monkeypatch.setitem(sys.modules, "course_utils.kit.fetch", fetch)
    return SimpleNamespace(calls=calls, state=state)


def test_the_data_is_tried_once_and_its_absence_stops_nothing(tmp_path, world, capsys):
    for _ in range(2):
        jupyter.fetch_once(20.0, tmp_path / "tried")
    assert world.calls == [(("mnist",), 20.0)]
    assert "Going on without it" in capsys.readouterr().out


def test_nothing_is_fetched_when_the_data_is_there(tmp_path, world):
    world.state.is_full = True
    jupyter.fetch_once(20.0, tmp_path / "tried")
    assert world.calls == []


def test_lab_starts_once_the_lessons_are_signed(monkeypatch):
    from course_utils.kit import trust

    calls = []
    monkeypatch.setattr("jupyterlab.labapp.main", lambda options: calls.append(options[-1]))
    monkeypatch.setattr(jupyter, "fetch_once", lambda timeout: calls.append("data"))
    monkeypatch.setattr(trust, "sign_lessons", lambda: calls.append("signed"))
    assert jupyter.lab(["--no-browser"]) == 0
    assert calls == ["data", "signed", "--no-browser"]


def test_a_relative_data_folder_holds_for_kernels_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COURSE_DATA", "digits")
    jupyter.make_data_folder_absolute()
    assert os.environ["COURSE_DATA"] == str(tmp_path.resolve() / "digits")
