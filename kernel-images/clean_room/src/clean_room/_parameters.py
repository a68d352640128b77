"""The parameters of a submission."""

import json
from typing import Any

from ._errors import ParametersError
from ._stage import current_stage, parameters_file


def parameters() -> dict[str, Any]:
    """Give the parameters that the submission names; none is an empty dict.

    While the notebook is written they come from the JSON file that ``CLEAN_ROOM_PARAMETERS`` names.
    Keep defaults in the notebook: ``settings = {"folds": 5} | parameters()``.
    """
    path = parameters_file(current_stage())
    if path is None:
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ParametersError(f"The parameters in {path} can't be read: {error.strerror}.") from error
    except ValueError as error:
        raise ParametersError(f"The parameters in {path} are not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise ParametersError(f'The parameters in {path} have to be one JSON object, such as {{"folds": 5}}.')
    return value
