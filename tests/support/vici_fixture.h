/* A VICI server, its clients, and a tunnel to show.  Packets are compared as text.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_VICI_FIXTURE_H
#define TESTS_VICI_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/vici_daemon.h"
#include "vici/vici_codec.h"

static struct vici *server;
static char dir[64], path[96];

/* ---- what there is to show ------------------------------------------------------------ */

static const struct cv_ts_config any_ts = {
    .dynamic = true, .ts = {.family = CV_IPV4, .port_hi = 65535}
};
static const struct cv_child_config net = {.name = "net",
                                           .local_ts = &any_ts,
                                           .n_local_ts = 1,
                                           .remote_ts = &any_ts,
                                           .n_remote_ts = 1,
                                           .start_action = CV_ACTION_TRAP,
                                           .life = {.rekey_s = 3600}};
static const struct cv_child_config *const children[] = {&net};
static char *remote_hosts[] = {(char[]){"10.77.2.2"}};
static struct conn home = {
    .cv = {.name = "home",
           .local = {.kind = CV_AUTH_PSK},
           .remote = {.kind = CV_AUTH_PUBKEY},
           .children = children,
           .n_children = 1,
           .rekey_s = 14400,
           .host = &home},
    .remote_hosts = remote_hosts,
    .n_remote_hosts = 1
};

static inline struct cv_id id_of(const char *text)
{
    struct cv_id id;
    struct problem why;

    assert_true(id_parse(&id, text, &why));
    return id;
}

static inline struct cv_endpoint endpoint(const char *addr, uint16_t port)
{
    struct cv_endpoint e = {.port = port};

    assert_true(addr_parse(&e.addr, addr));
    return e;
}

static inline struct cv_ts_list selector(const char *text)
{
    struct cv_ts_list list = {.n = 1};
    struct cv_ts_config c;
    struct problem why;

    assert_true(ts_parse(&c, text, &why));
    list.ts[0] = c.ts;
    return list;
}

/* The same SA that charon showed when its keys and spellings were recorded. */
static inline void one_tunnel(void)
{
    d.now_ms = 100000;
    d.n_ikes = d.n_children = 1;
    d.ike[0] = (struct cv_ike_info){
        .id = 3,
        .state = CV_IKE_ESTABLISHED,
        .conn = &home.cv,
        .initiator = true,
        .nat_local = true,
        .spi_i = {0x44,  0x44, 0xcd, 0x6f, 0xb8, 0x4b, 0x9f, 0xf9},
        .spi_r = {0x9c, 0x40, 0xd0, 0xf0, 0xd5, 0x67, 0x81, 0xa2},
        .local = endpoint("10.77.1.2", 4500),
        .remote = endpoint("10.77.2.2", 4500),
        .local_id = id_of("dev.lab.test"),
        .remote_id = id_of("gw.lab.test"),
        .suite = {.encr = CV_ENCR_AES_CBC,
                  .encr_bits = 128,
                  .integ = CV_INTEG_HMAC_SHA2_256_128,
                  .prf = CV_PRF_HMAC_SHA2_256,
                  .ke = CV_KE_X25519},
        .established_ms = 61000,
        .rekey_at_ms = CV_NO_DEADLINE,
        .reauth_at_ms = 7118000,
        .lease = {.v4 = endpoint("10.99.0.1",  0).addr }
    };
    d.child[0] = (struct cv_child_info){
        .id = 7,
        .ike = 3,
        .reqid = 2,
        .state = CV_CHILD_INSTALLED,
        .protocol = CV_PROTO_ESP,
        .encap = true,
        .conn = &home.cv,
        .cfg = &net,
        .spi_in = 0x08fdc3ec,
        .spi_out = 0x2888c6ba,
        .suite = {.encr = CV_ENCR_AES_GCM_16, .encr_bits = 128},
        .local_ts = selector("10.99.0.1/32"),
        .remote_ts = selector("10.77.3.0/24"),
        .packets_in = 1,
        .bytes_in = 84,
        .last_in_ms = 98000,
        .installed_ms = 90000,
        .rekey_at_ms = 3553000,
        .expire_at_ms = 4050000
    };
}

static const char one_tunnel_text[] =
    "home{uniqueid=3 version=2 state=ESTABLISHED local-host=10.77.1.2 local-port=4500 "
    "local-id=dev.lab.test remote-host=10.77.2.2 remote-port=4500 remote-id=gw.lab.test "
    "initiator=yes initiator-spi=4444cd6fb84b9ff9 responder-spi=9c40d0f0d56781a2 "
    "nat-local=yes nat-any=yes encr-alg=AES_CBC encr-keysize=128 "
    "integ-alg=HMAC_SHA2_256_128 prf-alg=PRF_HMAC_SHA2_256 dh-group=CURVE_25519 "
    "established=39 reauth-time=7018 local-vips[10.99.0.1 ]child-sas{net-7{name=net "
    "uniqueid=7 reqid=2 state=INSTALLED mode=TUNNEL protocol=ESP encap=yes spi-in=08fdc3ec "
    "spi-out=2888c6ba encr-alg=AES_GCM_16 encr-keysize=128 bytes-in=84 packets-in=1 use-in=2 "
    "bytes-out=0 packets-out=0 rekey-time=3453 life-time=3950 install-time=10 "
    "local-ts[10.99.0.1/32 ]remote-ts[10.77.3.0/24 ]}}}";

/* ---- a client ----------------------------------------------------------------------- */

static inline void turn(void)
{
    for (unsigned i = 0; i < 20; i++)
        event_base_loop(d.base, EVLOOP_NONBLOCK);
}

static inline int client(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strcpy(at.sun_path, path);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    turn();
    return fd;
}

static inline void send_packet(int fd, enum vici_type type, const char *name,
                               struct node *message)
{
    size_t n = vici_encoded_size(type, name, message);
    uint8_t *octets = malloc(n);
    struct wr w = wr_init(octets, n);

    assert_true(vici_encode(&w, type, name, message));
    assert_int_equal(write(fd, octets, n), n);
    free(octets);
    tree_free(message);
    turn();
}

/* arguments: "key=value key=value" */
static inline void command(int fd, const char *name, const char *arguments)
{
    struct node *message = tree_new();
    char text[256], *save, *arg;

    snprintf(text, sizeof(text), "%s", arguments);
    for (arg = strtok_r(text, " ", &save); arg != NULL; arg = strtok_r(NULL, " ", &save)) {
        char *value = strchr(arg, '=');

        *value = '\0';
        tree_add_value(message, arg, value + 1);
    }
    send_packet(fd, VICI_CMD_REQUEST, name, message);
}

/* False when the connection is closed before. */
static inline bool receive_all(int fd, uint8_t *out, size_t n)
{
    while (n > 0) {
        ssize_t got = recv(fd, out, n, 0);

        if (got == 0 || (got < 0 && errno != EAGAIN))
            return false;
        if (got > 0) {
            out += got;
            n -= (size_t)got;
        }
        turn();
    }
    return true;
}

/* The next packet as text, "(none)" or "(closed)". */
static inline const char *received(int fd)
{
    static const char *const types[] = {"request",       "answer",     "unknown command",
                                        "register",      "unregister", "confirmed",
                                        "unknown event", "event"};
    static char out[4096];
    uint8_t length[VICI_LENGTH], octets[8192];
    struct vici_packet p;
    ssize_t got;
    struct rd r;
    size_t n, used;

    turn();
    got = recv(fd, length, sizeof(length), 0);
    if (got <= 0)
        return got == 0 || errno != EAGAIN ? "(closed)" : "(none)";
    r = rd_init(span(length, sizeof(length)));
    n = rd_u32(&r);
    assert_true(n <= sizeof(octets));
    if (!receive_all(fd, octets, n))
        return "(closed)";
    assert_true(vici_decode(&p, span(octets, n)));
    used = (size_t)snprintf(out, sizeof(out), "%s %s%s", types[p.type], p.name,
                            p.name[0] != '\0' ? " " : "");
    for (const struct node *m = p.message != NULL ? p.message->first : NULL; m != NULL;) {
        const char *open = m->kind == NODE_SECTION ? "{" : m->kind == NODE_LIST ? "[" : "";
        const char *value = m->kind == NODE_VALUE ? m->value : "";

        used += (size_t)snprintf(out + used, sizeof(out) - used, "%s%s%s%s%s",
                                 m->name != NULL ? m->name : "",
                                 m->name != NULL && m->kind == NODE_VALUE ? "=" : "", open,
                                 value, m->kind == NODE_VALUE ? " " : "");
        if (m->first != NULL) {
            m = m->first;
            continue;
        }
        if (m->kind != NODE_VALUE)
            used += (size_t)snprintf(out + used, sizeof(out) - used, "%s",
                                     m->kind == NODE_LIST ? "]" : "}");
        while (m->next == NULL && m->parent != p.message) {
            m = m->parent;
            if (m->kind == NODE_SECTION && out[used - 1] == ' ')
                used--;
            used += (size_t)snprintf(out + used, sizeof(out) - used, "%s",
                                     m->kind == NODE_LIST ? "]" : "}");
        }
        m = m->next;
    }
    if (used > 0 && out[used - 1] == ' ')
        out[used - 1] = '\0';
    tree_free(p.message);
    return out;
}

static inline void assert_received(int fd, const char *expected)
{
    assert_string_equal(received(fd), expected);
}

static inline void listen_to(int fd, const char *event)
{
    send_packet(fd, VICI_EVENT_REGISTER, event, NULL);
    assert_received(fd, "confirmed");
}

/* An engine event about IKE SA 3 and child net. */
static inline void happen(enum cv_event_kind kind, enum cv_err err)
{
    struct cv_effect fx = {.kind = CV_EVENT, .ike = 3, .conn = &home.cv};

    fx.u.event.kind = (uint8_t)kind;
    fx.u.event.err = err;
    fx.u.event.child = 7;
    fx.u.event.child_cfg = &net;
    d.ears->event(d.ears->ctx, &fx);
}

static inline int set_up(void **state)
{
    struct problem why;

    signal(SIGPIPE, SIG_IGN); /* as in the daemon: clients come and go */
    memset(&d, 0, sizeof(d));
    d.base = event_base_new();
    d.creds = creds_new();
    d.pools = pools_new();
    d.conns = &home;
    strcpy(dir, "/tmp/test_vici.XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/s", dir);
    server = vici_start(&d, path, &why);
    *state = server;
    return server == NULL;
}

static inline int tear_down(void **state)
{
    (void)state;
    vici_stop(server);
    pools_free(d.pools);
    creds_free(d.creds);
    event_base_free(d.base);
    return rmdir(dir); /* fails unless the socket is gone */
}

#define SERVER_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
