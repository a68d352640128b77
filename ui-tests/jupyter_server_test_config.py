"""Configures JupyterLab for the tests with Galata's settings. The tests use the installed extension."""

import os

from jupyterlab.galata import configure_jupyter_server

configure_jupyter_server(c)  # noqa: F821
c.ServerApp.port = int(os.environ["CLEAN_ROOM_TEST_PORT"])  # noqa: F821
c.ServerApp.allow_root = True  # noqa: F821
c.ServerApp.log_level = "ERROR"  # noqa: F821
# Jupyter's news would cover parts of the page.
c.LabApp.news_url = None  # noqa: F821
