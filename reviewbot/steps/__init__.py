"""The pure arrows: text becomes types, one arrow per file. No I/O."""
