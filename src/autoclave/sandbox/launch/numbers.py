"""System call numbers of the two machines that the filter knows."""

from __future__ import annotations

_X86_64 = """
    ptrace=101 process_vm_readv=310 process_vm_writev=311 process_madvise=440
    process_mrelease=448 kcmp=312 io_uring_setup=425 io_uring_enter=426 io_uring_register=427
    bpf=321 perf_event_open=298 userfaultfd=323 add_key=248 request_key=249 keyctl=250 mount=165
    umount2=166 pivot_root=155 chroot=161 move_mount=429 open_tree=428 open_tree_attr=467
    fsopen=430 fsconfig=431 fsmount=432 fspick=433 mount_setattr=442 statmount=457 listmount=458
    setns=308 unshare=272 name_to_handle_at=303 open_by_handle_at=304 init_module=175
    finit_module=313 delete_module=176 kexec_load=246 kexec_file_load=320 reboot=169 swapon=167
    swapoff=168 acct=163 quotactl=179 quotactl_fd=443 syslog=103 settimeofday=164
    clock_settime=227 clock_adjtime=305 adjtimex=159 sethostname=170 setdomainname=171
    vhangup=153 iopl=172 ioperm=173 modify_ldt=154 personality=135 pidfd_open=434
    pidfd_getfd=438 pidfd_send_signal=424 mbind=237 set_mempolicy=238
    set_mempolicy_home_node=450 migrate_pages=256 move_pages=279 memfd_create=319
    memfd_secret=447 fanotify_init=300 fanotify_mark=301 inotify_init=253 inotify_init1=294
    mknod=133 mknodat=259 shmget=29 shmat=30 shmctl=31 shmdt=67 semget=64 semop=65 semctl=66
    semtimedop=220 msgget=68 msgsnd=69 msgrcv=70 msgctl=71 mq_open=240 mq_unlink=241
    mq_timedsend=242 mq_timedreceive=243 mq_notify=244 mq_getsetattr=245 setpriority=141
    sched_setaffinity=203 sched_setscheduler=144 sched_setparam=142 sched_setattr=314
    ioprio_set=251 socket=41 connect=42 bind=49 listen=50 accept=43 accept4=288 socketpair=53
    prlimit64=302 clone=56 clone3=435 ioctl=16 fcntl=72 prctl=157 kill=62 tkill=200 tgkill=234
    rt_sigqueueinfo=129 rt_tgsigqueueinfo=297 truncate=76 file_setattr=469 chmod=90 fchmod=91
    fchmodat=268 fchmodat2=452 chown=92 fchown=93 lchown=94 fchownat=260 utime=132 utimes=235
    utimensat=280 futimesat=261 setxattr=188 lsetxattr=189 fsetxattr=190 setxattrat=463
    removexattr=197 lremovexattr=198 fremovexattr=199 removexattrat=466 seccomp=317 capset=126
    open=2 openat=257 openat2=437 creat=85 mkdir=83 mkdirat=258 symlink=88 symlinkat=266 link=86
    linkat=265 renameat2=316
"""

_AARCH64 = """
    ptrace=117 process_vm_readv=270 process_vm_writev=271 process_madvise=440
    process_mrelease=448 kcmp=272 io_uring_setup=425 io_uring_enter=426 io_uring_register=427
    bpf=280 perf_event_open=241 userfaultfd=282 add_key=217 request_key=218 keyctl=219 mount=40
    umount2=39 pivot_root=41 chroot=51 move_mount=429 open_tree=428 open_tree_attr=467
    fsopen=430 fsconfig=431 fsmount=432 fspick=433 mount_setattr=442 statmount=457 listmount=458
    setns=268 unshare=97 name_to_handle_at=264 open_by_handle_at=265 init_module=105
    finit_module=273 delete_module=106 kexec_load=104 kexec_file_load=294 reboot=142 swapon=224
    swapoff=225 acct=89 quotactl=60 quotactl_fd=443 syslog=116 settimeofday=170
    clock_settime=112 clock_adjtime=266 adjtimex=171 sethostname=161 setdomainname=162
    vhangup=58 personality=92 pidfd_open=434 pidfd_getfd=438 pidfd_send_signal=424 mbind=235
    set_mempolicy=237 set_mempolicy_home_node=450 migrate_pages=238 move_pages=239
    memfd_create=279 memfd_secret=447 fanotify_init=262 fanotify_mark=263 inotify_init1=26
    mknodat=33 shmget=194 shmat=196 shmctl=195 shmdt=197 semget=190 semop=193 semctl=191
    semtimedop=192 msgget=186 msgsnd=189 msgrcv=188 msgctl=187 mq_open=180 mq_unlink=181
    mq_timedsend=182 mq_timedreceive=183 mq_notify=184 mq_getsetattr=185 setpriority=140
    sched_setaffinity=122 sched_setscheduler=119 sched_setparam=118 sched_setattr=274
    ioprio_set=30 socket=198 connect=203 bind=200 listen=201 accept=202 accept4=242
    socketpair=199 prlimit64=261 clone=220 clone3=435 ioctl=29 fcntl=25 prctl=167 kill=129
    tkill=130 tgkill=131 rt_sigqueueinfo=138 rt_tgsigqueueinfo=240 truncate=45 file_setattr=469
    fchmod=52 fchmodat=53 fchmodat2=452 fchown=55 fchownat=54 utimensat=88 setxattr=5
    lsetxattr=6 fsetxattr=7 setxattrat=463 removexattr=14 lremovexattr=15 fremovexattr=16
    removexattrat=466 seccomp=277 capset=91 openat=56 openat2=437 mkdirat=34 symlinkat=36
    linkat=37 renameat2=276
"""

_MACHINES = {"x86_64": (0xC000003E, _X86_64), "aarch64": (0xC00000B7, _AARCH64)}


def machine(name: str) -> tuple[int, dict[str, int]] | None:
    """The audit word and the numbers by name; None for a machine that is not known."""
    found = _MACHINES.get(name)
    if found is None:
        return None
    word, table = found
    pairs = (entry.split("=") for entry in table.split())
    return word, {call: int(number) for call, number in pairs}
