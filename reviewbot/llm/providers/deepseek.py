"""DeepSeek: OpenAI's form, without schemas, and with a switch for thinking."""

from reviewbot.domain.endpoint import ModelOptions
from reviewbot.domain.prompt import Prompt
from reviewbot.llm.forms import Form
from reviewbot.llm.wire import chat_body, read_completion, read_error

FORMATS: tuple[str, ...] = ("json_object", "text")
"""The API refuses ``json_schema``."""


def body(prompt: Prompt, options: ModelOptions, form: Form) -> dict[str, object]:
    """Spell a request. Thinking is on by default there, and makes a cheap call dear."""
    request = chat_body(prompt, options, form)
    request["thinking"] = {"type": "enabled" if options.thinking else "disabled"}
    return request


completion = read_completion
error_message = read_error
