"""Starts one of the roles: ``python3 -I -B __main__.py notebook | decode-image MAX_PIXELS | probe TARGETS``."""

import importlib.util
import sys
from pathlib import Path

# The package is not on the search path and has a name of its own, so that imports of the notebook do not find it.
PACKAGE = "clean_room_executor"
ROLES = {"notebook": "session", "decode-image": "decode_image", "probe": "probe"}


def main(arguments: list[str]) -> int:
    """Runs the role that the first argument names, and returns the exit code."""
    if not arguments or arguments[0] not in ROLES:
        print(f"usage: {' | '.join(ROLES)}", file=sys.stderr)
        return 2
    here = Path(__file__).resolve().parent
    spec = importlib.util.spec_from_file_location(PACKAGE, here / "__init__.py", submodule_search_locations=[str(here)])
    assert spec is not None and spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = package
    spec.loader.exec_module(package)
    role = importlib.import_module(f"{PACKAGE}.{ROLES[arguments[0]]}")
    return role.main(arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
