"""Readers of coverage reports: one file for each format, each with ``sniff`` and ``read``."""
