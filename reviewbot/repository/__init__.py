"""Reading git: revisions, the exact diff, blobs. Nothing here writes to the repository."""
