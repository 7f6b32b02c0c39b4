"""Puts the program together: settings and adapters on one side, the journey on the other."""
