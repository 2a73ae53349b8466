"""The exception that means "the caller handed in something that cannot be used", and what of it work can go on without."""


class InputError(ValueError):
    """A wrong argument, file or option; the message says what is wrong, what is allowed and what was received.

    Commands print it as one line and exit with code 2. Anything else that escapes is a defect of snnviz.
    """


class StoreError(InputError):
    """The store of runs cannot be used now; the message says why and what to do. The work itself does not need it."""
