"""Everything that is sent to a model goes through this package."""
