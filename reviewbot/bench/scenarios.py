"""The five questions of the benchmark, each of the size and kind that people send.

They keep to the contract of every request: one JSON object back, under a task that gateways know. Each request ends in
a number of its own, so that no cache and no twin in flight answers it; what comes before is the same, as in a review.
"""

from dataclasses import dataclass

from reviewbot.domain.prompt import Message, Prompt, Task

_CHARACTERS_A_TOKEN = 4
_SYSTEM = "You are a senior Python engineer. Answer with one JSON object and nothing around it."
_CODE = 'Answer: {"reply": "the code in one Markdown code block", "resolved": false}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A kind of request."""

    name: str
    task: str
    """The task of the contract that is nearest."""
    question: str
    max_tokens: int
    """Longest answer."""

    def prompt(self, number: str) -> Prompt:
        """Give a request; ``number`` tells it from all others."""
        messages = (
            Message(role="system", content=_SYSTEM),
            Message(role="user", content=f"{self.question}\n\n(request {number})"),
        )
        characters = sum(len(message.content) for message in messages)
        return Prompt(task=_task(self.task), messages=messages, prompt_tokens=characters // _CHARACTERS_A_TOKEN + 1)


def _task(name: str) -> Task:
    """Give the task by its name in the contract; tasks that this version has not yet count as reviews."""
    return next((task for task in Task if task.value == name), Task.REVIEW)


_COMPLETION = f'''\
Complete the body of this function. Keep its signature and docstring.

from collections.abc import Iterable, Iterator


def merged(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the half-open spans in order, overlapping and touching ones joined.

    >>> list(merged([(5, 7), (1, 3), (2, 4), (7, 9)]))
    [(1, 4), (5, 9)]
    """

{_CODE}'''

_MODULE = f"""\
Write the module `ratelimit.py` for Python 3.11, without third-party packages.

It offers `class TokenBucket` for asyncio:
- `TokenBucket(rate: float, burst: int, clock: Callable[[], float] = time.monotonic)`, rate in tokens a second;
- `async def take(self, tokens: int = 1) -> None` waits until the tokens are there; first come, first served; asking
  for more than `burst` raises ValueError; a cancelled waiter leaves no trace and holds nobody up;
- `def try_take(self, tokens: int = 1) -> bool` never waits, and never overtakes somebody who does;
- `def give_back(self, tokens: int) -> None` for what was reserved and not used, never above `burst`.
No background task, no polling, no busy waiting; time comes from `clock` alone, sleeping is `asyncio.sleep`. Full type
hints that pass mypy --strict, docstrings with units, no prose after the code.

{_CODE}"""

_REVIEW = '''\
Review this change. Report only what is wrong because of it: wrong results, crashes, security holes, lost data, races.

### billing/invoices.py
@@ -41,18 +41,27 @@ class Invoices:
     def overdue(self, today: date) -> list[Invoice]:
         """Invoices whose time to pay has passed."""
-        return [invoice for invoice in self._all if invoice.due < today and not invoice.paid]
+        rows = self._db.execute(
+            f"SELECT * FROM invoices WHERE due <= '{today}' AND paid = 0 ORDER BY due"
+        )
+        return [Invoice(*row) for row in rows]

-    def remind(self, invoice: Invoice) -> None:
-        self._mail.send(invoice.customer.address, REMINDER.format(invoice=invoice))
+    def remind_all(self, today: date, sent: list[int] = []) -> int:
+        for invoice in self.overdue(today):
+            if invoice.id in sent:
+                continue
+            try:
+                self._mail.send(invoice.customer.address, REMINDER.format(invoice=invoice))
+            except Exception:
+                pass
+            sent.append(invoice.id)
+        return len(sent)

     def total(self, invoices: Iterable[Invoice]) -> Decimal:
-        return sum((invoice.amount for invoice in invoices), Decimal(0))
+        return Decimal(sum(float(invoice.amount) for invoice in invoices))

     def pay(self, invoice: Invoice, amount: Decimal) -> None:
-        if amount < invoice.open:
-            raise PartialPaymentError(invoice, amount)
+        invoice.open -= amount
+        if invoice.open == 0:
+            invoice.paid = True

Answer: {"findings": [{"path": "billing/invoices.py", "line": 12, "quote": "the code, verbatim", "side": "RIGHT",
"severity": "low | medium | high | critical", "category": "bug | security | performance | test | maintainability",
"title": "one line", "body": "the input that shows it, and what happens then", "suggestion": "replacement or null"}]}'''

_BUGFIX = f'''\
This test fails now and then. Find the cause and give the smallest change that mends it.

class Cache:
    """Values by key, for a limited time."""

    def __init__(self, ttl_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._ttl_s, self._clock = ttl_s, clock
        self._values: dict[str, tuple[float, object]] = {{}}
        self._lock = asyncio.Lock()

    async def get(self, key: str, make: Callable[[], Awaitable[object]]) -> object:
        found = self._values.get(key)
        if found is not None and found[0] > self._clock():
            return found[1]
        async with self._lock:
            value = await make()
            self._values[key] = (self._clock() + self._ttl_s, value)
            return value

async def test_a_value_is_made_once() -> None:
    made = []

    async def make() -> object:
        await asyncio.sleep(0)
        made.append(1)
        return len(made)

    cache = Cache(ttl_s=60)
    assert await asyncio.gather(*(cache.get("a", make) for _ in range(3))) == [1, 1, 1]

E       assert [1, 2, 3] == [1, 1, 1]

{_CODE}'''

_TESTS = '''\
Write pytest tests for `shop/vouchers.py` that would fail if any of its branches were wrong. Missing in coverage: lines
9, 11, 14, 16.

 1  from dataclasses import dataclass
 2  from datetime import date
 3  from decimal import ROUND_HALF_UP, Decimal
 4
 5  @dataclass(frozen=True)
 6  class Voucher:
 7      percent: int; ends: date; least: Decimal = Decimal(0); most: Decimal | None = None
 8      def discount(self, total: Decimal, today: date) -> Decimal:
 9          """Give what to take off a total, in cents."""
10          if today > self.ends:
11              return Decimal("0.00")
12          off = (total * self.percent / 100).quantize(Decimal("0.01"), ROUND_HALF_UP)
13          if total < self.least:
14              return Decimal("0.00")
15          if self.most is not None and off > self.most:
16              return self.most
17          return off

Answer: {"tests": [{"path": "tests/test_vouchers.py", "code": "the whole file", "targets": ["shop/vouchers.py:11"],
"why": "one line"}]}'''

SCENARIOS = (
    Scenario(name="completion", task="reply", question=_COMPLETION, max_tokens=500),
    Scenario(name="module", task="reply", question=_MODULE, max_tokens=2_000),
    Scenario(name="review", task="review", question=_REVIEW, max_tokens=1_500),
    Scenario(name="bugfix", task="reply", question=_BUGFIX, max_tokens=1_000),
    Scenario(name="tests", task="tests", question=_TESTS, max_tokens=2_000),
)
