"""What ends a run, each with its exit code.

    ReviewbotError
    ├── UsageError        2   arguments, configuration, or input that cannot be read
    ├── ForgeError        3   the forge refused or could not be reached
    │   ├── ReadOnlyError     the token may read but not write
    │   └── Superseded        a newer push has come: nothing is to be posted any more
    ├── ProviderError     4   the model's endpoint refused, failed or answered nonsense
    │   ├── WireError         the bytes did not get there or did not come back; one attempt's fault
    │   └── LimitLost         a limit that processes share cannot be kept: their Redis is away
    ├── BudgetExceeded    5   the money set aside for the run is used up
    │   └── BudgetLost        a budget that processes share cannot be kept: their Redis is away
    └── SandboxError      6   generated tests could not be run safely

`LimitLost` and `BudgetLost` are both `SharingLost`, too.

Failures of one chunk are values (`reviewbot.domain.outcome`), not exceptions. Messages say what
happened, the likely cause, and what to do next.
"""


class ReviewbotError(Exception):
    """The root: shown to the user as it is, without a traceback."""

    exit_code = 70


class UsageError(ReviewbotError):
    """Arguments, configuration or input that the user can mend."""

    exit_code = 2


class ForgeError(ReviewbotError):
    """The forge refused or could not be reached."""

    exit_code = 3


class ReadOnlyError(ForgeError):
    """The token may read but not write, as that of a fork's pipeline."""


class Superseded(ForgeError):  # noqa: N818 - the field's word for it
    """A newer push has come since the review began; that push's own run posts."""


class ProviderError(ReviewbotError):
    """The model's endpoint refused, failed, or answered what cannot be used."""

    exit_code = 4


class WireError(ProviderError):
    """A request's bytes did not get there, or its answer broke off. Ends an attempt, not a run."""

    def __init__(self, message: str, *, passing: bool = True, connected: bool = True) -> None:
        super().__init__(message)
        self.passing = passing
        """Whether another attempt may go better."""
        self.connected = connected
        """Whether there was a connection that broke off."""


class BudgetExceeded(ReviewbotError):  # noqa: N818 - the field's word, and shorter than "...Error"
    """The next request could cost more than is left."""

    exit_code = 5


class SharingLost(ReviewbotError):  # noqa: N818 - says what happened
    """What processes share cannot be kept, because their Redis is away: `LimitLost` or `BudgetLost`."""

    def __init__(self, message: str, wait_s: float) -> None:
        super().__init__(message)
        self.wait_s = wait_s
        """Seconds until it is worth asking again."""


class LimitLost(SharingLost, ProviderError):  # noqa: N818 - says what happened
    """No request is sent under a shared limit that nobody can count."""


class BudgetLost(SharingLost, BudgetExceeded):
    """No money is spent from a shared budget that nobody can count."""


class SandboxError(ReviewbotError):
    """Generated tests could not be run safely."""

    exit_code = 6
