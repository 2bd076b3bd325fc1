"""What can go wrong before the mesh runs; every text says what to do.

LocalError
├── HomeInUseError    another mesh holds this home
├── StartError        a program died, or was not ready in time
└── CannotRunError    this machine or this user lacks something
"""


class LocalError(RuntimeError):
    """A problem of the machine, not of the mesh: shown as one line, without a traceback."""


class HomeInUseError(LocalError):
    pass


class StartError(LocalError):
    pass


class CannotRunError(LocalError):
    pass
