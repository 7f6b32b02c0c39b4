"""Ways out of a sandbox, each tried at every level that works here, and once outside to show that it is a way."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path

import pytest
from sandbox_scene import Facts, Scene

from reviewbot.sandbox.scratch import scratch

_BEFORE = """
import contextlib, ctypes, fcntl, glob, json, os, resource, signal, socket, stat, struct, sys, termios
facts = json.load(open("../facts.json"))
outside, secret, pid = facts["outside"], facts["secret"].encode(), facts["pid"]
libc = ctypes.CDLL(None, use_errno=True)
def done(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return True
def call(x86_64, aarch64, *arguments):
    number = {"x86_64": x86_64, "aarch64": aarch64}[os.uname().machine]
    return done(libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments)))
def holds(*paths):
    for path in paths:
        with contextlib.suppress(OSError):
            if secret in open(path, "rb").read(100000):
                return True
def write(path):
    with open(path, "a") as file:
        return file.write("escaped") > 0
"""
_AFTER = """
try:
    escaped = attempt()
except OSError:
    escaped = False
print("escaped" if escaped else "held")
"""


@dataclass(frozen=True)
class Way:
    """A way out: the body of a function that gives whether it has led out."""

    name: str
    body: str
    shown: bool = True
    """Whether it leads out where there is no sandbox: not what takes root, a terminal, or an older kernel."""

    @property
    def script(self) -> str:
        body = "\n".join(f"    {line}" for line in self.body.strip().splitlines())
        return f"{_BEFORE}def attempt():\n{body}\n{_AFTER}"


_READING = (
    Way("environment of the first process", """
names = {line.partition("=")[0] for line in open("/proc/1/environ").read().split("\\0")}
return bool(names - {"", "LC_CTYPE"})  # which Python sets for itself: PEP 538
""", shown=False),
    Way("environment of reviewbot", "return open(f\"/proc/{facts['tests']}/environ\").read() != ''", shown=False),
    Way("environment of the victim", 'return holds(f"/proc/{pid}/environ")'),
    Way("environments of all", 'return holds(*glob.glob("/proc/[0-9]*/environ"))'),
    Way("command lines of all", 'return holds(*glob.glob("/proc/[0-9]*/cmdline"))'),
    Way("memory of the victim", 'return os.open(f"/proc/{pid}/mem", os.O_RDONLY) > 0'),
    Way("memory map of the victim", 'return "-" in open(f"/proc/{pid}/maps").read()'),
    Way("root of the victim", 'return holds(f"/proc/{pid}/root{outside}/secret.txt")'),
    Way("working directory of the victim", 'return bool(os.readlink(f"/proc/{pid}/cwd"))'),
    Way("open files of the victim", """
return holds(*(path for path in glob.glob(f"/proc/{pid}/fd/*") if "secret" in os.readlink(path)))
"""),
    Way("ptrace", "return done(libc.ptrace(0x4206, pid, 0, 0))"),
    Way("process_vm_readv", """
here = (ctypes.c_char * 8)()
start = int(open(f"/proc/{pid}/maps").read().split("-")[0], 16) if os.path.exists(f"/proc/{pid}/maps") else 0x400000
ours = (ctypes.c_uint64 * 2)(ctypes.addressof(here), 8)
theirs = (ctypes.c_uint64 * 2)(start, 8)
libc.process_vm_readv.argtypes = [ctypes.c_int] + [ctypes.c_void_p, ctypes.c_ulong] * 2 + [ctypes.c_ulong]
return done(libc.process_vm_readv(pid, ours, 1, theirs, 1, 0))
"""),
    Way("pidfd_getfd", "return call(438, 438, os.pidfd_open(pid), 0, 0)"),
    Way("a secret file", 'return holds(f"{outside}/secret.txt")'),
    Way("the token of git", 'return holds(f"{outside}/work/.git/config")'),
    Way("a secret file by a link", """
os.symlink(f"{outside}/secret.txt", "link")
return holds("link")
"""),
    Way("a secret file by a descriptor's link", 'return holds(f"/proc/self/root{outside}/secret.txt")'),
    Way("names in a folder", 'return "secret.txt" in os.listdir(outside)'),
    Way("a device of disks or memory", """
for path in ("/dev/mem", "/dev/kmem", "/dev/kmsg", *glob.glob("/dev/[svx]d[a-z]*"), *glob.glob("/dev/nvme*")):
    with contextlib.suppress(OSError):
        return os.open(path, os.O_RDONLY) > 0
""", shown=False),
    Way("the shadow file", 'return bool(open("/etc/shadow").read())', shown=False),
    Way("inherited descriptors", 'return any(int(n) > 3 for n in os.listdir("/proc/self/fd"))', shown=False),
)  # fmt: skip

_WRITING = (
    Way("a new file", 'return write(f"{outside}/new.txt")'),
    Way("a file that is there", 'return write(f"{outside}/open.txt")'),
    Way("the work tree", 'return write(f"{outside}/work/module.py")'),
    Way("truncate by path", 'return os.truncate(f"{outside}/open.txt", 0) is None'),
    Way("delete", 'return os.unlink(f"{outside}/open.txt") is None'),
    Way("make a folder", 'return os.mkdir(f"{outside}/new") is None'),
    Way("through a link", """
os.symlink(f"{outside}/open.txt", "link")
return write("link")
"""),
    Way("through a linked folder", """
os.symlink(outside, "folder")
return write("folder/new.txt")
"""),
    Way("a hard link to the outside", """
os.link(f"{outside}/open.txt", "hard")
return write("hard")
"""),
    Way("a hard link in the outside", """
write("mine")
return os.link("mine", f"{outside}/new.txt") is None
"""),
    Way("rename out", """
write("mine")
return os.rename("mine", f"{outside}/new.txt") is None
"""),
    Way("rename in", 'return os.rename(f"{outside}/open.txt", "mine") is None'),
    Way("chmod", 'return os.chmod(f"{outside}/open.txt", 0o600) is None'),
    Way("times", 'return os.utime(f"{outside}/open.txt", (0, 0)) is None'),
    Way("extended attributes", 'return os.setxattr(f"{outside}/open.txt", "user.escaped", b"1") is None'),
    Way("setuid by chmod", """
write("mine")
os.chmod("mine", 0o4755)
return bool(os.stat("mine").st_mode & stat.S_ISUID)
"""),
    Way("setuid at birth", """
os.close(os.open("mine", os.O_CREAT | os.O_WRONLY, 0o6755))
return bool(os.stat("mine").st_mode & stat.S_ISUID)
"""),
    Way("a .pth file among packages", 'return write(f"{outside}/site/planted.pth")'),
    Way("packages of our own", "return write(os.path.join(os.path.dirname(os.__file__), 'planted.pth'))", shown=False),
    Way("LD_PRELOAD for all", 'return write("/etc/ld.so.preload")', shown=False),
    Way("a user of the system", 'return write("/etc/passwd")', shown=False),
    Way("the handler of crashes", 'return write("/proc/sys/kernel/core_pattern")', shown=False),
    Way("the magic key", 'return os.open("/proc/sysrq-trigger", os.O_WRONLY) > 0', shown=False),
    Way("a device", 'return os.mknod("device", 0o666 | stat.S_IFCHR, os.makedev(1, 1)) is None', shown=False),
)  # fmt: skip

_REACHING = (
    Way("TCP to the machine", 'return socket.create_connection(("127.0.0.1", facts["tcp"]), 2).close() is None'),
    Way("UDP to the machine", """
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
    udp.settimeout(1)
    udp.sendto(b"hello", ("127.0.0.1", facts["udp"]))
    return udp.recv(10) == b"hello"
"""),
    Way("UDP to the world", """
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
    return udp.sendto(b"hello", ("192.0.2.1", 53)) > 0
""", shown=False),
    Way("TCP to the world", 'return bool(socket.create_connection(("192.0.2.1", 443), 1))', shown=False),
    Way("IPv6", """
with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as udp:
    return udp.sendto(b"hello", ("2001:db8::1", 53)) > 0
""", shown=False),
    Way("a name's address", 'return bool(socket.getaddrinfo("example.org", 443))', shown=False),
    Way("a socket in a folder", """
with socket.socket(socket.AF_UNIX) as client:
    return client.connect(f"{outside}/socket") is None
"""),
    Way("an abstract socket", r"""
with socket.socket(socket.AF_UNIX) as client:
    return client.connect(f"\0victim-{pid}") is None
"""),
    Way("raw packets", "return bool(socket.socket(socket.AF_PACKET, socket.SOCK_RAW))", shown=False),
    Way("the host of a virtual machine", "return bool(socket.socket(socket.AF_VSOCK))", shown=False),
    Way("the kernel's ciphers", "return bool(socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET))", shown=False),
    Way("a signal to the victim", "return os.kill(pid, 0) is None"),
    Way("a signal to reviewbot", "return os.kill(facts['tests'], 0) is None", shown=False),
    Way("a signal by a descriptor", "return signal.pidfd_send_signal(os.pidfd_open(pid), 0) is None"),
    Way("a signal to a thread", "return call(234, 131, pid, pid, 0)"),
    Way("limits of the victim", "return bool(resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0)))"),
    Way("priority of the victim", "return os.setpriority(os.PRIO_PROCESS, pid, 1) is None"),
    Way("priority of a user", "return os.setpriority(os.PRIO_USER, 0, 1) is None"),
    Way("processors of the victim", "return os.sched_setaffinity(pid, os.sched_getaffinity(0)) is None"),
    Way("a terminal's input", """
_, terminal = os.openpty()
return fcntl.ioctl(terminal, termios.TIOCSTI, b"x") == 0
""", shown=False),
    Way("the terminal", 'return os.open("/dev/tty", os.O_RDWR) > 0', shown=False),
)  # fmt: skip

_RISING = (
    Way("become root", "return os.setuid(0) is None", shown=False),
    Way("gain by setuid programs", """
return "NoNewPrivs:\\t0" in open("/proc/self/status").read() if os.path.exists("/proc/self") else libc.prctl(39) == 0
"""),
    Way("keep capabilities", "return done(libc.prctl(23, 21)) and libc.prctl(47, 1, 21, 0, 0) == 1", shown=False),
    Way("a user namespace", "return done(libc.unshare(0x10000000))", shown=False),
    Way("a namespace by clone", "return call(56, 220, 0x10000000 | signal.SIGCHLD, 0, 0, 0, 0) >= 0", shown=False),
    Way("mount", 'return done(libc.mount(b"none", b"/", None, 0x20, None))', shown=False),
    Way("mount by the new calls", "return call(430, 430, 0, 0)", shown=False),
    Way("chroot", 'return os.chroot(".") is None', shown=False),
    Way("a file by its handle", "return call(304, 265, -100, 0, 0)", shown=False),
    Way("the keyring", "return call(250, 219, 0, -3, 1)"),
    Way("BPF", "return call(321, 280, 0, 0, 0)", shown=False),
    Way("counters of the processor", "return call(298, 241, 0, 0, -1, -1, 0)", shown=False),
    Way("page faults", "return call(323, 282, 1)", shown=False),
    Way("io_uring", """
parameters = ctypes.create_string_buffer(120)
return call(425, 425, 1, ctypes.addressof(parameters))
"""),
    Way("shared memory of System V", "return done(libc.shmget(0, 4096, 0o1600))"),
    Way("a queue of messages", """
return done(libc.mq_open(b"/escaped", os.O_CREAT | os.O_RDWR, 0o600, None))
""", shown=False),
    Way("memory that no limit counts", 'return os.memfd_create("escaped") > 0'),
    Way("kernel modules", "return call(313, 273, 0, 0, 0)", shown=False),
    Way("reboot", "return call(169, 142, 0, 0, 0, 0)", shown=False),
)  # fmt: skip

_WAYS = {"reading": _READING, "writing": _WRITING, "reaching": _REACHING, "rising": _RISING}

_DRIVER = """
import json, os, subprocess, sys
said = {}
for name in sorted(os.listdir("ways")):
    os.mkdir(name)
    argv = [sys.executable, "-I", "-S", f"../ways/{name}"]
    done = subprocess.run(argv, cwd=name, capture_output=True, stdin=subprocess.DEVNULL)
    said[name] = (done.stdout + done.stderr).decode()
print(json.dumps(said))
"""
"""Tries each way in a process and a folder of its own."""


def _prepare(place: Path, facts: Facts, ways: Sequence[Way]) -> None:
    (place / "facts.json").write_text(json.dumps(asdict(facts)), encoding="utf-8")
    (place / "ways").mkdir()
    for way in ways:
        (place / "ways" / way.name).write_text(way.script, encoding="utf-8")
    for path in (place, *place.rglob("*")):
        path.chmod(0o755 if path.is_file() else 0o777)


def _snapshot(outside: str) -> dict[str, tuple[int, int, float, bytes]]:
    found = {}
    for path in sorted(Path(outside).rglob("*")):
        state = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (state.st_mode, state.st_nlink, state.st_mtime, content)
    return found


@pytest.mark.parametrize("group", _WAYS)
def test_no_way_leads_out(scene: Scene, group: str) -> None:
    with scene.victim() as facts, scratch() as place:
        before = _snapshot(facts.outside)
        _prepare(place, facts, _WAYS[group])
        result = scene.run(replace(scene.job(place, _DRIVER), timeout_s=120))
        assert b"" == result.stderr
        assert {way.name: "held\n" for way in _WAYS[group]} == json.loads(result.stdout)
        assert before == _snapshot(facts.outside)


@pytest.mark.parametrize("way", [way for way in chain(*_WAYS.values()) if way.shown], ids=lambda way: way.name)
def test_the_way_leads_out_where_there_is_no_sandbox(any_scene: Scene, way: Way) -> None:
    with any_scene.victim() as facts, scratch() as place:
        _prepare(place, facts, [way])
        assert {way.name: "escaped\n"} == json.loads(any_scene.run_freely(_DRIVER, place))


def test_many_ways_are_tried() -> None:
    assert sum(map(len, _WAYS.values())) > 80
