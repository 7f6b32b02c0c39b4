"""reviewbot reviews a change: exact diff, proven findings, nothing silently dropped.

Read bottom-up: ``domain`` holds the values, ``steps`` the pure arrows between them, the adapters
(``repository``, ``llm``, ``analyzers``, ``outputs``) touch the world, ``pipeline`` is the journey,
``wiring`` puts it together, and ``cli`` is the only place that reads the environment and exits.
"""

__version__ = "0.1.0"
