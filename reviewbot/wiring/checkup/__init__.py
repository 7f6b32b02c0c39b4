"""``reviewbot doctor``: one file for each kind of thing that a review needs. Nothing is changed by looking."""
