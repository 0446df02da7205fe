/* The VICI server: its socket, its clients, packets in and out.
 *
 * Invariants: the daemon never waits for a client, neither for its requests nor for it to read;
 * what is kept for one client is bounded (VICI_PACKET_MAX in, VICI_OUT_MAX out); a client that
 * sends anything malformed is disconnected.  A connection is closed from the event loop only,
 * so that a client found dead while it is being written to stays valid for its caller.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "vici/vici.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/listener.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/secret.h"
#include "kit/mem.h"
#include "vici/inside.h"

static const char *const event_names[VICI_EV_COUNT] = {
    [VICI_EV_LOG] = "log",
    [VICI_EV_CONTROL_LOG] = "control-log",
    [VICI_EV_LIST_SA] = "list-sa",
    [VICI_EV_LIST_POLICY] = "list-policy",
    [VICI_EV_LIST_CONN] = "list-conn",
    [VICI_EV_LIST_CERT] = "list-cert",
    [VICI_EV_LIST_AUTHORITY] = "list-authority",
    [VICI_EV_IKE_UPDOWN] = "ike-updown",
    [VICI_EV_IKE_REKEY] = "ike-rekey",
    [VICI_EV_IKE_UPDATE] = "ike-update",
    [VICI_EV_CHILD_UPDOWN] = "child-updown",
    [VICI_EV_CHILD_REKEY] = "child-rekey",
    [VICI_EV_ALERT] = "alert",
    [VICI_EV_FLEET] = "fleet-event",
};

bool vici_listens(const struct vici_client *c, enum vici_event e)
{
    return c->ended == NULL && (c->events & 1U << e) != 0;
}

bool vici_anybody_listens(const struct vici *v, enum vici_event e)
{
    for (const struct vici_client *c = v->clients; c != NULL; c = c->next)
        if (vici_listens(c, e))
            return true;
    return false;
}

/* ---- sending -------------------------------------------------------------- */

static void end_client(struct vici_client *c, const char *why)
{
    if (c->ended != NULL)
        return;
    c->ended = why;
    bufferevent_disable(c->bev, EV_READ | EV_WRITE);
    event_active(c->wake, 0, 0);
}

/* False when the message does not fit a packet; a slow client is given up instead. */
static bool send_packet(struct vici_client *c, enum vici_type type, const char *name,
                        const struct node *message)
{
    struct evbuffer *out = bufferevent_get_output(c->bev);
    size_t size = vici_encoded_size(type, name, message);
    struct evbuffer_iovec room;
    struct wr w;

    if (size > VICI_LENGTH + VICI_PACKET_MAX)
        return false;
    if (c->ended != NULL)
        return true;
    if (evbuffer_get_length(out) + size > VICI_OUT_MAX) {
        end_client(c, "it does not read what it asked for");
        return true;
    }
    if (evbuffer_reserve_space(out, (ev_ssize_t)size, &room, 1) < 1) {
        end_client(c, "out of memory");
        return true;
    }
    w = wr_init(room.iov_base, room.iov_len);
    if (!vici_encode(&w, type, name, message))
        return false;
    room.iov_len = wr_done(&w).n;
    evbuffer_commit_space(out, &room, 1);
    return true;
}

void vici_tell(struct vici_client *c, enum vici_event e, const struct node *message)
{
    if (vici_listens(c, e) && !send_packet(c, VICI_EVENT, event_names[e], message))
        end_client(c, "an event does not fit a packet");
}

void vici_tell_all(struct vici *v, enum vici_event e, const struct node *message)
{
    for (struct vici_client *c = v->clients; c != NULL; c = c->next)
        vici_tell(c, e, message);
}

/* ---- the command in progress ----------------------------------------------- */

static void end_command(struct vici_client *c)
{
    evtimer_del(c->timer);
    free(c->work.targets);
    c->work = (struct vici_work){0};
    tree_free(c->req); /* which wipes: it may hold secrets */
    c->req = NULL;
}

void vici_answer(struct vici_client *c, struct node *message)
{
    if (!send_packet(c, VICI_CMD_RESPONSE, NULL, message))
        end_client(c, "the answer does not fit a packet");
    tree_free(message);
    end_command(c);
    if (c->ended == NULL)
        event_active(c->wake, 0, 0);
}

void vici_answer_ok(struct vici_client *c)
{
    struct node *message = tree_new();

    tree_add_value(message, "success", "yes");
    vici_answer(c, message);
}

void vici_answer_error(struct vici_client *c, const char *fmt, ...)
{
    struct node *message = tree_new();
    char text[sizeof(((struct problem *)0)->text)];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    tree_add_value(message, "success", "no");
    tree_add_value(message, "errmsg", text);
    vici_answer(c, message);
}

void vici_answer_found(struct vici_client *c, const struct problems *found)
{
    struct node *message = tree_new();
    char text[8 * sizeof(((struct problem *)0)->text)] = "";

    for (size_t i = 0; i < found->n; i++) {
        size_t used = strlen(text);

        daemon_log(c->v->d, 0, LOG_CFG, 0, "%s", found->v[i].problem.text);
        if (found->v[i].is_error)
            snprintf(text + used, sizeof(text) - used, "%s%s", used > 0 ? "; " : "",
                     found->v[i].problem.text);
    }
    tree_add_value(message, "success", found->errors == 0 ? "yes" : "no");
    if (found->errors > 0)
        tree_add_value(message, "errmsg", text);
    vici_answer(c, message);
}

static void stream_on(struct vici_client *c)
{
    struct evbuffer *out = bufferevent_get_output(c->bev);

    while (c->work.more != NULL && c->ended == NULL) {
        if (evbuffer_get_length(out) > VICI_OUT_PAUSE)
            return; /* on_writable goes on */
        if (!c->work.more(c))
            vici_answer(c, NULL);
    }
}

void vici_stream(struct vici_client *c, bool (*more)(struct vici_client *c))
{
    c->work.more = more;
    stream_on(c);
}

static void on_timeout(evutil_socket_t fd, short what, void *client)
{
    struct vici_client *c = client;

    (void)fd;
    (void)what;
    if (c->work.timeout != NULL)
        c->work.timeout(c);
}

void vici_wait(struct vici_client *c,
               void (*hear)(struct vici_client *, const struct cv_effect *),
               void (*timeout)(struct vici_client *), uint32_t ms)
{
    struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};

    c->work.hear = hear;
    c->work.timeout = timeout;
    if (ms > 0)
        evtimer_add(c->timer, &tv);
}

/* ---- receiving -------------------------------------------------------------- */

static void run_command(struct vici_client *c, struct vici_packet *p)
{
    vici_command *run = vici_find_command(p->name);

    c->req = p->message;
    if (run != NULL) {
        creds_set_origin(daemon_creds(c->v->d), CREDS_CLIENT);
        run(c, c->req);
        creds_set_origin(daemon_creds(c->v->d), CREDS_FILE);
        return;
    }
    (void)send_packet(c, VICI_CMD_UNKNOWN, NULL, NULL);
    end_command(c);
}

static void set_registration(struct vici_client *c, const char *name, bool on)
{
    for (unsigned e = 0; e < VICI_EV_COUNT; e++) {
        if (strcmp(name, event_names[e]) != 0)
            continue;
        c->events = on ? c->events | 1U << e : c->events & ~(1U << e);
        (void)send_packet(c, VICI_EVENT_CONFIRM, NULL, NULL);
        return;
    }
    (void)send_packet(c, VICI_EVENT_UNKNOWN, NULL, NULL);
}

static void handle_packet(struct vici_client *c, struct cv_span octets)
{
    struct vici_packet p;

    if (!vici_decode(&p, octets)) {
        end_client(c, "it sent a malformed packet");
        return;
    }
    switch (p.type) {
    case VICI_CMD_REQUEST:
        run_command(c, &p);
        return;
    case VICI_EVENT_REGISTER:
    case VICI_EVENT_UNREGISTER:
        set_registration(c, p.name, p.type == VICI_EVENT_REGISTER);
        return;
    default:
        tree_free(p.message);
        end_client(c, "it sent a packet that only servers send");
        return;
    }
}

/* Moves n octets out of the buffer and clears where they were: they may hold secrets. */
static void drain_into(uint8_t *out, struct evbuffer *in, size_t n)
{
    struct evbuffer_iovec chunk;

    while (n > 0 && evbuffer_peek(in, (ev_ssize_t)n, NULL, &chunk, 1) > 0) {
        size_t take = chunk.iov_len < n ? chunk.iov_len : n;

        memcpy(out, chunk.iov_base, take);
        wipe(chunk.iov_base, take);
        evbuffer_drain(in, take);
        out += take;
        n -= take;
    }
}

/* Handles one packet of the input.  False when none is complete. */
static bool next_packet(struct vici_client *c)
{
    struct evbuffer *in = bufferevent_get_input(c->bev);
    uint8_t length[VICI_LENGTH], *octets;
    struct rd r;
    size_t n;

    if (evbuffer_copyout(in, length, sizeof(length)) < (ev_ssize_t)sizeof(length))
        return false;
    r = rd_init(span(length, sizeof(length)));
    n = rd_u32(&r);
    if (n == 0 || n > VICI_PACKET_MAX) {
        end_client(c, "it sent a packet of a length that is not allowed");
        return false;
    }
    if (evbuffer_get_length(in) < VICI_LENGTH + n)
        return false;
    octets = mem_new(n, 1);
    evbuffer_drain(in, VICI_LENGTH);
    drain_into(octets, in, n);
    handle_packet(c, span(octets, n));
    wipe(octets, n);
    free(octets);
    return true;
}

static void free_client(struct vici_client *c)
{
    struct vici_client **at = &c->v->clients;

    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    c->v->n_clients--;
    if (c->timer != NULL) {
        end_command(c);
        event_free(c->timer);
    }
    if (c->wake != NULL)
        event_free(c->wake);
    if (c->bev != NULL)
        bufferevent_free(c->bev);
    free(c);
}

static void on_wake(evutil_socket_t fd, short what, void *client)
{
    struct vici_client *c = client;

    (void)fd;
    (void)what;
    while (c->ended == NULL && c->req == NULL && next_packet(c))
        ;
    if (c->ended == NULL)
        return;
    if (c->ended[0] != '\0')
        daemon_log(c->v->d, 1, LOG_CFG, 0, "disconnected a VICI client: %s", c->ended);
    free_client(c);
}

static void on_readable(struct bufferevent *bev, void *client)
{
    (void)bev;
    on_wake(-1, 0, client);
}

static void on_writable(struct bufferevent *bev, void *client)
{
    (void)bev;
    stream_on(client);
}

static void on_end(struct bufferevent *bev, short what, void *client)
{
    (void)bev;
    (void)what;
    end_client(client, "");
}

/* ---- the socket ------------------------------------------------------------- */

/* One client too many: whatever it asks for, this is the answer. */
static void refuse(struct vici *v, evutil_socket_t fd)
{
    struct node *message = tree_new();
    uint8_t octets[256];
    struct wr w = wr_init(octets, sizeof(octets));

    tree_add_value(message, "success", "no");
    tree_add_valuef(message, "errmsg",
                    "%u clients are connected already, the limit of the "
                    "control socket",
                    VICI_CLIENTS_MAX);
    if (!vici_encode(&w, VICI_CMD_RESPONSE, "", message) ||
        send(fd, w.p, w.n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        daemon_log(v->d, 2, LOG_CFG, 0, "a VICI client that is refused is not told why");
    tree_free(message);
    close(fd);
    daemon_log(
        v->d, 1, LOG_CFG, 0,
        "refused a VICI client: %u are connected already, the limit of the control socket",
        v->n_clients);
}

static void on_connect(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *addr,
                       int n, void *vici)
{
    struct vici *v = vici;
    struct event_base *base = daemon_base(v->d);
    struct vici_client *c;

    (void)l;
    (void)addr;
    (void)n;
    if (v->n_clients == VICI_CLIENTS_MAX) {
        refuse(v, fd);
        return;
    }
    c = mem_new(1, sizeof(*c));
    c->v = v;
    c->bev = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
    c->wake = event_new(base, -1, 0, on_wake, c);
    c->timer = evtimer_new(base, on_timeout, c);
    c->next = v->clients;
    v->clients = c;
    v->n_clients++;
    if (c->bev == NULL || c->wake == NULL || c->timer == NULL) {
        free_client(c);
        return;
    }
    bufferevent_setcb(c->bev, on_readable, on_writable, on_end, c);
    bufferevent_setwatermark(c->bev, EV_READ, 0, VICI_LENGTH + VICI_PACKET_MAX);
    bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

static void hear_event(void *vici, const struct cv_effect *fx)
{
    struct vici *v = vici;

    if (fx->kind != CV_EVENT)
        return;
    vici_report(v, fx);
    for (struct vici_client *c = v->clients; c != NULL; c = c->next)
        if (c->work.hear != NULL && c->ended == NULL)
            c->work.hear(c, fx);
}

/* A socket file that nobody listens on is left over from a crash. */
static bool remove_stale(const struct sockaddr_un *at, struct problem *why)
{
    struct stat st;
    int fd, refused;

    if (lstat(at->sun_path, &st) != 0)
        return true;
    if (!S_ISSOCK(st.st_mode))
        return problem_set(why, "%s exists and is not a socket", at->sun_path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return problem_set(why, "socket: %s", strerror(errno));
    refused = connect(fd, (const struct sockaddr *)at, sizeof(*at)) != 0;
    close(fd);
    if (!refused)
        return problem_set(why, "%s: another daemon is listening there", at->sun_path);
    if (unlink(at->sun_path) != 0)
        return problem_set(why, "removing %s: %s", at->sun_path, strerror(errno));
    return true;
}

/* A listening socket that only its owner may use, from its first moment on; or -1. */
static int open_socket(const char *path, struct problem *why)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    mode_t mask;
    int fd, failed;

    if (strlen(path) >= sizeof(at.sun_path)) {
        problem_set(why, "%s: too long for a socket's path", path);
        return -1;
    }
    memcpy(at.sun_path, path, strlen(path));
    if (!remove_stale(&at, why))
        return -1;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mask = umask(0177);
    failed = fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0;
    umask(mask);
    if (!failed)
        return fd;
    problem_set(why, "listening on %s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

struct vici *vici_start(struct daemon *d, const char *path, struct problem *why)
{
    int fd = open_socket(path, why);
    struct vici *v;

    if (fd < 0)
        return NULL;
    v = mem_new(1, sizeof(*v));
    v->listener = evconnlistener_new(daemon_base(d), on_connect, v,
                                     LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 16, fd);
    if (v->listener == NULL) {
        problem_set(why, "listening on %s: %s", path, strerror(errno));
        close(fd);
        free(v);
        return NULL;
    }
    v->d = d;
    v->path = mem_text(path);
    v->ear = (struct listener){
        .event = hear_event, .log = vici_log_line, .fleet = vici_fleet_event, .ctx = v};
    daemon_listen(d, &v->ear);
    return v;
}

void vici_stop(struct vici *v)
{
    if (v == NULL)
        return;
    daemon_unlisten(v->d, &v->ear);
    while (v->clients != NULL)
        free_client(v->clients);
    evconnlistener_free(v->listener);
    unlink(v->path);
    free(v->path);
    vici_unkeep_all(&v->keys);
    vici_unkeep_all(&v->shared);
    vici_unkeep_all(&v->pools);
    vici_unkeep_all(&v->authorities);
    free(v);
}
