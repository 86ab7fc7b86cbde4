// What Swift does not see of a process' memory and of waiting.

#pragma once
#include <stdint.h>

/// Gives pages that nobody uses back to the kernel, where the allocator can.
void nb_lab_return_memory(void);

/// Waits until there is something to read, or the end of it: 1; 0 after so many nanoseconds, or after a signal.
int nb_lab_await_input(int descriptor, int64_t nanoseconds);
