"""What can go wrong, told apart by whose fault it is and what to do next.

* `LabError` and its children are the caller's business: each carries AWS's error code and HTTP status, and its message
  says what to do. One place in `lab.api` turns them into responses.
* `Unavailable` and `Refused` come from adapters (the Docker engine, the operating system): the first means "the same
  call may work later", the second "it will not, however often it is tried". `NoCapacity` is a `Refused` of one zone.
"""


class LabError(Exception):
    """The request cannot be carried out; nothing was changed. `code` and `status` are AWS's for the operation."""

    status = 400

    def __init__(self, code: str, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        if status is not None:
            self.status = status


class ValidationError(LabError):
    """The request is malformed or breaks a rule between its own values."""

    def __init__(self, message: str) -> None:
        super().__init__("ValidationError", message)


class AdapterError(Exception):
    """Something outside the lab did not do what was asked. Raised only as one of the two below."""


class Unavailable(AdapterError):  # noqa: N818 - the name says what is the case, as AWS's own fault names do
    """The outside is away or busy: the same call may work later, so a reconciler tries again."""


class Refused(AdapterError):  # noqa: N818 - as above
    """The outside said no for good (no such image, port taken): trying again without a change will not help."""


class NoCapacity(Refused):
    """The availability zone takes no machines; another may. Trying here again helps once the zone has recovered."""

    def __init__(self, zone: str) -> None:
        super().__init__(f"availability zone {zone} has no capacity: it was failed on purpose")
        self.zone = zone
