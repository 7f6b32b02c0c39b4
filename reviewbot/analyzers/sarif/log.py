"""The part of SARIF 2.1.0 that is read, as types, and how text becomes one.

Names are the standard's. What is not read is ignored, and so is a null: many tools write one for each
thing that they do not know.
"""

from typing import Annotated, Any, Final

from pydantic import AliasGenerator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from reviewbot.errors import UsageError

_VERSION: Final = "2.1.0"
_LEAST_INDEX: Final = -1


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=AliasGenerator(validation_alias=to_camel))

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: Any) -> Any:  # noqa: ANN401 - what a stranger wrote has no type yet
        return {key: value for key, value in given.items() if value is not None} if isinstance(given, dict) else given


_Index = Annotated[int, Field(ge=_LEAST_INDEX)]


class Text(_Part):
    """A message: a text, or the id of one among the rule's, with arguments."""

    text: str | None = None
    id: str | None = None
    arguments: tuple[str, ...] = ()


class ArtifactLocation(_Part):
    """Where a file is: a URI, relative to a named base or not, or an index into the run's files."""

    uri: str | None = None
    uri_base_id: str | None = None
    index: _Index = _LEAST_INDEX


class Artifact(_Part):
    """A file that the tool speaks of."""

    location: ArtifactLocation | None = None


class Region(_Part):
    """Lines and columns from 1; the end column is exclusive. Without a line it cannot be placed."""

    start_line: int | None = None
    start_column: int = 1
    end_line: int | None = None
    end_column: int | None = None


class PhysicalLocation(_Part):
    """A region of a file."""

    artifact_location: ArtifactLocation = ArtifactLocation()
    region: Region = Region()


class Location(_Part):
    """A place that a result speaks of."""

    physical_location: PhysicalLocation = PhysicalLocation()


class Replacement(_Part):
    """New text for a region."""

    deleted_region: Region
    inserted_content: Text = Text()


class ArtifactChange(_Part):
    """Replacements in one file."""

    artifact_location: ArtifactLocation
    replacements: tuple[Replacement, ...]


class Fix(_Part):
    """A change that would mend a result."""

    artifact_changes: tuple[ArtifactChange, ...] = ()


class Suppression(_Part):
    """Somebody decided that a result need not be mended, unless the status says otherwise."""

    status: str = "accepted"


class Properties(_Part):
    """The bag of properties, as far as its entries have a common meaning."""

    tags: tuple[str, ...] = ()
    security_severity: str | float | None = Field(default=None, validation_alias="security-severity")


class Defaults(_Part):
    """A rule's level where the result does not give one."""

    level: str | None = None


class Rule(_Part):
    """What a tool says of one of its rules."""

    id: str = ""
    default_configuration: Defaults = Defaults()
    message_strings: dict[str, Text] = {}
    short_description: Text = Text()
    properties: Properties = Properties()


class ToolComponent(_Part):
    """The tool itself, or an extension with rules of its own."""

    name: str = ""
    index: _Index = _LEAST_INDEX
    rules: tuple[Rule, ...] = ()


class RuleReference(_Part):
    """Names a rule by id, or by its place in the rules of a component."""

    id: str | None = None
    index: _Index = _LEAST_INDEX
    tool_component: ToolComponent = ToolComponent()


class Result(_Part):
    """One thing that a tool found."""

    rule_id: str | None = None
    rule_index: _Index = _LEAST_INDEX
    rule: RuleReference = RuleReference()
    kind: str = "fail"
    level: str | None = None
    baseline_state: str | None = None
    message: Text = Text()
    locations: tuple[Location, ...] = ()
    fixes: tuple[Fix, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    properties: Properties = Properties()


class Tool(_Part):
    """A tool with its extensions."""

    driver: ToolComponent
    extensions: tuple[ToolComponent, ...] = ()


class Invocation(_Part):
    """How a call of the tool ended."""

    execution_successful: bool = True


class Run(_Part):
    """One run of one tool."""

    tool: Tool
    results: tuple[Result, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    invocations: tuple[Invocation, ...] = ()
    original_uri_base_ids: dict[str, ArtifactLocation] = {}
    column_kind: str = "utf16CodeUnits"


class _Document(_Part):
    version: str
    runs: tuple[Run, ...]


class SarifLog(BaseModel):
    """The runs of one file, with the name under which it is spoken of."""

    model_config = ConfigDict(frozen=True)

    name: str
    runs: tuple[Run, ...]


def load(text: str, name: str) -> SarifLog:
    """Read a log; ``name`` is the file's, for messages.

    Raises:
        UsageError: it is no JSON, no SARIF, or of another version.

    """
    try:
        document = _Document.model_validate_json(text.removeprefix("\ufeff").encode("utf-8", "surrogatepass"))
    except ValidationError as error:
        message = f"{name} cannot be read as SARIF {_VERSION}: {_first(error)}. {_ADVICE}"
        raise UsageError(message) from None
    if document.version != _VERSION:
        message = f"{name} is SARIF {document.version[:20]!r}, not {_VERSION}. {_ADVICE}"
        raise UsageError(message)
    return SarifLog(name=name, runs=document.runs)


_ADVICE: Final = "Let the tool write SARIF 2.1.0, or leave the file out of --import."


def _first(error: ValidationError) -> str:
    fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in fault["loc"])
    return f"{place}: {fault['msg']}" if place else fault["msg"]
