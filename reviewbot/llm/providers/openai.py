"""Any server that speaks OpenAI's form: vLLM, llama.cpp, Ollama, a gateway, OpenAI itself."""

from reviewbot.llm.wire import chat_body, read_completion, read_error

FORMATS: tuple[str, ...] = ("json_schema", "json_object", "text")
"""How an answer's form can be asked for, the strictest first."""

body = chat_body
completion = read_completion
error_message = read_error
