"""``reviewbot bench``: how fast an endpoint answers what a review bot asks, and how much of that the client wins."""
