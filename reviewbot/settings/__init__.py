"""What steers a run: one frozen value, and for each part of it where it came from."""
