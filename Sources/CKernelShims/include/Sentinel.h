#pragma once
// Finding and ending every process with a mark (see Launcher.swift), wherever it went: through /proc, because a descendant can
// leave its group, its session and its parent, but not the limit that it inherited.

#include <stdint.h>
#include <sys/types.h>

// A mark is `base` less (process that starts others << 24 | number). The lowest bit of a number says that a child ends by itself
// when its stdin does, and cleans up then.
enum { NB_MARK_BITS = 24 };

// Sends SIGKILL to every process whose mark lies from `low` to `high`, once.
// Returns how many there are that have not ended yet and could be killed; -1: /proc cannot be read.
int nb_end_marked(uint64_t low, uint64_t high);

// Starts the process that waits for the end of this one, also by SIGKILL, and then ends all that it has marked; who leaves by
// itself gets five seconds. It has no files, no terminal and no memory of its own worth mentioning. Returns its pid or -errno.
pid_t nb_start_sentinel(uint64_t base);
