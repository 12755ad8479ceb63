# SPDX-License-Identifier: GPL-3.0-or-later
"""A squashfs image, mounted by FUSE as an AppImage is, whose server is nobody's: root may not even look into it."""
import ctypes
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import tap, wait_for  # noqa: E402

NOBODY = 65534
AS_NOBODY = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
AS_ROOT = {"user": 0, "group": 0, "extra_groups": []}
libc = ctypes.CDLL(None, use_errno=True)


def need_fuse():
    if not os.path.exists("/dev/fuse") or not shutil.which("squashfuse") or not shutil.which("mksquashfs"):
        tap.skip_all("needs FUSE, squashfuse and mksquashfs")


class Image:
    """What lies in `inside` when it is packed is found in `folder` when it is mounted; by whom is `owner`."""
    owner = AS_NOBODY

    def __init__(self, place, name):
        self.folder, self.inside = place.file(name), place.file(name + ".inside")
        self.file, self.server = place.file(name + ".squashfs"), None
        os.mkdir(self.inside)
        os.mkdir(self.folder)

    def pack(self):
        subprocess.run(["mksquashfs", self.inside, self.file, "-quiet", "-no-progress"], check=True, stdout=subprocess.DEVNULL)

    def __enter__(self):
        # As fusermount does, whose device need not be open to everyone here.
        fd = os.open("/dev/fuse", os.O_RDWR)
        options = f"fd={fd},rootmode=40000,user_id={self.owner['user']},group_id={self.owner['group']}".encode()
        if libc.mount(b"prog", self.folder.encode(), b"fuse.squashfuse", 6, options):  # MS_NOSUID | MS_NODEV
            raise OSError(ctypes.get_errno(), "mount")
        self.server = subprocess.Popen(["squashfuse", "-f", self.file, f"/dev/fd/{fd}"], pass_fds=[fd], **self.owner,
                                       stderr=subprocess.DEVNULL)
        os.close(fd)
        wait_for("the image", lambda: subprocess.run(["test", "-x", self.folder], **self.owner, check=False).returncode == 0)
        return self

    def __exit__(self, *_):
        self.server.kill()
        self.server.wait()
        libc.umount2(self.folder.encode(), 2)

    def is_closed_to_root(self):
        """Whether the mount refuses root, as these tests take for granted."""
        try:
            os.listdir(self.folder)
        except PermissionError:
            return True
        return False
