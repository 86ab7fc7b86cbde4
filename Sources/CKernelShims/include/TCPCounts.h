#pragma once
// What the kernel counted on one TCP connection since it was opened, by TCP_INFO (linux/tcp.h).

#include <stdint.h>

// -1: this kernel does not count it. Bytes are those of the stream, without headers; sent ones include those sent again.
struct nb_tcp_counts {
  int64_t bytes_sent;
  int64_t bytes_received;
  int64_t bytes_retransmitted;
  int64_t segments_retransmitted;
};

// Reads them; 0 or -errno (not a TCP socket, for one).
int nb_tcp_counts(int descriptor, struct nb_tcp_counts *counts);
