// In a file of its own: the kernel's struct tcp_info has the byte counters, glibc's of the same name has not, and
// the two headers cannot meet.

#include <linux/in.h>
#include <linux/tcp.h>
#include <stddef.h>
#include <string.h>
#include <errno.h>
#include "TCPCounts.h"

// Declared here, because sys/socket.h and linux/in.h do not like each other either.
extern int getsockopt(int descriptor, int level, int option, void *value, unsigned int *length);

// A field that an older kernel does not fill is not zero but unknown.
#define FIELD(info, length, name) \
  ((length) >= offsetof(struct tcp_info, name) + sizeof((info).name) ? (int64_t)(info).name : -1)

int nb_tcp_counts(int descriptor, struct nb_tcp_counts *counts) {
  struct tcp_info info;
  memset(&info, 0, sizeof info);
  unsigned int length = sizeof info;
  if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return -errno;
  counts->bytes_sent = FIELD(info, length, tcpi_bytes_sent);
  counts->bytes_received = FIELD(info, length, tcpi_bytes_received);
  counts->bytes_retransmitted = FIELD(info, length, tcpi_bytes_retrans);
  counts->segments_retransmitted = FIELD(info, length, tcpi_total_retrans);
  return 0;
}
