#pragma once
// What keeps a child from changing files and from reaching a network: Landlock (Linux 5.13) and a seccomp filter. Both need
// no privilege; both hold for everything that the child starts, and neither can be taken off again.

// The version of Landlock here; 0: none.
int nb_landlock_version(void);

// A rule set under which files can be written, made and removed only in `folders` and below; reading stays free. Writing to
// devices that already exist (/dev/null) stays possible. Returns a descriptor or -errno.
int nb_confine_writes(const char *const *folders, int count);

// In the child before exec: no new privileges, the rule set (-1: none), and from now on no sockets but Unix ones and no
// io_uring, through which sockets could be had as well. 0 or errno. System calls only.
int nb_confine_self(int rules);
