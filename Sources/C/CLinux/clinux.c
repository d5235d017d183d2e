#define _GNU_SOURCE
#include "include/clinux.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

_Static_assert(LINUX_EPOLL_ADD == EPOLL_CTL_ADD && LINUX_EPOLL_REMOVE == EPOLL_CTL_DEL && LINUX_EPOLL_MODIFY == EPOLL_CTL_MOD, "");
_Static_assert(sizeof(struct linux_event) == sizeof(struct epoll_event), "linux_event must be epoll_event");

int linux_errno(void) { return errno; }

int linux_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

int linux_epoll_control(int epoll, enum linux_epoll_operation operation, int descriptor, uint32_t events, uint64_t data) {
    struct epoll_event event = {.events = events, .data = {.u64 = data}};
    return epoll_ctl(epoll, (int)operation, descriptor, &event);
}

int linux_epoll_wait(int epoll, struct linux_event *events, int capacity, int timeout_milliseconds) {
    return epoll_wait(epoll, (struct epoll_event *)events, capacity, timeout_milliseconds);
}

int linux_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

int linux_accept(int listener, struct sockaddr *address, uint32_t *length) {
    return accept4(listener, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int linux_affinity(int *cpus, int capacity) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 0;
    int count = 0;
    for (int cpu = 0; cpu < CPU_SETSIZE && count < capacity; cpu++)
        if (CPU_ISSET(cpu, &set)) cpus[count++] = cpu;
    return count;
}

int linux_pin_thread(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

int64_t linux_peer_user(int descriptor) {
    struct ucred credentials;
    socklen_t length = sizeof credentials;
    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0 || credentials.uid == (uid_t)-1) return -1;
    return credentials.uid;
}

int64_t linux_gettid(void) { return gettid(); }

static uint64_t now(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t linux_monotonic_nanoseconds(void) { return now(CLOCK_MONOTONIC); }

uint64_t linux_wall_nanoseconds(void) { return now(CLOCK_REALTIME); }

void linux_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

int linux_signals(const int *signals, int count) {
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < count; i++) sigaddset(&set, signals[i]);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

int linux_next_signal(int descriptor) {
    struct signalfd_siginfo info;
    return read(descriptor, &info, sizeof info) == sizeof info ? (int)info.ssi_signo : 0;
}

void linux_trim_memory(void) { malloc_trim(0); }

size_t linux_free_heap_bytes(void) {
#if __GLIBC_PREREQ(2, 33)
    return mallinfo2().fordblks;
#else
    return (size_t)(unsigned)mallinfo().fordblks;
#endif
}

/// Whether the loader has written into the code of an object, to relocate it.
static bool has_relocated_code(const struct dl_phdr_info *info) {
    for (int i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type != PT_DYNAMIC) continue;
        const ElfW(Dyn) *entry = (const ElfW(Dyn) *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
        for (; entry->d_tag != DT_NULL; entry++) {
            if (entry->d_tag == DT_TEXTREL) return true;
            if (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL)) return true;
        }
    }
    return false;
}

/// Whether a debugger is attached, whose breakpoints stand in the code. Where that cannot be read, one may be.
static bool may_be_traced(void) {
    char status[2048];
    int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    if (file < 0) return true;
    ssize_t count = read(file, status, sizeof status - 1);
    close(file);
    status[count > 0 ? count : 0] = 0;
    const char *name = "\nTracerPid:";
    const char *line = strstr(status, name);
    return line == NULL || strtol(line + strlen(name), NULL, 10) != 0;
}

/// The kernel drops private copies of pages along with those of the file, and what had been written into code would be lost with them:
/// relocations, for which whole objects are left out, and breakpoints, for which all is left as it is. (Probes that the kernel itself has set
/// there, uprobes, cannot be seen from here: they are to be set later.)
static int release_code_of(struct dl_phdr_info *info, size_t size, void *unused) {
    (void)size, (void)unused;
    if (has_relocated_code(info)) return 0;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || !(part->p_flags & PF_X) || (part->p_flags & PF_W)) continue;
        uintptr_t start = (info->dlpi_addr + part->p_vaddr) & ~(page - 1);
        uintptr_t end = info->dlpi_addr + part->p_vaddr + part->p_memsz;
        // Fails for the kernel's own part (vdso), which is no file.
        madvise((void *)start, end - start, MADV_DONTNEED);
    }
    return 0;
}

void linux_release_code(void) {
    if (!may_be_traced()) dl_iterate_phdr(release_code_of, NULL);
}
