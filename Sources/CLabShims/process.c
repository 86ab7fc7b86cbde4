// malloc.h is in no module map, and ppoll is not seen from Swift.

#define _GNU_SOURCE
#include "Process.h"
#include <poll.h>
#include <time.h>

#if defined(__linux__)
#include <malloc.h>
#endif

void nb_lab_return_memory(void) {
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
}

int nb_lab_await_input(int descriptor, int64_t nanoseconds) {
  struct pollfd watched = {descriptor, POLLIN, 0};
#if defined(__linux__)
  struct timespec time = {nanoseconds / 1000000000, nanoseconds % 1000000000};
  return ppoll(&watched, 1, &time, NULL) > 0;
#else
  return poll(&watched, 1, (int)(nanoseconds / 1000000 + 1)) > 0;
#endif
}
