"""What all tables of the configuration have in common."""

from pydantic import BaseModel, ConfigDict

from reviewbot.settings.describing import describe


class Section(BaseModel):
    """A table of the configuration: closed, so that a mistyped key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True, json_schema_extra=describe)
