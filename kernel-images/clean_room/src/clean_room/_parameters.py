"""Reads the parameters of a submission."""

import json
from typing import Any

from ._errors import ParametersError
from ._stage import current_stage, parameters_file


def parameters() -> dict[str, Any]:
    """Returns the parameters of the submission, or an empty dict if it has none.

    While you write the notebook, they are read from the JSON file in the variable ``CLEAN_ROOM_PARAMETERS``.
    Keep default values in the notebook: ``settings = {"folds": 5} | parameters()``.

    Raises ParametersError if the file cannot be read or does not contain a JSON object.
    """
    path = parameters_file(current_stage())
    if path is None:
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ParametersError(f"The parameters in {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ParametersError(f"The parameters in {path} are not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise ParametersError(f'The parameters in {path} must be a JSON object, such as {{"folds": 5}}.')
    return value
