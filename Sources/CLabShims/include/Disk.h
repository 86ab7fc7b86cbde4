// What Swift does not see of Linux's files.

#pragma once

/// O_DIRECT; 0 where there is none.
int disk_direct(void);

/// 1 when `folder` is in memory (tmpfs or ramfs), so that nothing in it says anything about a disk.
int disk_is_memory(const char *folder);
