"""Opens the datasets of a clean room.

While you write a notebook, a dataset is its stand-in. Where the notebook runs, it is the real data.
"""

from ._dataset import Dataset, available_datasets, open_dataset
from ._description import Rows
from ._errors import (
    CleanRoomError,
    DamagedDatasetError,
    DatasetNameError,
    MissingLibraryError,
    OutdatedStandInWarning,
    ParametersError,
    UnknownDatasetError,
)
from ._parameters import parameters
from ._schema import Column, ColumnRole, ColumnType, Schema
from ._stage import Stage
from ._stand_in import Privacy, StandIn

__all__ = [
    "CleanRoomError",
    "Column",
    "ColumnRole",
    "ColumnType",
    "DamagedDatasetError",
    "Dataset",
    "DatasetNameError",
    "MissingLibraryError",
    "OutdatedStandInWarning",
    "ParametersError",
    "Privacy",
    "Rows",
    "Schema",
    "Stage",
    "StandIn",
    "UnknownDatasetError",
    "available_datasets",
    "open_dataset",
    "parameters",
]
