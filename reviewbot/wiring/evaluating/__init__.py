"""``reviewbot eval``: labelled cases in, answers from an endpoint or a recording, the same pipeline as a review."""
