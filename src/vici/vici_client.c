/* Owns the stream to the daemon.  Blocking: the command has nothing else to do.
 * What the daemon sends is decoded with the same limits as the other way round.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "vici/vici_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/secret.h"
#include "kit/mem.h"
#include "vici/vici_codec.h"

struct vici_link {
    int fd;
};

struct vici_link *vici_open(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct vici_link *l;
    int fd;

    if (strlen(path) >= sizeof(at.sun_path)) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    memcpy(at.sun_path, path, strlen(path));
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return NULL;
    if (connect(fd, (const struct sockaddr *)&at, sizeof(at)) != 0) {
        int why = errno;

        close(fd);
        errno = why;
        return NULL;
    }
    l = mem_new(1, sizeof(*l));
    l->fd = fd;
    return l;
}

void vici_close(struct vici_link *l)
{
    if (l == NULL)
        return;
    close(l->fd);
    free(l);
}

/* ---- packets ------------------------------------------------------------------ */

static bool write_all(int fd, const uint8_t *p, size_t n, struct problem *why)
{
    while (n > 0) {
        ssize_t done = send(fd, p, n, MSG_NOSIGNAL);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return problem_set(why, "sending to the daemon: %s", strerror(errno));
        p += done;
        n -= (size_t)done;
    }
    return true;
}

static bool read_all(int fd, uint8_t *p, size_t n, struct problem *why)
{
    while (n > 0) {
        ssize_t done = recv(fd, p, n, 0);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return problem_set(why, "receiving from the daemon: %s", strerror(errno));
        if (done == 0)
            return problem_set(why, "the daemon closed the connection");
        p += done;
        n -= (size_t)done;
    }
    return true;
}

static bool send_packet(struct vici_link *l, enum vici_type type, const char *name,
                        const struct node *message, struct problem *why)
{
    size_t n = vici_encoded_size(type, name, message);
    uint8_t *octets = mem_new(n, 1);
    struct wr w = wr_init(octets, n);
    bool sent;

    sent = vici_encode(&w, type, name, message)
               ? write_all(l->fd, octets, n, why)
               : problem_set(why, "the request is too long for a VICI packet");
    wipe(octets, n);
    free(octets);
    return sent;
}

static bool read_packet(struct vici_link *l, struct vici_packet *out, struct problem *why)
{
    uint8_t length[VICI_LENGTH], *octets;
    struct rd r;
    size_t n;
    bool good;

    if (!read_all(l->fd, length, sizeof(length), why))
        return false;
    r = rd_init(span(length, sizeof(length)));
    n = rd_u32(&r);
    if (n == 0 || n > VICI_PACKET_MAX)
        return problem_set(why, "the daemon sent a packet of %zu octets", n);
    octets = mem_new(n, 1);
    good = read_all(l->fd, octets, n, why);
    if (good && !vici_decode(out, span(octets, n)))
        good = problem_set(why, "the daemon sent a malformed packet");
    free(octets);
    return good;
}

/* ---- exchanges ------------------------------------------------------------------ */

/* The next packet that is no event; events go to hear. */
static bool read_reply(struct vici_link *l, const struct vici_hearer *hear,
                       struct vici_packet *out, struct problem *why)
{
    while (read_packet(l, out, why)) {
        if (out->type != VICI_EVENT)
            return true;
        if (hear != NULL && hear->event != NULL && strcmp(out->name, hear->event) == 0)
            hear->each(hear->ctx, out->message);
        tree_free(out->message);
    }
    return false;
}

static bool set_hearing(struct vici_link *l, const struct vici_hearer *hear, bool on,
                        struct problem *why)
{
    enum vici_type type = on ? VICI_EVENT_REGISTER : VICI_EVENT_UNREGISTER;
    struct vici_packet p;

    if (hear == NULL || hear->event == NULL)
        return true;
    if (!send_packet(l, type, hear->event, NULL, why) || !read_reply(l, hear, &p, why))
        return false;
    tree_free(p.message);
    if (p.type != VICI_EVENT_CONFIRM)
        return problem_set(why, "the daemon has no event '%s'", hear->event);
    return true;
}

static struct node *exchange(struct vici_link *l, const char *command,
                             const struct node *request, const struct vici_hearer *hear,
                             struct problem *why)
{
    struct vici_packet p;

    if (!send_packet(l, VICI_CMD_REQUEST, command, request, why) ||
        !read_reply(l, hear, &p, why))
        return NULL;
    if (p.type == VICI_CMD_RESPONSE &&
        strcmp(tree_get(p.message, "success", "yes"), "yes") == 0)
        return p.message;
    if (p.type == VICI_CMD_RESPONSE)
        problem_set(why, "%s", tree_get(p.message, "errmsg", "the daemon gave no reason"));
    else
        problem_set(why, "the daemon does not know the command '%s'", command);
    tree_free(p.message);
    return NULL;
}

struct node *vici_call(struct vici_link *l, const char *command, const struct node *request,
                       const struct vici_hearer *hear, struct problem *why)
{
    struct problem ignored = {0};
    struct node *answer;

    if (!set_hearing(l, hear, true, why))
        return NULL;
    answer = exchange(l, command, request, hear, why);
    (void)set_hearing(l, hear, false,
                      &ignored); /* a broken connection shows at the next call */
    return answer;
}

bool vici_follow(struct vici_link *l, const struct vici_hearer *hear, struct problem *why)
{
    struct vici_packet p;

    if (!set_hearing(l, hear, true, why) || !read_reply(l, hear, &p, why))
        return false;
    tree_free(p.message);
    return problem_set(why, "the daemon sent an answer to no question");
}
