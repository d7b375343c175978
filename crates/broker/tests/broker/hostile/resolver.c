/* A resolver whose answers change, for a program that it is preloaded into. It records every address that the program
 * connects to, and keeps all connections on the machine. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define PUBLIC "1.1.1.1"
#define LOOPBACK "127.0.0.1"

typedef int resolve_fn(const char *, const char *, const struct addrinfo *, struct addrinfo **);
typedef int connect_fn(int, const struct sockaddr *, socklen_t);

static void record(const char *what, const char *which) {
    FILE *log = fopen(getenv("RESOLVER_LOG"), "a");
    if (!log) abort();
    fprintf(log, "%s %s\n", what, which);
    fclose(log);
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    static atomic_int answers;
    resolve_fn *next = (resolve_fn *)dlsym(RTLD_NEXT, "getaddrinfo");
    if (name && !strcmp(name, "mixed.example")) {
        int failed = next(LOOPBACK, service, hints, found);
        if (failed) return failed;
        struct addrinfo *last = *found;
        while (last->ai_next) last = last->ai_next;
        record("answer", "both");
        return next(PUBLIC, service, hints, &last->ai_next);
    }
    if (name && !strcmp(name, "rebind.example")) {
        const char *address = atomic_fetch_add(&answers, 1) ? LOOPBACK : PUBLIC;
        record("answer", address);
        return next(address, service, hints, found);
    }
    return next(name, service, hints, found);
}

int connect(int socket, const struct sockaddr *to, socklen_t length) {
    connect_fn *next = (connect_fn *)dlsym(RTLD_NEXT, "connect");
    if (to->sa_family != AF_INET) return next(socket, to, length);
    char text[INET_ADDRSTRLEN] = "";
    inet_ntop(AF_INET, &((const struct sockaddr_in *)to)->sin_addr, text, sizeof text);
    record("connect", text);
    if (!strncmp(text, "127.", 4)) return next(socket, to, length);
    errno = ECONNREFUSED;
    return -1;
}
