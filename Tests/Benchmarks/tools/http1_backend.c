// An HTTP/1.1 backend that costs almost nothing: answers every request with its own body, over connections that stay.
//
//   http1_backend [ADDRESS:]PORT echo
//
// Requests must have a content-length (or none, and no body), as proxies send them whose caller told one.

#define _GNU_SOURCE
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listening.h"

enum { INPUT_SIZE = 128 << 10 };

struct connection {
    int fd;
    size_t input_size;
    char input[INPUT_SIZE + 1];
};

static bool send_all(int fd, const char *data, size_t size) {
    while (size) {
        ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) continue;  // small answers, which the socket's buffer takes
        if (n <= 0) return false;
        data += n;
        size -= n;
    }
    return true;
}

static bool answer(int fd, const char *body, size_t size) {
    char reply[256 + INPUT_SIZE];
    int head = snprintf(reply, 256, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n", size);
    memcpy(reply + head, body, size);
    return send_all(fd, reply, head + size);
}

// False when the connection is gone.
static bool on_event(struct connection *c) {
    ssize_t n = recv(c->fd, c->input + c->input_size, INPUT_SIZE - c->input_size, 0);
    if (n <= 0) return n < 0 && errno == EAGAIN;
    c->input_size += n;
    c->input[c->input_size] = 0;
    size_t used = 0;
    for (char *head, *end; (end = strstr(head = c->input + used, "\r\n\r\n")); ) {
        *end = 0;
        char *length = strcasestr(head, "\r\ncontent-length:");
        size_t body_size = length ? strtoul(length + 17, NULL, 10) : 0;
        *end = '\r';
        size_t body = end + 4 - c->input;
        if (body_size > INPUT_SIZE / 2 || strcasestr(head, "\r\ntransfer-encoding:")) return false;
        if (body + body_size > c->input_size) break;
        if (!answer(c->fd, c->input + body, body_size)) return false;
        used = body + body_size;
    }
    memmove(c->input, c->input + used, c->input_size - used);
    c->input_size -= used;
    return c->input_size < INPUT_SIZE;
}

int main(int argc, char **argv) {
    if (argc != 3 || strcmp(argv[2], "echo")) {
        fprintf(stderr, "usage: http1_backend [ADDRESS:]PORT echo\n");
        return 2;
    }
    int listener = listen_at(argv[1]);
    int poller = epoll_create1(0);
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &(struct epoll_event){ .events = EPOLLIN, .data.ptr = NULL });
    for (struct epoll_event events[256];;) {
        int n = epoll_wait(poller, events, 256, -1);
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            if (!c) {
                for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
                    if (!(c = calloc(1, sizeof *c))) abort();
                    c->fd = fd;
                    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
                    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &(struct epoll_event){ .events = EPOLLIN, .data.ptr = c });
                }
            } else if (!on_event(c)) {
                close(c->fd);
                free(c);
            }
        }
    }
}
