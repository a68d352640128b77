"""Opens the datasets of a clean room.

While you write a notebook, a dataset is its stand-in. Where the notebook runs, it is the real data.
"""

from ._dataset import Dataset, available_datasets, open_dataset
from ._errors import (
    CleanRoomError,
    DamagedDatasetError,
    DatasetNameError,
    MissingLibraryError,
    ParametersError,
    UnknownDatasetError,
)
from ._parameters import parameters
from ._schema import Column, ColumnType, Schema
from ._stage import Stage

__all__ = [
    "CleanRoomError",
    "Column",
    "ColumnType",
    "DamagedDatasetError",
    "Dataset",
    "DatasetNameError",
    "MissingLibraryError",
    "ParametersError",
    "Schema",
    "Stage",
    "UnknownDatasetError",
    "available_datasets",
    "open_dataset",
    "parameters",
]
