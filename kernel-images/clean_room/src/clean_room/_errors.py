"""What can go wrong, in words for the person at the notebook."""


class CleanRoomError(Exception):
    """Any failure of this package."""


class DatasetNameError(CleanRoomError, ValueError):
    """The name does not have the form ``party/dataset``."""


class UnknownDatasetError(CleanRoomError, LookupError):
    """There is no such dataset here."""


class DamagedDatasetError(CleanRoomError):
    """The files of a dataset are not what they should be."""


class MissingLibraryError(CleanRoomError, ImportError):
    """A library that was asked for is not installed."""


class ParametersError(CleanRoomError, ValueError):
    """The parameters are not one JSON object."""
