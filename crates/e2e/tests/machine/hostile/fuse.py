# What fusermount3 does for an ordinary user, in a machine without it: root mounts (USER may serve each of PLACES), and the rest is his.
# The server answers nothing but what makes a mount usable; of every other request it writes down the place, the operation and the process.
import ctypes, pwd
INIT, FORGET, BATCH_FORGET = 26, 2, 42
who = pwd.getpwnam(USER)
libc = ctypes.CDLL(None, use_errno=True)
def mount(place):
    device = os.open("/dev/fuse", os.O_RDWR)
    data = f"fd={device},rootmode=40000,user_id={who.pw_uid},group_id={who.pw_gid}{OPTIONS}"
    if libc.mount(b"lab", place.encode(), b"fuse.lab", 6, data.encode()) != 0:
        raise OSError(ctypes.get_errno(), place)
    return device
def serve(device, place):
    while True:
        request = os.read(device, 1 << 20)
        operation, unique, pid = struct.unpack_from("=4xIQ16xI", request)
        if operation == INIT:
            answer = struct.pack("=IIIIHHI32x", 7, 31, 65536, 0, 12, 12, 65536)
            os.write(device, struct.pack("=IiQ", 16 + len(answer), 0, unique) + answer)
        elif operation not in (FORGET, BATCH_FORGET):
            os.write(asked, f"{place} {operation} {pid}\n".encode())
asked = os.open("/run/lab-fuse.asked", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
devices = [mount(place) for place in PLACES]
os.initgroups(USER, who.pw_gid)
os.setgid(who.pw_gid)
os.setuid(who.pw_uid)
for device, place in zip(devices, PLACES):
    threading.Thread(target=serve, args=(device, place), daemon=True).start()
