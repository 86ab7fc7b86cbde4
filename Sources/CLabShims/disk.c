// The flag's value differs between processors, and statfs is in no module map.

#define _GNU_SOURCE
#include "Disk.h"
#include <fcntl.h>

#if defined(__linux__)
#include <sys/vfs.h>

int disk_direct(void) { return O_DIRECT; }

int disk_is_memory(const char *folder) {
  const long tmpfs = 0x01021994, ramfs = 0x858458f6;
  struct statfs system;
  return statfs(folder, &system) == 0 && ((long)system.f_type == tmpfs || (long)system.f_type == ramfs);
}
#else
int disk_direct(void) { return 0; }
int disk_is_memory(const char *folder) { (void)folder; return 0; }
#endif
