/* Owns the datagram of an entry: NAME=value, a line each (systemd's "Native Journal Protocol").
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kit/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { ENTRY_MAX = 4096 };

bool journal_is_there(void)
{
    return getenv("JOURNAL_STREAM") != NULL && access(JOURNAL_SOCKET, W_OK) == 0;
}

/* A value with a line's end in it would begin another field. */
static bool put(char *entry, size_t *at, const struct journal_field *f)
{
    const int n = snprintf(entry + *at, ENTRY_MAX - *at, "%s=%s\n", f->name, f->value);

    if (strchr(f->value, '\n') != NULL || n < 0 || (size_t)n >= ENTRY_MAX - *at)
        return false;
    *at += (size_t)n;
    return true;
}

bool journal_send(const char *socket_path, const struct journal_field *v, size_t n)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    char entry[ENTRY_MAX];
    size_t at = 0;
    bool sent;
    int fd;

    for (size_t i = 0; i < n; i++)
        if (v[i].value[0] != '\0' && !put(entry, &at, &v[i]))
            return false;
    if ((size_t)snprintf(to.sun_path, sizeof(to.sun_path), "%s", socket_path) >=
        sizeof(to.sun_path))
        return false;
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    sent = sendto(fd, entry, at, MSG_NOSIGNAL, (const struct sockaddr *)&to, sizeof(to)) ==
           (ssize_t)at;
    close(fd);
    return sent;
}
