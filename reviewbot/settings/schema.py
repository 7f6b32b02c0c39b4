"""The configuration's keys, types and defaults. One of the two doors where untrusted text comes in."""

from typing import Literal, Self

from pydantic import Field, model_validator

from reviewbot.domain.finding import Severity
from reviewbot.settings.schema_requests import Budget, Cache, Client, Ledger, Redis
from reviewbot.settings.section import Section

_LEAST_PROMPT = 2_000
_MOST_RULES = 12_000

Level = Literal["low", "medium", "high", "critical"]


class Filter(Section):
    """Which files are left out."""

    ignore: tuple[str, ...] = ()
    """Globs of files that are not reviewed, written as in .gitignore."""
    include: tuple[str, ...] = ()
    """Globs of files that are reviewed although they look generated, vendored or locked."""
    max_file_bytes: int = Field(default=1_000_000, gt=0)
    """A file with a longer diff is left out, with the reason."""


class Chunks(Section):
    """How a change is cut into requests. All figures but one are tokens."""

    usable_tokens: int = Field(default=120_000, gt=1_000)
    """Ceiling for prompt and answer together: the model's window less a margin."""
    answer_tokens: int = Field(default=8_000, gt=0)
    """Kept free for the answer."""
    target_tokens: int = Field(default=12_000, gt=0)
    """Wanted size of a prompt."""
    overlap_lines: int = Field(default=3, ge=0, le=50)
    """Lines that are repeated where a hunk had to be split."""
    context_tokens: int = Field(default=1_200, ge=0, le=10_000)
    """Most that a request tells of what stands around its hunks: definitions, callers, tests; 0 is nothing."""

    @model_validator(mode="after")
    def _room_for_a_prompt(self) -> Self:
        """Refuse figures that leave nothing to send: every line would be skipped, and the run would pass."""
        if self.usable_tokens - self.answer_tokens < _LEAST_PROMPT:
            message = (
                f"usable_tokens less answer_tokens must leave {_LEAST_PROMPT:,} tokens for a prompt, "
                f"not {self.usable_tokens - self.answer_tokens:,}"
            )
            raise ValueError(message)
        return self


class Task(Section):
    """Parameters for one task; what is left out comes from [model]."""

    name: str | None = None
    """Model name."""
    temperature: float | None = Field(default=None, ge=0, le=2)
    """Randomness of the answer."""
    max_tokens: int | None = Field(default=None, gt=0)
    """Longest answer, in tokens."""
    thinking: bool | None = None
    """Whether the model may think aloud first, where the provider has a switch for it."""


class Model(Section):
    """Which model, with which parameters."""

    name: str = "deepseek-flash"
    """Model name, as the endpoint knows it."""
    temperature: float = Field(default=0.2, ge=0, le=2)
    """Randomness of the answer."""
    max_tokens: int = Field(default=8_000, gt=0)
    """Longest answer, in tokens."""
    thinking: bool = False
    """Whether the model may think aloud first, where the provider has a switch for it."""
    review: Task = Task()
    """For finding problems."""
    verify: Task = Task()
    """For verifying one claim. Without max_tokens and thinking, 800 tokens are the longest answer."""
    tests: Task = Task()
    """For writing tests."""
    summary: Task = Task()
    """For summing up the change. Without max_tokens and thinking, 500 tokens are the longest answer."""


class Review(Section):
    """What a model's claims have to meet before they are shown."""

    verify: bool = True
    """Whether each claim is put to a verifier; without, a model's findings stand in the summary alone."""
    style: bool = False
    """Whether matters of style are shown too; the instructions have to ask for them."""
    verify_suggestions: bool = False
    """Whether the tests that a model's suggestion touches are run with it, in the sandbox of generated tests."""
    suggestions_time_s: float = Field(default=300.0, gt=0)
    """Longest time for trying suggestions, all together, in seconds; what was not reached is said."""


class Summary(Section):
    """What is told of the change as a whole."""

    model: Literal["off", "pipeline", "always"] = "pipeline"
    """When a model that reviews also sums up what changed, and how risky that is: others read it in a pipeline."""


class Replies(Section):
    """What becomes of people's answers in the bot's threads."""

    enabled: bool = True
    """Whether a model answers them, once each and twice in a thread at most."""
    max: int = Field(default=5, ge=1, le=50)
    """Threads that one run answers in."""


class Memory(Section):
    """What becomes of findings that people who may write to the project have dismissed: they are not shown again."""

    keep: Literal["issue", "request", "off"] = "issue"
    """Where it is kept: in an issue of the project, so that all requests share it; in each request's own threads
    alone; or not at all."""


class Coverage(Section):
    """The gate on the coverage of changed lines. Percentages are numbers, or strings for exact decimals: "99.5"."""

    gate: bool = False
    """Whether the gate is asked for, as by --fail-under: without a usable report it then fails."""
    fail_under: str | float = 80.0
    """Percentage of the changed statements that must be covered."""
    project_under: str | float | None = None
    """Percentage of the whole project that must be covered."""
    allowed_drop: str | float | None = None
    """Percentage points that the project may lose against the base's report."""
    file_under: str | float | None = None
    """Percentage of the changed statements of each single file that must be covered."""
    branches: bool = False
    """Whether a statement with a branch that no test takes counts as uncovered."""
    informational: bool = False
    """Whether the gate is shown, and never fails."""
    reports: tuple[str, ...] = ()
    """Paths or globs of reports; with none, the usual places are searched."""
    base_reports: tuple[str, ...] = ()
    """Likewise, of the merge base; never searched for."""
    tests: tuple[str, ...] = ()
    """Globs of test files, as in .gitignore, instead of the usual ones: they do not count."""
    omit: tuple[str, ...] = ()
    """Globs of other files that do not count."""
    roots: tuple[str, ...] = ()
    """Folders of the repository that the reports' relative paths start from, where that cannot be told."""


class Tests(Section):
    """Tests that a model writes where the coverage gate falls short, and that are proven before anyone sees them."""

    mode: Literal["off", "suggest", "commit"] = "suggest"
    """Whether they are written, shown, or committed to the source branch too."""
    time_s: float = Field(default=900.0, gt=0)
    """Longest time for all of it, in seconds; what was not reached is said."""


class Requests(Section):
    """Which merge requests and pull requests are left alone, as a whole and with the reason."""

    skip_drafts: bool = False
    """Whether drafts are left alone until they are ready."""
    skip_bots: bool = False
    """Whether those that a bot opened are, by the forge's own word for who is a bot."""
    skip_authors: tuple[str, ...] = ()
    """Globs of login names, such as "renovate*"."""
    skip_labels: tuple[str, ...] = ()
    """Globs of labels, such as "no-review"."""


class Rule(Section):
    """What holds for some paths."""

    paths: tuple[str, ...] = Field(min_length=1)
    """Globs of files, written as in .gitignore; one that matches is enough."""
    instructions: str = Field(default="", max_length=2_000)
    """What the model is told where it sees such a file."""
    severity_at_least: Level | None = None
    """Findings there are raised to this; none by default."""
    severity_at_most: Level | None = None
    """Findings there are lowered to this; none by default."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        """Refuse a rule without effect, and one that no severity satisfies: both are mistakes."""
        least, most = self.severity_at_least, self.severity_at_most
        if not self.instructions.strip() and least is None and most is None:
            message = "a rule needs instructions, severity_at_least or severity_at_most"
            raise ValueError(message)
        if least is not None and most is not None and Severity(least).rank > Severity(most).rank:
            message = f"severity_at_least = {least!r} is above severity_at_most = {most!r}"
            raise ValueError(message)
        return self


class Settings(Section):
    """The whole configuration."""

    engine: Literal["auto", "static", "llm"] = "auto"
    """Who reviews; auto is llm where a key or an endpoint is set."""
    fail_on: Literal["never", "low", "medium", "high", "critical"] = "never"
    """Lowest severity that makes the run exit with 1."""
    max_comments: int = Field(default=10, ge=0)
    """Inline comments a run, most severe first; 0 is no cap, and high and critical ones are never capped."""
    instructions: str = Field(default="", max_length=8_000)
    """The project's own rules, added to what the model is told."""
    style_files: tuple[str, ...] = ("REVIEW.md", "AGENTS.md", "CLAUDE.md", ".github/copilot-instructions.md")
    """Files whose text is added to the instructions, from the side that is trusted, 1,500 tokens in all."""
    language: str = Field(default="", max_length=40, pattern=r"^[^\r\n]*$")
    """Language of titles and bodies, such as "German"; English by default."""
    rules: tuple[Rule, ...] = Field(default=(), max_length=50)
    """What holds for some paths: [[rules]] with paths, instructions, severity_at_least, severity_at_most."""
    filter: Filter = Filter()
    """Which files are left out."""
    chunks: Chunks = Chunks()
    """How a change is cut into requests."""
    model: Model = Model()
    """Which model, with which parameters."""
    review: Review = Review()
    """What a model's claims have to meet."""
    summary: Summary = Summary()
    """What is told of the change as a whole."""
    replies: Replies = Replies()
    """What becomes of people's answers in the bot's threads."""
    memory: Memory = Memory()
    """What becomes of findings that people have dismissed."""
    client: Client = Client()
    """How requests are sent."""
    budget: Budget = Budget()
    """Money."""
    cache: Cache = Cache()
    """Answers kept for the next run."""
    ledger: Ledger = Ledger()
    """The record of requests."""
    coverage: Coverage = Coverage()
    """The gate on the coverage of changed lines."""
    tests: Tests = Tests()
    """Generated tests."""
    requests: Requests = Requests()
    """Which change requests are left alone."""
    redis: Redis = Redis()
    """What holds while Redis does not answer."""

    @model_validator(mode="after")
    def _rules_leave_room(self) -> Self:
        """Refuse rules that would take the room of the code: each chunk keeps some free for all of them."""
        total = sum(len(rule.instructions) for rule in self.rules)
        if total > _MOST_RULES:
            message = f"the instructions of all rules may have {_MOST_RULES:,} characters, not {total:,}"
            raise ValueError(message)
        return self
