"""The queue of reviews: dramatiq carries tickets, a policy in Redis says what each ticket reviews.

    webhook ── Intake.enqueue ──► the policy ──► pending, one for each subject ──┐
                                      │ one ticket each                          │ turns, newest only
                                      ▼                                          ▼
                                  dramatiq ──► a worker's slot ── ReviewQueue.take(ticket) ──► Taken
                                                                ── ReviewQueue.end(taken, …) ──►

The gateway uses `reviewbot.queue.intake` and `reviewbot.queue.tasks`, the worker `reviewbot.queue.reviews` and
`reviewbot.queue.delivery`. Guarantees and operation are told in docs/queue.md.
"""
