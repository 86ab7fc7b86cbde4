// Makes the lab's reads of files sleep, as a stage with a hidden timer would. The audit must accuse the stage that reads, and
// no other: its zeros are those of this program, not of a program that it cannot see into.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/types.h>
#include <unistd.h>

ssize_t pread(int file, void *bytes, size_t count, off_t offset) {
  static ssize_t (*behind)(int, void *, size_t, off_t);
  if (behind == NULL) behind = (ssize_t(*)(int, void *, size_t, off_t))dlsym(RTLD_NEXT, "pread");
  usleep(1000);
  return behind(file, bytes, count, offset);
}
