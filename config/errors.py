"""The root of every error Hariu raises on purpose."""


class HariuError(Exception):
    """An error with a stable code for the operator.

    ``code`` is a short machine-readable word (``settings.missing``); the message is one sentence
    that says what to do and holds no personal data. ``retryable`` says whether the same step may
    succeed later without anyone changing anything.
    """

    code = "error"
    retryable = False

    def __init__(
        self, message: str = "", *, code: str | None = None, retryable: bool | None = None
    ) -> None:
        super().__init__(message or code or self.code)
        if code is not None:
            self.code = code
        if retryable is not None:
            self.retryable = retryable
