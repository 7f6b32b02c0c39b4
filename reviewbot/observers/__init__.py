"""Listeners to a run's events, one file each: called with an event, they take note and never raise."""
