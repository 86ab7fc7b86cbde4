#pragma once
// Children, as cheaply and as completely as Linux can start them, and counters that are read for them.
// posix_spawn can neither set limits nor end a child with its parent, and asks for 64 signal actions.

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// A soft and a hard limit of setrlimit.
struct nb_limit {
  int resource;
  uint64_t soft;
  uint64_t hard;
};

struct nb_start {
  const char *path;
  char *const *arguments;
  char *const *environment;
  // Working folder; NULL keeps the parent's.
  const char *folder;
  // What the child has as descriptors 0, 1, 2 and 3; -1 leaves one closed. All others are closed by exec.
  int descriptors[4];
  const struct nb_limit *limits;
  int limit_count;
  // 1: SIGKILL when the thread that started it ends.
  int ends_with_parent;
  // 1: as nb_confine_self says, with `rules`.
  int confined;
  int rules;
};

// Starts a child in a process group of its own with default signal handling.
// Returns its pid, or -errno when exec or anything before it failed. `started`: nb_now() just before.
pid_t nb_start_process(const struct nb_start *start, int64_t *started);

// A descriptor that becomes readable when `pid` has ended; -1 before Linux 5.3.
int nb_process_descriptor(pid_t pid);

// Binds a process to the last CPU that this one may use; what it starts later inherits that. 0 on success.
int nb_pin_process(pid_t pid);

// Orphaned descendants become children of this process, so that they can be found and ended.
int nb_adopt_orphans(void);

// The numbers of getrlimit as plain integers.
enum {
  NB_LIMIT_CPU = 0,
  NB_LIMIT_FILE_SIZE = 1,
  NB_LIMIT_CORE = 4,
  NB_LIMIT_PROCESSES = 6,
  NB_LIMIT_ADDRESS_SPACE = 9,
  NB_LIMIT_REALTIME = 15,
};

// Reads a limit of any process that we may look at; 0 on success.
int nb_read_limit(pid_t pid, int resource, uint64_t *soft, uint64_t *hard);

// A counter of perf_event_open in user space. `pid` 0 with `on_exec` 1: counts nothing but children that
// this thread starts, from their exec on; otherwise counts `pid` and its later threads from now on.
// Returns a descriptor or -errno.
int nb_open_counter(uint32_t type, uint64_t config, pid_t pid, int on_exec);

// FNV-1a, 64 bits (Fowler, Noll, Vo 1991), continued from `hash`. Here because an unoptimised build would
// need seconds for what a subject prints in a second.
static inline uint64_t nb_hash(uint64_t hash, const uint8_t *bytes, size_t count) {
  for (size_t i = 0; i < count; i++) hash = (hash ^ bytes[i]) * 0x100000001b3u;
  return hash;
}

// Clock ticks a second of /proc's times, and the bytes of a page: the names of sysconf(3) are not seen from Swift in every kind of build.
long nb_ticks_per_second(void);
long nb_page_bytes(void);
