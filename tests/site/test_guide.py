"""The guide for instructors says what it promises, agrees with the lessons, and its configuration files with the course."""

import ast
import re
import tomllib

import pytest
import yaml

from course_utils.grading.student_kit import COPIED
from course_utils.kit import readme
from course_utils.kit.environment import project
from course_utils.kit.jupyter import KERNEL_ENV, USUAL_THREADS
from course_utils.publish import guide
from course_utils.publish.lessons import ROOT, lessons

GUIDE = guide.GUIDE.read_text(encoding="utf-8")
HUB = ROOT / "docs" / "hub"
VARIABLES = KERNEL_ENV | USUAL_THREADS
FIRST = "notebooks/00_start_here.ipynb"


@pytest.mark.parametrize("path", lessons(), ids=lambda path: path.stem)
def test_the_notes_in_the_guide_are_those_of_the_lesson(path):
    assert readme.between_markers(f"notes-{path.stem}", GUIDE) == guide.table(path), "python -m course_utils.publish.guide"


@pytest.mark.parametrize("heading", ["Audience and prerequisites", "What a student can do afterwards", "Schedules", "Lesson by lesson", "Before class",
                                     "Exercises: release, grade, hand back", "A server for the class", "Accessibility", "How to cite"])  # fmt: skip
def test_the_guide_has_all_its_parts(heading):
    assert f"\n## {heading}\n" in GUIDE


def test_schedules_fill_their_time():
    """Each row starts where the one above ended."""
    for title, end in (("A lecture of 90 minutes", 90), ("Half a day", 240)):
        part = GUIDE.split(f"**{title}**")[1].split("**")[0]
        spans = [tuple(map(int, span)) for span in re.findall(r"^\| (\d+)–(\d+) \|", part, flags=re.MULTILINE)]
        assert spans[0][0] == 0 and spans[-1][1] == end
        assert [start for start, _ in spans[1:]] == [stop for _, stop in spans[:-1]]


def test_make_targets_and_sections_that_the_guide_names_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert set(re.findall(r"`(?:\w+=\w+ )?make ([a-z-]+)", GUIDE)) <= targets
    heads = {head.strip("`") for path in lessons() for head in re.findall(r'"#+ ([^"\\]+)', path.read_text(encoding="utf-8"))}
    schedules = GUIDE.split("## Schedules")[1].split("## Lesson by lesson")[0]
    named = set(re.findall(r"\*([A-Z][^*]+)\*", schedules.replace("**", "")))
    assert {name for name in named if not any(head.startswith(name) for head in heads)} == set()


# --- The hubs' files ---


def test_the_littlest_hub():
    settings = yaml.safe_load((HUB / "tljh-config.yaml").read_text(encoding="utf-8"))
    assert settings["user_environment"]["default_app"] == "jupyterlab" and settings["limits"]["cpu"] == int(USUAL_THREADS["TF_NUM_INTEROP_THREADS"])
    assert re.fullmatch(r"[2-9]G", settings["limits"]["memory"]) and settings["users"]["admin"]


KNOWN = tomllib.loads((ROOT / "tests" / "site" / "hub_keys.toml").read_text(encoding="utf-8"))
TYPES = {"str": str, "number": (int, float), "bool": bool, "list": list}


def unknown(settings, name, above=""):
    """Keys that the program does not know, and values of another type than it wants."""
    known, found = KNOWN[name]["keys"], []
    for key, value in settings.items():
        path = f"{above}{key}"
        if known.get(path) == "any":
            continue
        if isinstance(value, dict):
            found += unknown(value, name, f"{path}.")
        elif path not in known or not isinstance(value, TYPES[known[path]]) or isinstance(value, bool) != (known[path] == "bool"):
            found.append(path)
    return found


def test_the_hubs_know_every_key():
    values = yaml.safe_load((HUB / "values.yaml").read_text(encoding="utf-8"))
    storage = values["singleuser"]["storage"]
    assert unknown(values, "kubernetes") == unknown(yaml.safe_load((HUB / "tljh-config.yaml").read_text(encoding="utf-8")), "littlest") == []
    assert [unknown(item, "volumes") for item in storage["extraVolumes"] + storage["extraVolumeMounts"]] == [[], []]
    set_there = re.findall(r"^c\.(\w+)\.(\w+)", (HUB / "jupyterhub_config.py").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert {name for name, _ in set_there} == {"Spawner"} and {key for _, key in set_there} <= set(KNOWN["spawner"]["keys"])


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [({"cull": {"timout": 60}}, "cull.timout"), ({"singleuser": {"image": "a:b"}}, "singleuser.image"), ({"cull": {"enabled": "yes"}}, "cull.enabled"),
     ({"singleuser": {"cpu": {"limit": "2"}}}, "singleuser.cpu.limit"), ({"hub": {"config": {"Authenticator": {"admins": ["a"]}}}}, "hub.config.Authenticator.admins")],
)  # fmt: skip
def test_a_key_that_a_hub_does_not_know_is_found(settings, wrong):
    assert unknown(settings, "kubernetes") == [wrong]


def test_somebody_may_log_in():
    """JupyterHub 5 lets in those who are allowed by name, and an administrator is not by that alone."""
    people = yaml.safe_load((HUB / "values.yaml").read_text(encoding="utf-8"))["hub"]["config"]["Authenticator"]
    assert set(people["admin_users"]) < set(people["allowed_users"])


class Spawner:
    class user:  # noqa: N801
        name = "ada"


def test_the_littlest_hub_gives_each_student_a_copy_and_the_variables():
    text = (HUB / "jupyterhub_config.py").read_text(encoding="utf-8")
    ast.parse(text)
    c = type("Config", (), {"Spawner": type("Settings", (), {})})
    exec(compile(text, "jupyterhub_config.py", "exec"), {"c": c})
    given = c.Spawner.environment
    assert {name: given[name] for name in VARIABLES} == VARIABLES
    assert given["PYTHONPATH"](Spawner) == "/home/jupyter-ada/unrolled" and given["COURSE_DATA"] in GUIDE
    assert c.Spawner.default_url == f"/lab/tree/unrolled/{FIRST}" and (ROOT / FIRST).is_file()
    assert '"$HOME/unrolled"' in c.Spawner.cmd[2] and "/srv/unrolled-student" in GUIDE


def test_kubernetes():
    values = yaml.safe_load((HUB / "values.yaml").read_text(encoding="utf-8"))
    user = values["singleuser"]
    assert {name: user["extraEnv"][name] for name in VARIABLES} == VARIABLES
    assert user["defaultUrl"] == f"/lab/tree/unrolled/{FIRST}"
    image = f"{user['image']['name']}:{user['image']['tag']}"
    assert image in GUIDE and user["image"]["tag"] == project()["version"]
    target = re.search(r"--target-repo-dir (\S+)", GUIDE)[1]
    copy = user["lifecycleHooks"]["postStart"]["exec"]["command"][2]
    assert f"{target}/. {user['extraEnv']['PYTHONPATH']}" in copy and user["extraEnv"]["PYTHONPATH"].startswith(user["storage"]["homeMountPath"])
    mounts = {mount["name"]: mount["mountPath"] for mount in user["storage"]["extraVolumeMounts"]}
    assert {volume["name"] for volume in user["storage"]["extraVolumes"]} == set(mounts) and mounts["data"] == user["extraEnv"]["COURSE_DATA"]


def test_the_image_is_built_from_the_kits_environment():
    assert "environment.yml" in GUIDE and "notebooks/*.ipynb" in COPIED
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert environment["variables"] == VARIABLES and "-e ." in environment["dependencies"][-1]["pip"]
