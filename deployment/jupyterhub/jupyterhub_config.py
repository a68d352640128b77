"""JupyterHub in front of the clean room: each person's server gets a token that is good for the clean room alone.

Include it in a Hub's own configuration, or use it as it is for a trial:

    jupyterhub --config deployment/jupyterhub/jupyterhub_config.py

Environment: CLEAN_ROOM_URL is where the coordinator is. The coordinator's configuration says `"authentication":
{"kind": "jupyterhub", "api": "http://…/hub/api", "service": "clean-room", "groups": {"<Hub group>": "<party>"}}`.
"""

import os

SERVICE = "clean-room"
ACCESS = f"access:services!service={SERVICE}"
TOKEN_SECONDS = 86_400

c = get_config()  # noqa: F821 (JupyterHub brings it)

# A service without a process or an address: it exists so that tokens can be made for it and for nothing else.
c.JupyterHub.services = [{"name": SERVICE}]
c.JupyterHub.load_roles = [
    # A server may only hand on what its owner has.
    {"name": "user", "scopes": ["self", ACCESS]},
]


def give_clean_room_token(spawner):
    """Makes the server's token for the clean room.

    The server's own JUPYTERHUB_API_TOKEN is not for sharing: with it the clean room could drive the person's
    notebook server.
    """
    token = spawner.user.new_api_token(note="clean room", expires_in=TOKEN_SECONDS, scopes=[ACCESS])
    spawner.environment["CLEAN_ROOM_TOKEN"] = token
    spawner.environment["CLEAN_ROOM_URL"] = os.environ["CLEAN_ROOM_URL"]


c.Spawner.pre_spawn_hook = give_clean_room_token
c.Spawner.default_url = "/lab"
