// The bodies behind Sockets.h: what is not worth inlining, or needs _GNU_SOURCE.

#define _GNU_SOURCE
#include "CKernelShims.h"
#include "Sockets.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <linux/net_tstamp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/un.h>

int nb_resolve(const char *host, int port, int numeric, struct nb_address *found, int limit) {
  char service[8];
  snprintf(service, sizeof service, "%d", port);
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | (numeric ? AI_NUMERICHOST : 0)};
  struct addrinfo *list = NULL;
  int code = getaddrinfo(host, service, &hints, &list);
  // EAI_… are negative in glibc.
  if (code != 0) return code < 0 ? code : -code;
  int n = 0;
  for (struct addrinfo *one = list; one && n < limit; one = one->ai_next) {
    if (one->ai_addrlen > sizeof found[n].storage) continue;
    memset(&found[n], 0, sizeof found[n]);
    memcpy(&found[n].storage, one->ai_addr, one->ai_addrlen);
    found[n].length = one->ai_addrlen;
    n++;
  }
  freeaddrinfo(list);
  return n;
}

int nb_unix_address(const char *path, struct nb_address *address) {
  struct sockaddr_un *unix_address = (struct sockaddr_un *)&address->storage;
  memset(address, 0, sizeof *address);
  if (strlen(path) >= sizeof unix_address->sun_path) return -ENAMETOOLONG;
  unix_address->sun_family = AF_UNIX;
  strcpy(unix_address->sun_path, path);
  address->length = sizeof *unix_address;
  return 0;
}

int nb_is_loopback(const struct nb_address *address) {
  switch (address->storage.ss_family) {
  case AF_UNIX: return 1;
  case AF_INET: return (ntohl(((const struct sockaddr_in *)&address->storage)->sin_addr.s_addr) >> 24) == 127;
  case AF_INET6: {
    const struct in6_addr *a = &((const struct sockaddr_in6 *)&address->storage)->sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(a) || (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == 127);
  }
  default: return 0;
  }
}

int nb_address_text(const struct nb_address *address, char *text, size_t count) {
  if (address->storage.ss_family == AF_UNIX) {
    snprintf(text, count, "%s", ((const struct sockaddr_un *)&address->storage)->sun_path);
    return 0;
  }
  return getnameinfo((const struct sockaddr *)&address->storage, address->length, text, count, NULL, 0, NI_NUMERICHOST);
}

int nb_connect_start(const struct nb_address *address, int stamps, int *connected) {
  *connected = 0;
  int family = address->storage.ss_family;
  int descriptor = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -errno;
  int one = 1;
  if (family != AF_UNIX) setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  // BBR, where it is the default, paces sends by timers of its own; a loopback needs no congestion control at all.
  if (family != AF_UNIX && nb_is_loopback(address)) setsockopt(descriptor, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
  if (stamps) {
    int flags = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
    setsockopt(descriptor, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof flags);
  }
  if (connect(descriptor, (const struct sockaddr *)&address->storage, address->length) == 0) {
    *connected = 1;
    return descriptor;
  }
  if (errno == EINPROGRESS) return descriptor;
  int code = errno;
  close(descriptor);
  return -code;
}

int nb_socket_error(int descriptor) {
  int code = 0;
  socklen_t length = sizeof code;
  return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) == 0 ? code : errno;
}

ssize_t nb_receive_stamped(int descriptor, void *buffer, size_t count, int64_t *stamp) {
  char control[128] __attribute__((aligned(8)));
  struct iovec part = {buffer, count};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  ssize_t n = recvmsg(descriptor, &message, 0);
  *stamp = 0;
  if (n <= 0) return n;
  for (struct cmsghdr *one = CMSG_FIRSTHDR(&message); one; one = CMSG_NXTHDR(&message, one)) {
    if (one->cmsg_level != SOL_SOCKET || one->cmsg_type != SO_TIMESTAMPING) continue;
    // The first of three: the software stamp.
    struct timespec time;
    memcpy(&time, CMSG_DATA(one), sizeof time);
    *stamp = (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
  }
  return n;
}

static int64_t read_clock(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}
int64_t nb_boot_now(void) { return read_clock(CLOCK_BOOTTIME); }
int64_t nb_real_now(void) { return read_clock(CLOCK_REALTIME); }

int nb_pin_thread(int cpu) {
  if (cpu < 0 || cpu >= CPU_SETSIZE) return -EINVAL;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  return sched_setaffinity(0, sizeof one, &one) == 0 ? 0 : -errno;
}

_Static_assert(sizeof(cpu_set_t) == 16 * sizeof(uint64_t), "1,024 CPUs");
int nb_thread_cpus(uint64_t cpus[16]) { return sched_getaffinity(0, sizeof(cpu_set_t), (cpu_set_t *)cpus) == 0 ? 0 : -errno; }
int nb_set_thread_cpus(const uint64_t cpus[16]) {
  return sched_setaffinity(0, sizeof(cpu_set_t), (const cpu_set_t *)cpus) == 0 ? 0 : -errno;
}

int64_t nb_open_descriptors(void) {
  DIR *folder = opendir("/proc/self/fd");
  if (!folder) return -errno;
  int64_t count = -1;  // the folder's own
  for (struct dirent *one; (one = readdir(folder));) count += one->d_name[0] != '.';
  closedir(folder);
  return count;
}

int64_t nb_allow_descriptors(int64_t wanted) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  if ((int64_t)limit.rlim_cur >= wanted) return (int64_t)limit.rlim_cur;
  struct rlimit raised = limit;
  raised.rlim_cur = (int64_t)limit.rlim_max < wanted ? limit.rlim_max : (rlim_t)wanted;
  return (int64_t)(setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur);
}
