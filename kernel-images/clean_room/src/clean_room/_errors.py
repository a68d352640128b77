"""The errors of this package. Their messages are written for the author of the notebook."""


class CleanRoomError(Exception):
    """The base class of all errors of this package."""


class DatasetNameError(CleanRoomError, ValueError):
    """The name does not have the form ``party/dataset``."""


class UnknownDatasetError(CleanRoomError, LookupError):
    """The dataset does not exist, or is not available here."""


class DamagedDatasetError(CleanRoomError):
    """The files of a dataset are incomplete or were changed."""


class MissingLibraryError(CleanRoomError, ImportError):
    """A library that a method needs is not installed."""


class ParametersError(CleanRoomError, ValueError):
    """The parameters cannot be read or are not a JSON object."""


class OutdatedStandInWarning(UserWarning):
    """The stand-in belongs to an older version of the dataset than the newest that is known here."""
