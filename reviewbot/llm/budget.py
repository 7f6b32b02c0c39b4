"""The run's budget: the worst case is set aside before a request leaves, and settled after."""

from decimal import Decimal

from reviewbot.errors import BudgetExceeded


class RunBudget:
    """Money for one run, in USD. None is no limit."""

    def __init__(self, limit_usd: Decimal | None) -> None:
        self._limit = limit_usd
        self._set_aside = Decimal(0)
        self.spent_usd = Decimal(0)

    def reserve(self, worst_usd: Decimal) -> None:
        """Set money aside. Raises BudgetExceeded if it might not suffice."""
        if self._limit is not None and self.spent_usd + self._set_aside + worst_usd > self._limit:
            message = (
                f"the run's budget of ${self._limit} is used up: ${self.spent_usd:.4f} spent, and the next request "
                f"could cost ${worst_usd:.4f}. Raise --budget, or review a smaller change"
            )
            raise BudgetExceeded(message)
        self._set_aside += worst_usd

    def settle(self, reserved_usd: Decimal, cost_usd: Decimal) -> None:
        """Book what a request did cost, and free the rest of what was set aside."""
        self._set_aside -= reserved_usd
        self.spent_usd += cost_usd
