# SPDX-License-Identifier: GPL-3.0-or-later
"""
Becomes another program in an unusual way; run by the tests as a process of its own.

  disguise.py memfd|tmpfile|unlinked|empty PROGRAM NAME ARGUMENT...
  disguise.py pid PID PROGRAM ARGUMENT...     runs it as a child with that number, and waits
"""
import ctypes
import os
import struct
import sys

libc = ctypes.CDLL(None, use_errno=True)


def copy_into(fd, program):
    with open(program, "rb") as f:
        os.write(fd, f.read())
    os.fchmod(fd, 0o755)


def reopened(fd):
    """The same file, which nobody can write to any more."""
    only_read = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY)
    os.close(fd)
    os.set_inheritable(only_read, False)
    return only_read


def opened(how, program, name):
    if how == "memfd":
        fd = os.memfd_create(name, os.MFD_CLOEXEC)
        copy_into(fd, program)
        return fd
    if how == "tmpfile":
        fd = os.open(os.path.dirname(program), os.O_TMPFILE | os.O_RDWR, 0o755)
        copy_into(fd, program)
        return reopened(fd)
    fd = os.open(program, os.O_RDONLY | os.O_CLOEXEC)
    if how == "unlinked":
        os.unlink(program)
    return fd


def execveat(fd, argv):
    """execveat(fd, "", argv, environ, AT_EMPTY_PATH)"""
    args = (ctypes.c_char_p * (len(argv) + 1))(*(os.fsencode(a) for a in argv), None)
    environ = (ctypes.c_char_p * 1)(None)
    libc.syscall({"x86_64": 322}.get(os.uname().machine, 281), fd, b"", args, environ, 0x1000)
    raise OSError(ctypes.get_errno(), "execveat")


def child_with_pid(pid):
    """clone3(): the number of the new process is chosen. 0 in the child."""
    wanted = (ctypes.c_int * 1)(pid)
    args = ctypes.create_string_buffer(struct.pack("=11Q", 0, 0, 0, 0, 17, 0, 0, 0, ctypes.addressof(wanted), 1, 0))
    got = libc.syscall(435, args, 88)
    if got < 0:
        raise OSError(ctypes.get_errno(), "clone3")
    return got


def main(how, *words):
    if how == "pid":
        pid, program, *args = words
        if not child_with_pid(int(pid)):
            os.execv(program, [program, *args])
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(int(pid), 0)[1]))
    program, name, *args = words
    execveat(opened(how, program, name), [name, *args])


main(*sys.argv[1:])
