"""The Littlest JupyterHub: /opt/tljh/config/jupyterhub_config.d/unrolled.py. Each student works in a copy of the kit of their own."""

KIT = "/srv/unrolled-student"  # the student kit, unpacked once; its packages are installed in TLJH's user environment
DATA = "/srv/unrolled-data"  # made by `python -m course_utils pack`


def own_kit(spawner):
    """Where a student's copy of the kit lies."""
    return f"/home/jupyter-{spawner.user.name}/unrolled"


# Each student's first start copies the kit; what is there already stays.
c.Spawner.cmd = ["/bin/sh", "-c", f'cp -rn {KIT}/. "$HOME/unrolled" 2>/dev/null; exec jupyterhub-singleuser "$@"', "start"]  # noqa: F821
c.Spawner.default_url = "/lab/tree/unrolled/notebooks/00_start_here.ipynb"  # noqa: F821
c.Spawner.environment = {  # noqa: F821
    "PYTHONPATH": own_kit,
    "COURSE_DATA": DATA,
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "2",
}
