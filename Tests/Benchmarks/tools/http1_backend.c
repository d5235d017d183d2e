// An HTTP/1.1 backend that costs almost nothing, over connections that stay.
//
//   http1_backend [ADDRESS:]PORT echo      answer every request with its own body
//   http1_backend [ADDRESS:]PORT size N    answer with N times an x
//
// Requests must have a content-length (or none, and no body), as proxies send them whose caller told one.

#define _GNU_SOURCE
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listening.h"

enum { INPUT_SIZE = 128 << 10, HEAD_SIZE = 256 };

struct connection {
    int fd;
    bool writable_wanted;
    size_t input_size, output_start, output_end;
    size_t fixed_left;  // of the fixed body, behind the output
    char input[INPUT_SIZE + 1];
    char output[HEAD_SIZE + INPUT_SIZE];
};

static char *fixed_body;
static size_t fixed_size;
static int poller;

static bool is_replying(const struct connection *c) { return c->output_start < c->output_end || c->fixed_left; }

// False when the connection is gone; what the socket does not take waits for EPOLLOUT.
static bool flush(struct connection *c) {
    while (is_replying(c)) {
        bool from_output = c->output_start < c->output_end;
        const char *data = from_output ? c->output + c->output_start : fixed_body + fixed_size - c->fixed_left;
        size_t size = from_output ? c->output_end - c->output_start : c->fixed_left;
        ssize_t n = send(c->fd, data, size, MSG_NOSIGNAL | (from_output && c->fixed_left ? MSG_MORE : 0));
        if (n < 0 && errno != EAGAIN) return false;
        if (n < 0) break;
        if (from_output) c->output_start += n;
        else c->fixed_left -= n;
    }
    bool wanted = is_replying(c);
    if (wanted != c->writable_wanted) {
        struct epoll_event e = { .events = wanted ? EPOLLOUT : EPOLLIN, .data.ptr = c };
        epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &e);
        c->writable_wanted = wanted;
    }
    return true;
}

static void answer(struct connection *c, const char *body, size_t size) {
    size_t length = fixed_body ? fixed_size : size;
    c->output_start = 0;
    c->output_end = snprintf(
        c->output, HEAD_SIZE, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n", length);
    if (fixed_body) {
        c->fixed_left = fixed_size;
    } else {
        memcpy(c->output + c->output_end, body, size);
        c->output_end += size;
    }
}

// Answers the requests that are complete, one after the other, as long as the socket takes the answers.
static bool answer_requests(struct connection *c) {
    size_t used = 0;
    c->input[c->input_size] = 0;
    for (char *head, *end; !is_replying(c) && (end = strstr(head = c->input + used, "\r\n\r\n")); ) {
        *end = 0;
        char *length = strcasestr(head, "\r\ncontent-length:");
        size_t body_size = length ? strtoul(length + 17, NULL, 10) : 0;
        bool is_chunked = strcasestr(head, "\r\ntransfer-encoding:");
        *end = '\r';
        size_t body = end + 4 - c->input;
        if (body_size > INPUT_SIZE / 2 || is_chunked) return false;
        if (body + body_size > c->input_size) break;
        answer(c, c->input + body, body_size);
        if (!flush(c)) return false;
        used = body + body_size;
    }
    memmove(c->input, c->input + used, c->input_size - used);
    c->input_size -= used;
    return c->input_size < INPUT_SIZE;
}

// False when the connection is gone.
static bool on_event(struct connection *c) {
    if (is_replying(c)) {
        if (!flush(c)) return false;
        if (is_replying(c)) return true;
    } else {
        ssize_t n = recv(c->fd, c->input + c->input_size, INPUT_SIZE - c->input_size, 0);
        if (n <= 0) return n < 0 && errno == EAGAIN;
        c->input_size += n;
    }
    return answer_requests(c);
}

static bool parse_reply(int argc, char **argv) {
    if (argc == 3) return !strcmp(argv[2], "echo");
    if (argc != 4 || strcmp(argv[2], "size")) return false;
    fixed_size = strtoul(argv[3], NULL, 10);
    if (!fixed_size || !(fixed_body = malloc(fixed_size))) return false;
    memset(fixed_body, 'x', fixed_size);
    return true;
}

int main(int argc, char **argv) {
    if (!parse_reply(argc, argv)) {
        fprintf(stderr, "usage: http1_backend [ADDRESS:]PORT echo | size N\n");
        return 2;
    }
    int listener = listen_at(argv[1]);
    poller = epoll_create1(0);
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
