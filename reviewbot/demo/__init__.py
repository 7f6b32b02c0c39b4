"""What ``reviewbot demo`` shows a review of: a throw-away project, and answers that a script gives."""
