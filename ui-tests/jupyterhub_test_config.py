"""Configures JupyterHub for the tests: the deployment's configuration, one password, and local notebook servers."""

import json
import os
from pathlib import Path

UI_TESTS = Path(__file__).parent
HUB = json.loads(os.environ["CLEAN_ROOM_TEST_HUB"])
FOLDER = Path(HUB["folder"])

load_subconfig(str(UI_TESTS.parent / "deployment/jupyterhub/jupyterhub_config.py"))  # noqa: F821
c = get_config()  # noqa: F821

c.JupyterHub.log_level = "WARN"
c.JupyterHub.bind_url = f"http://127.0.0.1:{HUB['port']}/"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{HUB['api']}/"
c.JupyterHub.db_url = f"sqlite:///{FOLDER}/hub.sqlite"
c.JupyterHub.cookie_secret_file = str(FOLDER / "hub-cookie-secret")
c.ConfigurableHTTPProxy.command = [
    str(UI_TESTS.parent / "node_modules/.bin/configurable-http-proxy"),
    "--log-level",
    "warn",
]
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{HUB['proxyApi']}"
c.ConfigurableHTTPProxy.pid_file = str(FOLDER / "hub-proxy.pid")

c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = HUB["password"]
c.Authenticator.allowed_users = {HUB["user"]}
c.JupyterHub.load_groups = {
    name: {"users": [HUB["user"]]} for name in ("researchers", "hospital-stewards", "insurer-stewards")
}

c.JupyterHub.spawner_class = "simple"
c.Spawner.notebook_dir = str(FOLDER / "hub-clean-room/notebooks")
c.Spawner.args = [
    "--allow-root",
    "--LabApp.news_url=None",
    f"--LabApp.extra_labextensions_path={FOLDER / 'hub-clean-room/labextensions'}",
]
c.Spawner.environment = {
    # The folder with the person's keys. In a real deployment it is in the person's home folder.
    "CLEAN_ROOM_HOME": os.environ["CLEAN_ROOM_HOME"],
    "CLEAN_ROOM_STAND_INS": str(FOLDER / "hub-stand-ins"),
    # The extension of the build for tests.
    "PYTHONPATH": HUB["extension"],
}
