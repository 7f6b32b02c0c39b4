"""Secrets in text: about fifteen precise patterns, where they stand, and how to hide them."""
