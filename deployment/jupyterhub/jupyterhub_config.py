"""JupyterHub for the clean room: each person's server gets a token that is valid only for the clean room.

Include this file in a Hub's own configuration, or use it unchanged for a trial:

    jupyterhub --config deployment/jupyterhub/jupyterhub_config.py

The environment variable CLEAN_ROOM_URL is the address of the coordinator. The coordinator's configuration contains
`"authentication": {"kind": "jupyterhub", "api": "http://…/hub/api", "service": "clean-room",
"groups": {"<Hub group>": "<party>"}}`.
"""

import os

SERVICE = "clean-room"
ACCESS = f"access:services!service={SERVICE}"
TOKEN_SECONDS = 86_400

c = get_config()  # noqa: F821 (JupyterHub defines it)

# A service without a process or an address. It exists so that tokens can be issued that are valid only for it.
c.JupyterHub.services = [{"name": SERVICE}]
c.JupyterHub.load_roles = [
    # A token can only have scopes that its owner has.
    {"name": "user", "scopes": ["self", ACCESS]},
]


def give_clean_room_token(spawner):
    """Issues the server's token for the clean room.

    The server's own JUPYTERHUB_API_TOKEN must not be shared: with it, the clean room could control the person's
    notebook server.
    """
    token = spawner.user.new_api_token(note="clean room", expires_in=TOKEN_SECONDS, scopes=[ACCESS])
    spawner.environment["CLEAN_ROOM_TOKEN"] = token
    spawner.environment["CLEAN_ROOM_URL"] = os.environ["CLEAN_ROOM_URL"]


c.Spawner.pre_spawn_hook = give_clean_room_token
c.Spawner.default_url = "/lab"
