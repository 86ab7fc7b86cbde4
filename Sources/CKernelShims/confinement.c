// Landlock and seccomp by their system calls: the C library has no functions for them.

#define _GNU_SOURCE
#include "CKernelShims.h"
#include "Confinement.h"
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>

int nb_landlock_version(void) {
#ifdef SYS_landlock_create_ruleset
  int version = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return version > 0 ? version : 0;
#else
  return 0;
#endif
}

#ifdef SYS_landlock_create_ruleset
// Rights of newer kernels by number, as this may be compiled with the headers of an older one.
enum {
  write_file = 1 << 1, remove_dir = 1 << 4, remove_file = 1 << 5, make_char = 1 << 6, make_dir = 1 << 7, make_reg = 1 << 8, make_sock = 1 << 9,
  make_fifo = 1 << 10, make_block = 1 << 11, make_sym = 1 << 12, refer = 1 << 13, truncate_file = 1 << 14,
};

static int allow(int rules, const char *path, uint64_t rights) {
  struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = open(path, O_PATH | O_CLOEXEC)};
  if (rule.parent_fd < 0) return -errno;
  int code = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0 ? 0 : -errno;
  close(rule.parent_fd);
  return code;
}
#endif

int nb_confine_writes(const char *const *folders, int count) {
#ifdef SYS_landlock_create_ruleset
  int version = nb_landlock_version();
  if (version == 0) return -ENOSYS;
  uint64_t all = write_file | remove_dir | remove_file | make_char | make_dir | make_reg | make_sock | make_fifo | make_block | make_sym;
  if (version >= 2) all |= refer;
  if (version >= 3) all |= truncate_file;
  // Only the first field, which every version knows.
  struct { uint64_t files; } wanted = {all};
  int made = (int)syscall(SYS_landlock_create_ruleset, &wanted, sizeof wanted, 0);
  if (made < 0) return -errno;
  // Out of the way of what a child gets as 0 to 3.
  int rules = fcntl(made, F_DUPFD_CLOEXEC, 16);
  close(made);
  if (rules < 0) return -errno;
  uint64_t existing = write_file | (version >= 3 ? truncate_file : 0);
  int code = 0;
  for (int i = 0; i < count && code == 0; i++) code = allow(rules, folders[i], all);
  // What programs take for granted: the bin, and a terminal of their own.
  const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/tty"};
  for (int i = 0; i < 4 && code == 0; i++) {
    int one = allow(rules, devices[i], existing);
    if (one != 0 && one != -ENOENT && one != -ENXIO) code = one;
  }
  if (code != 0) {
    close(rules);
    return code;
  }
  return rules;
#else
  (void)folders;
  (void)count;
  return -ENOSYS;
#endif
}

#if defined(__x86_64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

int nb_confine_self(int rules) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) != 0) return errno;
#ifdef SYS_landlock_create_ruleset
  if (rules >= 0 && syscall(SYS_landlock_restrict_self, rules, 0) != 0) return errno;
#else
  (void)rules;
#endif
#ifdef OWN_ARCHITECTURE
  // Other call tables (32 bits, x32) have other numbers: what calls through them is ended.
  struct sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCHITECTURE, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
#if defined(__x86_64__)
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
#endif
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 3, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
      // The low half of the first argument, the family; little-endian.
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog filter = {.len = sizeof program / sizeof program[0], .filter = program};
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0UL, 0UL) != 0) return errno;
  return 0;
#else
  return ENOSYS;
#endif
}
