"""Errors of the science: for the person who reads them."""


class EvenstrideError(Exception):
    """Root of every error raised on purpose. The message is one line: what, where, what was expected."""


class InputError(EvenstrideError, ValueError):
    """The data handed in cannot be used as it stands."""
