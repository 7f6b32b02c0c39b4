"""Formats of the report, one file each: `render(report)` gives text."""
