"""Numbers of system calls: x86_64, aarch64. None where an architecture does not have the call.

From <asm/unistd_64.h> and <asm-generic/unistd.h> of Linux 6.1; of newer calls, from Linux 6.17. Since 424 both
architectures count alike.
"""

from collections.abc import Mapping
from typing import Final

LAST: Final = 469
"""file_setattr, of Linux 6.17: what comes after it is not known here, and refused."""

KERNEL: Final[Mapping[str, tuple[int, int | None]]] = {
    "acct": (163, 89), "adjtimex": (159, 171), "bpf": (321, 280), "chroot": (161, 51), "clock_adjtime": (305, 266),
    "clock_settime": (227, 112), "delete_module": (176, 106), "fanotify_init": (300, 262), "finit_module": (313, 273),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fsopen": (430, 430), "fspick": (433, 433),
    "init_module": (175, 105), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425), "ioperm": (173, None), "iopl": (172, None), "kexec_file_load": (320, 294),
    "kexec_load": (246, 104), "lookup_dcookie": (212, 18), "mount": (165, 40), "mount_setattr": (442, 442),
    "move_mount": (429, 429), "name_to_handle_at": (303, 264), "nfsservctl": (180, 42),
    "open_by_handle_at": (304, 265), "open_tree": (428, 428), "open_tree_attr": (467, 467),
    "perf_event_open": (298, 241), "pivot_root": (155, 41), "quotactl": (179, 60), "quotactl_fd": (443, 443),
    "reboot": (169, 142), "setdomainname": (171, 162), "sethostname": (170, 161), "setns": (308, 268),
    "settimeofday": (164, 170), "swapoff": (168, 225), "swapon": (167, 224), "syslog": (103, 116),
    "umount2": (166, 39), "unshare": (272, 97), "userfaultfd": (323, 282), "vhangup": (153, 58),
}  # fmt: skip
"""What no test needs, and attacks on the kernel begin with."""

OTHERS: Final[Mapping[str, tuple[int, int | None]]] = {
    "ioprio_set": (251, 30), "kcmp": (312, 272), "migrate_pages": (256, 238), "move_pages": (279, 239),
    "pidfd_getfd": (438, 438), "process_madvise": (440, 440), "process_mrelease": (448, 448),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "ptrace": (101, 117),
}  # fmt: skip
"""What reaches into other processes."""

KEEPING: Final[Mapping[str, tuple[int, int | None]]] = {
    "add_key": (248, 217), "keyctl": (250, 219), "memfd_create": (319, 279), "memfd_secret": (447, 447),
    "mq_open": (240, 180), "msgget": (68, 186), "request_key": (249, 218), "semget": (64, 190), "shmat": (30, 196),
    "shmctl": (31, 195), "shmget": (29, 194),
}  # fmt: skip
"""Keys and memory that outlive a process, are shared past namespaces, or that no limit counts."""

METADATA: Final[Mapping[str, tuple[int, int | None]]] = {
    "chmod": (90, None), "chown": (92, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "fchown": (93, 55), "fchownat": (260, 54), "file_setattr": (469, 469), "fremovexattr": (199, 16),
    "fsetxattr": (190, 7), "futimesat": (261, None), "inotify_add_watch": (254, 27), "lchown": (94, None),
    "lremovexattr": (198, 15), "lsetxattr": (189, 6), "removexattr": (197, 14), "removexattrat": (466, 466),
    "setxattr": (188, 5), "setxattrat": (463, 463), "utime": (132, None), "utimensat": (280, 88),
    "utimes": (235, None),
}  # fmt: skip
"""What Landlock does not guard, on any file of the same user: landlock(7)."""

SIGNALS: Final[Mapping[str, tuple[int, int | None]]] = {
    "kill": (62, 129), "pidfd_send_signal": (424, 424), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "tgkill": (234, 131), "tkill": (200, 130),
}  # fmt: skip
"""What ends other processes of the same user."""

SINGLE: Final[Mapping[str, tuple[int, int | None]]] = {
    "clone": (56, 220), "clone3": (435, 435), "creat": (85, None), "fcntl": (72, 25), "ioctl": (16, 29),
    "mknod": (133, None), "mknodat": (259, 33), "open": (2, None), "openat": (257, 56), "openat2": (437, 437),
    "prlimit64": (302, 261),
    "sched_setaffinity": (203, 122), "sched_setattr": (314, 274), "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119), "setpriority": (141, 140), "socket": (41, 198), "truncate": (76, 45),
}  # fmt: skip
"""What is refused for some of its arguments only, or at one level only."""
