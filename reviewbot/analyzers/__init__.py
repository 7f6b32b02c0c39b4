"""Static checks, one file each: `analyze(files, sources)` gives an `Analysis`."""
