#ifndef MARTLET_CLINUX_H
#define MARTLET_CLINUX_H

// What Swift's Glibc leaves out, and what must be read out of line.
#include <stdint.h>
#include <sys/types.h>

struct sockaddr;

enum { LINUX_READABLE = 0x001, LINUX_WRITABLE = 0x004, LINUX_ERROR = 0x008, LINUX_HANGUP = 0x010, LINUX_READ_HANGUP = 0x2000 };

// EPOLL_CTL_…
enum linux_epoll_operation { LINUX_EPOLL_ADD = 1, LINUX_EPOLL_REMOVE = 2, LINUX_EPOLL_MODIFY = 3 };

struct linux_event { uint32_t events; uint64_t data; } __attribute__((packed));

int linux_errno(void);
int linux_epoll_create(void);
int linux_epoll_control(int epoll, enum linux_epoll_operation operation, int descriptor, uint32_t events, uint64_t data);
int linux_epoll_wait(int epoll, struct linux_event *events, int capacity, int timeout_milliseconds);
int linux_eventfd(void);
/// A non-blocking, close-on-exec accept.
int linux_accept(int listener, struct sockaddr *address, uint32_t *length);
/// The user that a connected Unix socket's peer ran as when it connected; -1 where that is not known.
int64_t linux_peer_user(int descriptor);
/// Fills `cpus` with the processors this process may run on; returns how many, at most `capacity`.
int linux_affinity(int *cpus, int capacity);
int linux_pin_thread(int cpu);
int64_t linux_gettid(void);
uint64_t linux_monotonic_nanoseconds(void);
uint64_t linux_wall_nanoseconds(void);
void linux_name_thread(const char *name);
/// Blocks these signals in the calling thread, and so in those it starts, and returns a descriptor that reads them.
int linux_signals(const int *signals, int count);
/// The next signal that came; 0 for none.
int linux_next_signal(int descriptor);
/// Gives memory that was freed back to the system; holds up whoever allocates meanwhile.
void linux_trim_memory(void);
/// Bytes that were freed and that the allocator has, whether or not the system has their pages.
size_t linux_free_heap_bytes(void);
/// Unmaps the pages of program and libraries that hold code: those that are still run come back from the page cache, one fault for
/// sixteen of them. Leaves objects alone whose code the loader has relocated, and does nothing while a debugger is attached.
void linux_release_code(void);

#endif
