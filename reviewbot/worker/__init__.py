"""Reviews from the queue: a job is fetched into a bare store, and reviewed by the very command that a CI job runs.

    queue ── Taken ──► reviewing ── store ──► python -m reviewbot review ── exit code ──► judging ── Ending ──► queue

Each review is a process of its own, with the variables that a pipeline would set: so there is one pipeline and not
two, and a crash, a leak or a kill of one review touches no other.
"""
