// A gRPC-shaped HTTP/2 (cleartext, prior knowledge) backend that costs almost nothing, so that the
// proxy under test is what a benchmark measures.
//
//   backend [ADDRESS:]PORT echo          answer every request with its own body
//   backend [ADDRESS:]PORT size N        swallow the request body, answer with one gRPC message of N bytes in all
//   backend [ADDRESS:]PORT message HEX   swallow the request body, answer with this protobuf message (in hex)
//   backend [ADDRESS:]PORT stream N SIZE  swallow the request body, answer with N gRPC messages of SIZE bytes, a DATA frame each
//   backend [ADDRESS:]PORT asked         answer as the request's message says: `size N` or `stream N SIZE`, and any other with itself
//
// The address is 127.0.0.1 unless given.
//
// It answers every stream alike, so it never reads request headers and needs no HPACK decoder. What it
// sends is ordinary: response headers, data under both flow-control windows, and a grpc-status trailer,
// with repeated header fields taken from the dynamic table as real gRPC servers do.

#define _GNU_SOURCE
#include <arpa/inet.h>
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

enum {
    FRAME_DATA = 0, FRAME_HEADERS = 1, FRAME_RST_STREAM = 3, FRAME_SETTINGS = 4, FRAME_PING = 6,
    FRAME_WINDOW_UPDATE = 8,
    FLAG_END_STREAM = 1, FLAG_ACK = 1, FLAG_END_HEADERS = 4, FLAG_PADDED = 8,
    SETTING_HEADER_TABLE_SIZE = 1, SETTING_MAX_STREAMS = 3, SETTING_INITIAL_WINDOW = 4,
    FRAME_HEADER = 9, MAX_FRAME = 16384, PREFACE = 24,
    MAX_STREAMS = 1000, STREAM_WINDOW = 1 << 20, CONNECTION_WINDOW = 16 << 20,
    READ_SIZE = 256 << 10, OUTPUT_LIMIT = 256 << 10, STREAM_BUCKETS = 1024,
    GRPC_PREFIX = 5, ORDERS_MAX = 8, ORDER_SIZE = 32,
};

struct reply {
    uint8_t *bytes;
    size_t size;
    int64_t frame_size_max;
};

struct stream {
    uint32_t id;
    int64_t send_window;
    uint32_t received;              // body bytes not yet given back by WINDOW_UPDATE
    uint8_t *body;                  // request body so far (echo mode)
    size_t body_size, body_capacity;
    const uint8_t *reply;           // what is still to be sent, once replying
    size_t reply_size;
    int64_t frame_size_max;
    bool replying;
    struct stream *next_in_bucket;
    struct stream *previous_replying, *next_replying;
};

struct connection {
    int fd;
    bool writable_wanted, preface_seen, no_dynamic_table, table_update_sent;
    bool content_type_indexed, grpc_status_indexed;
    int64_t send_window, initial_stream_window;
    uint32_t received;
    uint8_t *input;
    size_t input_size;
    uint8_t *output;
    size_t output_start, output_end, output_capacity;
    struct stream *buckets[STREAM_BUCKETS];
    struct stream *first_replying;
};

static bool echo, asked;
static struct reply fixed_reply;
static struct { char text[ORDER_SIZE]; struct reply reply; } orders[ORDERS_MAX];  // those of the requests so far
static struct stream *free_streams;
static int poller;

static uint32_t read32(const uint8_t *p) { uint32_t v; memcpy(&v, p, 4); return ntohl(v); }

static uint8_t *reserve(struct connection *c, size_t size) {
    if (c->output_end + size > c->output_capacity) {
        if (c->output_start) {
            memmove(c->output, c->output + c->output_start, c->output_end - c->output_start);
            c->output_end -= c->output_start;
            c->output_start = 0;
        }
        if (c->output_end + size > c->output_capacity) {
            c->output_capacity = (c->output_end + size) * 2;
            c->output = realloc(c->output, c->output_capacity);
            if (!c->output) abort();
        }
    }
    uint8_t *p = c->output + c->output_end;
    c->output_end += size;
    return p;
}

static void put_frame(struct connection *c, int type, int flags, uint32_t id, const void *payload, size_t size) {
    uint8_t *p = reserve(c, FRAME_HEADER + size);
    p[0] = size >> 16; p[1] = size >> 8; p[2] = size; p[3] = type; p[4] = flags;
    id = htonl(id);
    memcpy(p + 5, &id, 4);
    if (size) memcpy(p + FRAME_HEADER, payload, size);
}

static void put_window_update(struct connection *c, uint32_t id, uint32_t increment) {
    increment = htonl(increment);
    put_frame(c, FRAME_WINDOW_UPDATE, 0, id, &increment, 4);
}

// Two fields ever enter the dynamic table: first content-type, then grpc-status.
static void put_response_headers(struct connection *c, uint32_t id) {
    uint8_t block[32];
    size_t n = 0;
    if (c->no_dynamic_table && !c->table_update_sent) {
        block[n++] = 0x20;
        c->table_update_sent = true;
    }
    block[n++] = 0x88;  // :status 200
    if (c->content_type_indexed) {
        block[n++] = 0x80 | (c->grpc_status_indexed ? 63 : 62);
    } else {
        if (c->no_dynamic_table) { block[n++] = 0x0f; block[n++] = 31 - 15; }
        else { block[n++] = 0x40 | 31; c->content_type_indexed = true; }
        block[n++] = 16;
        memcpy(block + n, "application/grpc", 16);
        n += 16;
    }
    put_frame(c, FRAME_HEADERS, FLAG_END_HEADERS, id, block, n);
}

static void put_trailers(struct connection *c, uint32_t id) {
    uint8_t block[32];
    size_t n = 0;
    if (c->grpc_status_indexed) {
        block[n++] = 0x80 | 62;
    } else {
        block[n++] = c->no_dynamic_table ? 0x00 : 0x40;
        c->grpc_status_indexed = !c->no_dynamic_table;
        block[n++] = 11;
        memcpy(block + n, "grpc-status", 11);
        n += 11;
        block[n++] = 1;
        block[n++] = '0';
    }
    put_frame(c, FRAME_HEADERS, FLAG_END_HEADERS | FLAG_END_STREAM, id, block, n);
}

static struct stream **slot_of(struct connection *c, uint32_t id) {
    struct stream **slot = &c->buckets[(id >> 1) % STREAM_BUCKETS];
    while (*slot && (*slot)->id != id) slot = &(*slot)->next_in_bucket;
    return slot;
}

static struct stream *open_stream(struct connection *c, uint32_t id) {
    struct stream **slot = slot_of(c, id);
    if (*slot) return *slot;  // trailers of a request: the stream is already there
    struct stream *s = free_streams;
    if (s) free_streams = s->next_in_bucket;
    else if (!(s = calloc(1, sizeof *s))) abort();
    uint8_t *body = s->body;
    size_t capacity = s->body_capacity;
    *s = (struct stream){ .id = id, .send_window = c->initial_stream_window, .body = body, .body_capacity = capacity };
    return *slot = s;
}

static void close_stream(struct connection *c, struct stream *s) {
    if (s->replying) {
        if (s->previous_replying) s->previous_replying->next_replying = s->next_replying;
        else c->first_replying = s->next_replying;
        if (s->next_replying) s->next_replying->previous_replying = s->previous_replying;
    }
    *slot_of(c, s->id) = s->next_in_bucket;
    s->next_in_bucket = free_streams;
    free_streams = s;
}

// Sends at most one DATA frame; true when there may be more to send now.
static bool send_some(struct connection *c, struct stream *s) {
    if (s->reply_size) {
        int64_t size = s->reply_size;
        if (size > s->frame_size_max) size = s->frame_size_max;
        if (size > c->send_window) size = c->send_window;
        if (size > s->send_window) size = s->send_window;
        if (size <= 0) return false;
        put_frame(c, FRAME_DATA, 0, s->id, s->reply, size);
        c->send_window -= size;
        s->send_window -= size;
        s->reply += size;
        s->reply_size -= size;
        if (s->reply_size) return true;
    }
    put_trailers(c, s->id);
    close_stream(c, s);
    return false;
}

static void send_replies(struct connection *c) {
    for (bool more = true; more;) {
        more = false;
        for (struct stream *s = c->first_replying, *next; s; s = next) {
            next = s->next_replying;
            if (c->output_end - c->output_start > OUTPUT_LIMIT) return;
            more |= send_some(c, s);
        }
    }
}

static struct reply reply_of_message(const uint8_t *message, size_t size) {
    struct reply reply = { .bytes = calloc(1, GRPC_PREFIX + size), .size = GRPC_PREFIX + size, .frame_size_max = MAX_FRAME };
    if (!reply.bytes) abort();
    uint32_t length = htonl(size);
    memcpy(reply.bytes + 1, &length, 4);
    if (message) memcpy(reply.bytes + GRPC_PREFIX, message, size);
    return reply;
}

static bool parse_order(const char *text, struct reply *reply) {
    long count, size;
    if (sscanf(text, "size %ld", &size) == 1) {
        if (size < GRPC_PREFIX) return false;
        *reply = reply_of_message(NULL, size - GRPC_PREFIX);
        return true;
    }
    if (sscanf(text, "stream %ld %ld", &count, &size) != 2) return false;
    if (count < 1 || size < 0 || size > MAX_FRAME - GRPC_PREFIX) return false;
    int64_t frame = GRPC_PREFIX + size;
    *reply = (struct reply){ .bytes = calloc(count, frame), .size = count * frame, .frame_size_max = frame };
    if (!reply->bytes) abort();
    uint32_t length = htonl(size);
    for (long i = 0; i < count; i++) memcpy(reply->bytes + i * frame + 1, &length, 4);
    return true;
}

// What a request asks for by its message; a text that was met before has its reply.
static struct reply reply_to(const struct stream *s) {
    struct reply same = { .bytes = s->body, .size = s->body_size, .frame_size_max = MAX_FRAME };
    if (!asked || s->body_size <= GRPC_PREFIX || s->body_size - GRPC_PREFIX >= ORDER_SIZE) return same;
    char text[ORDER_SIZE] = { 0 };
    memcpy(text, s->body + GRPC_PREFIX, s->body_size - GRPC_PREFIX);
    for (int i = 0; i < ORDERS_MAX; i++) {
        if (!orders[i].reply.bytes) {
            if (!parse_order(text, &orders[i].reply)) return same;
            memcpy(orders[i].text, text, ORDER_SIZE);
        }
        if (!memcmp(orders[i].text, text, ORDER_SIZE)) return orders[i].reply;
    }
    return same;
}

static void begin_reply(struct connection *c, struct stream *s) {
    if (s->replying) return;
    put_response_headers(c, s->id);
    struct reply reply = echo ? reply_to(s) : fixed_reply;
    s->reply = reply.bytes;
    s->reply_size = reply.size;
    s->frame_size_max = reply.frame_size_max;
    s->replying = true;
    s->next_replying = c->first_replying;
    if (c->first_replying) c->first_replying->previous_replying = s;
    c->first_replying = s;
}

static void on_data(struct connection *c, struct stream *s, int flags, const uint8_t *p, size_t size) {
    c->received += size;
    if (c->received > CONNECTION_WINDOW / 2) {
        put_window_update(c, 0, c->received);
        c->received = 0;
    }
    if (!s) return;
    s->received += size;
    if (s->received > STREAM_WINDOW / 2 && !(flags & FLAG_END_STREAM)) {
        put_window_update(c, s->id, s->received);
        s->received = 0;
    }
    if (flags & FLAG_PADDED) { size -= 1 + p[0]; p++; }
    if (!echo || s->replying) return;
    if (s->body_size + size > s->body_capacity) {
        s->body_capacity = (s->body_size + size) * 2;
        if (!(s->body = realloc(s->body, s->body_capacity))) abort();
    }
    memcpy(s->body + s->body_size, p, size);
    s->body_size += size;
}

static void on_settings(struct connection *c, const uint8_t *p, size_t size) {
    for (; size >= 6; p += 6, size -= 6) {
        int setting = p[0] << 8 | p[1];
        uint32_t value = read32(p + 2);
        if (setting == SETTING_HEADER_TABLE_SIZE && value < 4096 && !c->content_type_indexed) c->no_dynamic_table = true;
        if (setting == SETTING_INITIAL_WINDOW) {
            int64_t change = (int64_t)value - c->initial_stream_window;
            c->initial_stream_window = value;
            for (int i = 0; i < STREAM_BUCKETS; i++)
                for (struct stream *s = c->buckets[i]; s; s = s->next_in_bucket) s->send_window += change;
        }
    }
    put_frame(c, FRAME_SETTINGS, FLAG_ACK, 0, NULL, 0);
}

static void on_frame(struct connection *c, int type, int flags, uint32_t id, const uint8_t *p, size_t size) {
    struct stream *s = id ? *slot_of(c, id) : NULL;
    switch (type) {
    case FRAME_HEADERS: s = open_stream(c, id); break;
    case FRAME_DATA: on_data(c, s, flags, p, size); break;
    case FRAME_RST_STREAM: if (s) close_stream(c, s); return;
    case FRAME_SETTINGS: if (!(flags & FLAG_ACK)) on_settings(c, p, size); return;
    case FRAME_PING: if (!(flags & FLAG_ACK)) put_frame(c, FRAME_PING, FLAG_ACK, 0, p, size); return;
    case FRAME_WINDOW_UPDATE:
        if (id == 0) c->send_window += read32(p);
        else if (s) s->send_window += read32(p);
        return;
    default: return;
    }
    if (s && flags & FLAG_END_STREAM) begin_reply(c, s);
}

static void consume_input(struct connection *c) {
    uint8_t *p = c->input;
    size_t left = c->input_size;
    if (!c->preface_seen) {
        if (left < PREFACE) return;
        p += PREFACE;
        left -= PREFACE;
        c->preface_seen = true;
    }
    while (left >= FRAME_HEADER) {
        size_t size = (size_t)p[0] << 16 | p[1] << 8 | p[2];
        if (left < FRAME_HEADER + size) break;
        on_frame(c, p[3], p[4], read32(p + 5) & 0x7fffffff, p + FRAME_HEADER, size);
        p += FRAME_HEADER + size;
        left -= FRAME_HEADER + size;
    }
    memmove(c->input, p, left);
    c->input_size = left;
}

static void close_connection(struct connection *c) {
    for (int i = 0; i < STREAM_BUCKETS; i++)
        while (c->buckets[i]) close_stream(c, c->buckets[i]);
    close(c->fd);
    free(c->input);
    free(c->output);
    free(c);
}

// False when the connection is gone.
static bool flush(struct connection *c) {
    for (;;) {
        send_replies(c);
        size_t size = c->output_end - c->output_start;
        if (!size) break;
        ssize_t n = send(c->fd, c->output + c->output_start, size, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN) return false;
        if (n > 0) c->output_start += n;
        if (n < (ssize_t)size) break;
    }
    bool pending = c->output_start != c->output_end;
    if (!pending) c->output_start = c->output_end = 0;
    if (pending != c->writable_wanted) {
        struct epoll_event e = { .events = EPOLLIN | (pending ? EPOLLOUT : 0), .data.ptr = c };
        epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &e);
        c->writable_wanted = pending;
    }
    return true;
}

static bool on_event(struct connection *c, uint32_t events) {
    if (events & ~(uint32_t)EPOLLOUT) {
        ssize_t n = recv(c->fd, c->input + c->input_size, READ_SIZE - c->input_size, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN)) return false;
        if (n > 0) c->input_size += n;
        consume_input(c);
    }
    return flush(c);
}

static void on_accept(int listener) {
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        struct connection *c = calloc(1, sizeof *c);
        if (!c || !(c->input = malloc(READ_SIZE))) abort();
        c->fd = fd;
        c->send_window = c->initial_stream_window = 65535;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        uint8_t settings[12] = { 0, SETTING_MAX_STREAMS, 0, 0, MAX_STREAMS >> 8, MAX_STREAMS & 255,
                                 0, SETTING_INITIAL_WINDOW, 0, STREAM_WINDOW >> 16, 0, 0 };
        put_frame(c, FRAME_SETTINGS, 0, 0, settings, sizeof settings);
        put_window_update(c, 0, CONNECTION_WINDOW - 65535);
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &(struct epoll_event){ .events = EPOLLIN, .data.ptr = c });
        if (!flush(c)) close_connection(c);
    }
}

static bool parse_reply(int argc, char **argv) {
    if (argc == 3) {
        asked = !strcmp(argv[2], "asked");
        return echo = asked || !strcmp(argv[2], "echo");
    }
    if (argc == 4 && !strcmp(argv[2], "message")) {
        uint8_t message[256];
        size_t size = 0;
        for (const char *p = argv[3]; p[0] && p[1] && size < sizeof message; p += 2, size++) {
            char digits[3] = { p[0], p[1], 0 };
            message[size] = strtoul(digits, NULL, 16);
        }
        fixed_reply = reply_of_message(message, size);
        return true;
    }
    char order[128];
    snprintf(order, sizeof order, "%s %s %s", argv[2], argc > 3 ? argv[3] : "", argc > 4 ? argv[4] : "");
    return argc <= 5 && parse_order(order, &fixed_reply);
}

int main(int argc, char **argv) {
    if (argc < 3 || !parse_reply(argc, argv)) {
        fprintf(stderr, "usage: backend [ADDRESS:]PORT echo | size N | message HEX | stream N SIZE | asked\n");
        return 2;
    }
    int listener = listen_at(argv[1]);
    poller = epoll_create1(0);
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &(struct epoll_event){ .events = EPOLLIN, .data.ptr = NULL });
    for (struct epoll_event events[256];;) {
        int n = epoll_wait(poller, events, 256, -1);
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            if (!c) on_accept(listener);
            else if (!on_event(c, events[i].events)) close_connection(c);
        }
    }
}
