"""The one exception that means "the caller handed in something that cannot be used"."""


class InputError(ValueError):
    """A wrong argument, file or option; the message says what is wrong, what is allowed and what was received.

    Commands print it as one line and exit with code 2. Anything else that escapes is a defect of snnviz.
    """
