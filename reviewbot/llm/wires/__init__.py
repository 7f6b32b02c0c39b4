"""Ways to send bytes over HTTP, one file each; all of them behave alike (`reviewbot.llm.ports.Wire`)."""
