"""Runs code that nobody has read, away from the keys, the network and everybody else's files.

    SandboxJob ─ running ─► Order ─ keeping ─► bubblewrap │ namespaces │ landlock ─ entering ─► the job
                    │                  └ ends every process of the tree
                    └ watching: time, disk, memory

Three levels, the strongest that works (`choosing`, which tries them at start):

==============  ==========================================================================================
bubblewrap      own user, process, network, mount and IPC namespaces, made by ``bwrap``
namespaces      the same, made by system calls, where ``bwrap`` is missing
landlock        Landlock for files, seccomp for sockets and signals, and the keys' process undumpable
==============  ==========================================================================================

What does not work in a job: at the level landlock, sockets (also 127.0.0.1), changing modes and times of files
(`shutil.copy`), shared memory (locks of `multiprocessing`), /proc; at every level, setuid bits, System V's shared
memory, ``memfd_create``. A test that needs them fails in there, and counts as not proven.

The modules from `orders` down to `kernel` also run in the child, under ``python -I -S``: they import nothing but the
standard library and each other.
"""
