// Where a backend of the benchmarks listens: `[ADDRESS:]PORT`, on the loopback unless it says otherwise.

#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static struct sockaddr_in parse_address(char *text) {
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    char *colon = strchr(text, ':');
    if (colon) {
        *colon = 0;
        if (inet_pton(AF_INET, text, &address.sin_addr) != 1) exit(2);
    }
    address.sin_port = htons(atoi(colon ? colon + 1 : text));
    return address;
}

// A socket that does not block, or the end of the program.
static int listen_at(char *text) {
    struct sockaddr_in address = parse_address(text);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) {
        perror("listen");
        exit(1);
    }
    return listener;
}
