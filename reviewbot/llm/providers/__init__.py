"""How each provider spells a request and an answer: pure functions, one file a provider."""
