/* The VICI server with a daemon and an engine of the test's own: what it answers, when it
 * answers, and that no client can hold it up.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/log.h"
#include "daemon/mem.h"
#include "daemon/names.h"
#include "daemon/vici.h"
#include "daemon/vici_codec.h"

/* ---- a daemon -------------------------------------------------------------------- */

enum { SAS_MAX = 12000 };

struct daemon {
    struct event_base *base;
    struct listener *ears;
    struct creds *creds;
    struct pools *pools;
    struct conn *conns;
    uint64_t now_ms;
    /* the engine's part */
    unsigned n_ikes, n_children;
    struct cv_ike_info ike[SAS_MAX];
    struct cv_child_info child[4];
    /* what was asked of it */
    unsigned initiated, terminated, rekeyed;
    bool forced;
    void (*when_initiated)(void); /* events inside the call */
    bool resolves;                /* the IKE SA's number is not known yet */
};

static struct daemon d;
static struct vici *server;
static char dir[64], path[96];

struct event_base *daemon_base(struct daemon *any)
{
    return any->base;
}

struct cv_engine *daemon_engine(struct daemon *any)
{
    (void)any;
    return NULL;
}

struct creds *daemon_creds(struct daemon *any)
{
    return any->creds;
}

struct pools *daemon_pools(struct daemon *any)
{
    return any->pools;
}

uint64_t daemon_now_ms(const struct daemon *any)
{
    return any->now_ms;
}

uint64_t daemon_started_ms(const struct daemon *any)
{
    (void)any;
    return 0;
}

void daemon_pump(struct daemon *any)
{
    (void)any;
}

bool daemon_add_conn(struct daemon *any, struct conn *c, struct problem *why)
{
    (void)why;
    c->next = any->conns;
    any->conns = c;
    return true;
}

bool daemon_remove_conn(struct daemon *any, const char *name)
{
    (void)any;
    return strcmp(name, "home") == 0;
}

struct conn *daemon_first_conn(struct daemon *any)
{
    return any->conns;
}

void daemon_listen(struct daemon *any, struct listener *l)
{
    any->ears = l;
}

void daemon_unlisten(struct daemon *any, struct listener *l)
{
    if (any->ears == l)
        any->ears = NULL;
}

void daemon_log(struct daemon *any, int level, enum log_group group, uint32_t ike,
                const char *fmt, ...)
{
    char text[512];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (any->ears != NULL)
        any->ears->log(any->ears->ctx, level, group, ike, NULL, text);
}

const char *log_group_name(enum log_group g)
{
    return g == LOG_IKE ? "IKE" : "CFG";
}

const struct log_line *daemon_next_line(const struct daemon *any, uint64_t *at)
{
    static const struct log_line lines[] = {
        {.unix_ms = 7000,     .level = 1, .group = LOG_IKE, .ike = 3,          .conn = "home", .text = "a"},
        {.unix_ms = 8000,        .level = 3,                  .group = LOG_IKE,                    .text = "too fine"                   },
        {.unix_ms = 9000, .level = 0,           .group = LOG_CFG,.text = "b"},
    };

    (void)any;
    return *at < 3 ? &lines[(*at)++] : NULL;
}

bool daemon_reload(struct daemon *any, struct problem *why)
{
    (void)any;
    return problem_set(why, "t.conf:3: no");
}

bool daemon_initiate(struct daemon *any, const char *conn, const char *child, uint32_t *ike,
                     const struct cv_child_config **cfg, struct problem *why)
{
    assert_string_equal(conn, "home");
    if (any->initiated++ == 0 && any->when_initiated != NULL)
        any->when_initiated();
    *ike = any->resolves ? 0 : 3;
    *cfg = child != NULL ? any->conns->cv.children[0] : NULL;
    (void)why;
    return true;
}

/* ---- an engine --------------------------------------------------------------------- */

bool cv_ike_next(const struct cv_engine *e, uint32_t *at, struct cv_ike_info *out)
{
    (void)e;
    if (*at >= d.n_ikes)
        return false;
    *out = d.ike[(*at)++];
    return true;
}

bool cv_ike_info(const struct cv_engine *e, uint32_t ike, struct cv_ike_info *out)
{
    for (uint32_t at = 0; cv_ike_next(e, &at, out);)
        if (out->id == ike)
            return true;
    return false;
}

bool cv_child_next(const struct cv_engine *e, uint32_t ike, uint32_t *at,
                   struct cv_child_info *out)
{
    (void)e;
    while (*at < d.n_children) {
        *out = d.child[(*at)++];
        if (ike == 0 || out->ike == ike)
            return true;
    }
    return false;
}

bool cv_child_info(const struct cv_engine *e, uint32_t child, struct cv_child_info *out)
{
    for (uint32_t at = 0; cv_child_next(e, 0, &at, out);)
        if (out->id == child)
            return true;
    return false;
}

enum cv_err cv_terminate_ike(struct cv_engine *e, uint32_t ike, bool force, uint64_t now_ms)
{
    (void)e, (void)ike, (void)now_ms;
    d.terminated++;
    d.forced = force;
    return CV_OK;
}

enum cv_err cv_terminate_child(struct cv_engine *e, uint32_t child, bool force, uint64_t now_ms)
{
    return cv_terminate_ike(e, child, force, now_ms);
}

enum cv_err cv_rekey_ike(struct cv_engine *e, uint32_t ike, bool reauth, uint64_t now_ms)
{
    (void)e, (void)ike, (void)reauth, (void)now_ms;
    d.rekeyed++;
    return CV_OK;
}

enum cv_err cv_rekey_child(struct cv_engine *e, uint32_t child, uint64_t now_ms)
{
    return cv_rekey_ike(e, child, false, now_ms);
}

void cv_get_stats(const struct cv_engine *e, struct cv_stats *out)
{
    (void)e;
    *out = (struct cv_stats){.ike_sas = d.n_ikes, .ike_rekeyed = 5};
    out->errors[CV_ERR_REPLAY] = 2;
}

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

static struct cv_id id_of(const char *text)
{
    struct cv_id id;
    struct problem why;

    assert_true(id_parse(&id, text, &why));
    return id;
}

static struct cv_endpoint endpoint(const char *addr, uint16_t port)
{
    struct cv_endpoint e = {.port = port};

    assert_true(addr_parse(&e.addr, addr));
    return e;
}

static struct cv_ts_list selector(const char *text)
{
    struct cv_ts_list list = {.n = 1};
    struct cv_ts_config c;
    struct problem why;

    assert_true(ts_parse(&c, text, &why));
    list.ts[0] = c.ts;
    return list;
}

/* The same SA that charon showed when its keys and spellings were recorded. */
static void one_tunnel(void)
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

static void turn(void)
{
    for (unsigned i = 0; i < 20; i++)
        event_base_loop(d.base, EVLOOP_NONBLOCK);
}

static int client(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strcpy(at.sun_path, path);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    turn();
    return fd;
}

static void send_packet(int fd, enum vici_type type, const char *name, struct node *message)
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
static void command(int fd, const char *name, const char *arguments)
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
static bool receive_all(int fd, uint8_t *out, size_t n)
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
static const char *received(int fd)
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

static void assert_received(int fd, const char *expected)
{
    assert_string_equal(received(fd), expected);
}

static void listen_to(int fd, const char *event)
{
    send_packet(fd, VICI_EVENT_REGISTER, event, NULL);
    assert_received(fd, "confirmed");
}

/* An engine event about IKE SA 3 and child net. */
static void happen(enum cv_event_kind kind, enum cv_err err)
{
    struct cv_effect fx = {.kind = CV_EVENT, .ike = 3, .conn = &home.cv};

    fx.u.event.kind = (uint8_t)kind;
    fx.u.event.err = err;
    fx.u.event.child = 7;
    fx.u.event.child_cfg = &net;
    d.ears->event(d.ears->ctx, &fx);
}

static int set_up(void **state)
{
    struct problem why;

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

static int tear_down(void **state)
{
    (void)state;
    vici_stop(server);
    pools_free(d.pools);
    creds_free(d.creds);
    event_base_free(d.base);
    return rmdir(dir); /* fails unless the socket is gone */
}

/* ---- packets and clients ---------------------------------------------------------------- */

static void the_socket_is_for_its_owner_only(void **state)
{
    struct stat st;

    (void)state;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void a_socket_in_use_is_not_taken_over_and_a_stale_one_is(void **state)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct problem why = {0};
    struct vici *second;
    char stale[96];
    int fd;

    (void)state;
    assert_null(vici_start(&d, path, &why));
    assert_non_null(strstr(why.text, "another daemon"));
    snprintf(stale, sizeof(stale), "%s/t", dir);
    strcpy(at.sun_path, stale);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    close(fd);
    second = vici_start(&d, stale, &why);
    assert_non_null(second);
    vici_stop(second);
    assert_int_equal(access(stale, F_OK), -1);
    vici_stop(server);
    server = NULL;
    fd = open(path, O_CREAT | O_WRONLY, 0600);
    close(fd);
    assert_null(vici_start(&d, path, &why));
    assert_non_null(strstr(why.text, "not a socket"));
    unlink(path);
}

static void unknown_commands_and_events_are_answered_so(void **state)
{
    int fd = client();

    (void)state;
    command(fd, "make-coffee", "");
    assert_received(fd, "unknown command");
    send_packet(fd, VICI_EVENT_REGISTER, "coffee-ready", NULL);
    assert_received(fd, "unknown event");
    command(fd, "reload-settings", "");
    assert_received(fd, "answer success=no errmsg=t.conf:3: no");
    close(fd);
}

static void a_request_may_come_octet_by_octet_and_two_in_one_piece(void **state)
{
    static const uint8_t twice[] = {0, 0, 0, 5, 3, 3, 'l', 'o', 'g',
                                    0, 0, 0, 5, 4, 3, 'l', 'o', 'g'};
    int fd = client();

    (void)state;
    for (size_t i = 0; i < sizeof(twice) / 2; i++) {
        assert_received(fd, "(none)");
        assert_int_equal(write(fd, twice + i, 1), 1);
    }
    assert_received(fd, "confirmed");
    assert_int_equal(write(fd, twice, sizeof(twice)), sizeof(twice));
    assert_received(fd, "confirmed");
    assert_received(fd, "confirmed");
    close(fd);
}

static void a_client_that_sends_nonsense_is_disconnected_alone(void **state)
{
    static const char *const nonsense[] = {
        "\0\0\0\0......",         /* no type */
        "\0\x08\0\1......",       /* one octet more than a packet may have */
        "\xff\xff\xff\xff......", /* no room for anything */
        "\0\0\0\1\x09.....",      /* no such type */
        "\0\0\0\1\5.....",        /* a server's packet */
        "\0\0\0\4\0\1x\2..",      /* a section's end without its start */
    };
    int good = client();

    (void)state;
    for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
        int bad = client();

        assert_int_equal(write(bad, nonsense[i], 10), 10);
        assert_received(bad, "(closed)");
        close(bad);
    }
    command(good, "get-conns", "");
    assert_received(good, "answer conns[home ]");
    close(good);
}

static void the_number_of_clients_is_bounded(void **state)
{
    int fds[70], refused = 0;

    (void)state;
    for (unsigned i = 0; i < 70; i++) {
        fds[i] = client();
        refused += strcmp(received(fds[i]), "(closed)") == 0;
    }
    assert_int_equal(refused, 70 - 64);
    for (unsigned i = 0; i < 70; i++)
        close(fds[i]);
    turn();
    fds[0] = client();
    command(fds[0], "get-keys", "");
    assert_received(fds[0], "answer keys[]");
    close(fds[0]);
}

static void a_client_that_does_not_read_its_events_is_disconnected(void **state)
{
    char line[400];
    int slow = client(), other = client();
    unsigned n = 0;

    (void)state;
    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    listen_to(slow, "log");
    for (; n < 100000 && d.ears != NULL; n++) {
        daemon_log(&d, 1, LOG_IKE, 0, "%s", line);
        if (n % 1000 == 999)
            turn();
    }
    listen_to(other, "log");
    daemon_log(&d, 1, LOG_IKE, 0, "on we go");
    assert_received(other, "event log group=IKE level=1 msg=on we go");
    n = 0;
    while (strcmp(received(slow), "(closed)") != 0)
        n++;
    assert_in_range(n, 100, 20000); /* what was buffered, far from all */
    close(slow);
    close(other);
}

/* ---- lists --------------------------------------------------------------------------------
 */

static void list_sas_has_charons_keys_and_spellings(void **state)
{
    char expected[2048];
    int fd = client();

    (void)state;
    one_tunnel();
    listen_to(fd, "list-sa");
    command(fd, "list-sas", "");
    snprintf(expected, sizeof(expected), "event list-sa %s", one_tunnel_text);
    assert_received(fd, expected);
    assert_received(fd, "answer");
    close(fd);
}

static void list_sas_filters_by_name_and_number(void **state)
{
    static const struct {
        const char *arguments;
        bool listed;
    } cases[] = {
        {"ike=home",           true },
        {"ike=away",           false},
        {"ike-id=3",           true },
        {"ike-id=4",           false},
        {"child=net",          true },
        {"child=lan",          false},
        {"child-id=7",         true },
        {"child-id=8",         false},
        {"ike=home child=net", true }
    };
    int fd = client();

    (void)state;
    one_tunnel();
    listen_to(fd, "list-sa");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        command(fd, "list-sas", cases[i].arguments);
        if (cases[i].listed)
            assert_int_equal(strncmp(received(fd), "event", 5), 0);
        assert_received(fd, "answer");
    }
    command(fd, "list-sas", "ike-id=x");
    assert_received(fd, "answer success=no errmsg=ike-id and child-id are numbers");
    close(fd);
}

static void without_registration_a_list_is_only_its_end(void **state)
{
    int fd = client();

    (void)state;
    one_tunnel();
    command(fd, "list-sas", "");
    assert_received(fd, "answer");
    close(fd);
}

/* Many more octets than may be buffered: the list waits for its reader. */
static void a_long_list_waits_for_its_reader(void **state)
{
    unsigned n = 0;
    int fd = client();

    (void)state;
    one_tunnel();
    d.n_ikes = SAS_MAX;
    d.n_children = 0;
    for (unsigned i = 1; i < SAS_MAX; i++)
        d.ike[i] = d.ike[0];
    listen_to(fd, "list-sa");
    command(fd, "list-sas", "");
    while (strncmp(received(fd), "event list-sa", 13) == 0)
        n++;
    assert_int_equal(n, SAS_MAX);
    command(fd, "get-conns", "");
    assert_received(fd, "answer conns[home ]");
    close(fd);
}

static void connections_and_traps_are_listed(void **state)
{
    int fd = client();

    (void)state;
    listen_to(fd, "list-conn");
    command(fd, "list-conns", "");
    assert_received(
        fd, "event list-conn home{local_addrs[%any ]remote_addrs[10.77.2.2 ]version=IKEv2 "
            "reauth_time=0 rekey_time=14400 unique=UNIQUE_NO local-1{class=pre-shared key "
            "groups[]cert_policy[]certs[]cacerts[]}remote-1{class=public key "
            "groups[]cert_policy[]certs[]cacerts[]}children{net{mode=TUNNEL "
            "rekey_time=3600 rekey_bytes=0 rekey_packets=0 dpd_action=none "
            "close_action=none local-ts[dynamic ]remote-ts[dynamic ]}}}");
    assert_received(fd, "answer");
    listen_to(fd, "list-policy");
    command(fd, "list-policies", "trap=yes");
    assert_received(fd, "event list-policy home/net{child=net ike=home mode=TUNNEL "
                        "local-ts[dynamic ]remote-ts[dynamic ]}");
    assert_received(fd, "answer");
    command(fd, "list-policies", "drop=yes");
    assert_received(fd, "answer");
    close(fd);
}

static void remembered_log_lines_come_with_their_time(void **state)
{
    int fd = client();

    (void)state;
    listen_to(fd, "log");
    command(fd, "get-log", "");
    assert_received(fd, "event log group=IKE level=1 ikesa-name=home ikesa-uniqueid=3 msg=a "
                        "time=7");
    assert_received(fd, "event log group=CFG level=0 msg=b time=9");
    assert_received(fd, "answer");
    close(fd);
}

/* ---- initiate
 * -------------------------------------------------------------------------------- */

static void initiate_answers_when_the_child_is_up(void **state)
{
    int fd = client();

    (void)state;
    one_tunnel();
    d.n_children = 0;
    command(fd, "initiate", "child=net");
    assert_received(fd, "(none)");
    happen(CV_EV_IKE_UP, CV_OK);
    assert_received(fd, "(none)");
    happen(CV_EV_CHILD_UP, CV_OK);
    assert_received(fd, "answer success=yes");
    happen(CV_EV_CHILD_UP, CV_OK);
    assert_received(fd, "(none)");
    close(fd);
}

static void initiate_answers_why_it_failed(void **state)
{
    int fd = client();

    (void)state;
    one_tunnel();
    d.n_children = 0;
    command(fd, "initiate", "child=net ike=home");
    happen(CV_EV_CHILD_FAILED, CV_ERR_NO_PROPOSAL);
    assert_received(fd, "answer success=no errmsg=establishing CHILD_SA 'net' failed: no "
                        "acceptable proposal");
    command(fd, "initiate", "child=net");
    happen(CV_EV_IKE_DOWN, CV_ERR_PEER_SILENT);
    assert_received(fd,
                    "answer success=no errmsg=establishing CHILD_SA 'net' failed: no answer "
                    "after the last retransmission");
    command(fd, "initiate", "child=lan");
    assert_received(fd, "answer success=no errmsg=CHILD_SA config 'lan' not found");
    command(fd, "initiate", "ike=away");
    assert_received(fd, "answer success=no errmsg=IKE_SA config 'away' not found");
    command(fd, "initiate", "child=net timeout=soon");
    assert_received(fd,
                    "answer success=no errmsg=timeout or loglevel is not a number in range");
    close(fd);
}

static void fail_at_once(void)
{
    happen(CV_EV_IKE_DOWN, CV_ERR_FULL);
}

static void an_event_inside_the_call_is_not_missed(void **state)
{
    int fd = client();

    (void)state;
    d.when_initiated = fail_at_once;
    command(fd, "initiate", "child=net");
    assert_received(fd,
                    "answer success=no errmsg=establishing CHILD_SA 'net' failed: a table is "
                    "full");
    close(fd);
}

static void initiate_waits_while_the_peers_name_is_resolved(void **state)
{
    int fd = client();

    (void)state;
    d.resolves = true;
    command(fd, "initiate", "child=net");
    assert_received(fd, "(none)");
    happen(CV_EV_CHILD_UP, CV_OK);
    assert_received(fd, "answer success=yes");
    close(fd);
}

static void initiate_gives_up_when_time_is_out(void **state)
{
    int fd = client();

    (void)state;
    one_tunnel();
    d.n_children = 0;
    command(fd, "initiate", "child=net timeout=1");
    while (event_base_loop(d.base, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY) == 0 &&
           recv(fd, (char[1]){0}, 1, MSG_PEEK) < 0)
        ;
    assert_received(fd, "answer success=no errmsg=CHILD_SA 'net' not established after 1ms");
    command(fd, "initiate", "child=net timeout=-1");
    assert_received(fd, "answer success=yes");
    close(fd);
}

static void a_child_that_is_up_is_not_started_again(void **state)
{
    int fd = client();

    (void)state;
    one_tunnel();
    command(fd, "initiate", "child=net");
    assert_received(fd, "answer success=yes");
    command(fd, "initiate", "ike=home");
    assert_received(fd, "answer success=yes");
    assert_int_equal(d.initiated, 1); /* the second: the engine knows that it is up */
    close(fd);
}

static void a_connection_for_any_peer_is_not_up_because_one_is(void **state)
{
    struct conn any = home;
    int fd = client();

    (void)state;
    one_tunnel();
    any.n_remote_hosts = 0;
    d.conns = &any;
    command(fd, "initiate", "child=net timeout=-1");
    assert_received(fd, "answer success=yes");
    assert_int_equal(d.initiated, 1);
    close(fd);
    turn();
}

static void log_lines_about_the_sa_come_while_waiting(void **state)
{
    int fd = client();

    (void)state;
    one_tunnel();
    d.n_children = 0;
    listen_to(fd, "control-log");
    command(fd, "initiate", "child=net loglevel=1");
    daemon_log(&d, 1, LOG_IKE, 3, "ours");
    daemon_log(&d, 2, LOG_IKE, 3, "too fine");
    daemon_log(&d, 1, LOG_IKE, 4, "another SA's");
    happen(CV_EV_CHILD_UP, CV_OK);
    daemon_log(&d, 1, LOG_IKE, 3, "too late");
    assert_received(fd, "event control-log group=IKE level=1 ikesa-uniqueid=3 msg=ours");
    assert_received(fd, "answer success=yes");
    assert_received(fd, "(none)");
    close(fd);
}

static void the_next_command_waits_for_the_answer(void **state)
{
    int fd = client();

    (void)state;
    one_tunnel();
    d.n_children = 0;
    command(fd, "initiate", "child=net");
    command(fd, "get-conns", "");
    assert_received(fd, "(none)");
    happen(CV_EV_CHILD_UP, CV_OK);
    assert_received(fd, "answer success=yes");
    assert_received(fd, "answer conns[home ]");
    close(fd);
}

static void a_client_may_leave_while_its_command_waits(void **state)
{
    int fd = client();

    (void)state;
    one_tunnel();
    d.n_children = 0;
    command(fd, "initiate", "child=net");
    close(fd);
    happen(CV_EV_CHILD_UP, CV_OK);
    turn();
    happen(CV_EV_CHILD_UP, CV_OK);
}

/* ---- terminate and rekey
 * ------------------------------------------------------------------------ */

static void terminate_answers_when_the_sas_are_gone(void **state)
{
    int fd = client();

    (void)state;
    one_tunnel();
    command(fd, "terminate", "ike=home");
    assert_received(fd, "(none)");
    happen(CV_EV_CHILD_DOWN, CV_ERR_DELETED_LOCALLY);
    assert_received(fd, "(none)");
    happen(CV_EV_IKE_DOWN, CV_ERR_DELETED_LOCALLY);
    assert_received(fd, "answer success=yes matches=1 terminated=1");
    assert_int_equal(d.terminated, 1);
    close(fd);
}

static void a_child_is_gone_with_its_ike_sa(void **state)
{
    int fd = client();

    (void)state;
    one_tunnel();
    command(fd, "terminate", "child=net force=yes");
    assert_true(d.forced);
    happen(CV_EV_IKE_DOWN, CV_ERR_PEER_SILENT);
    assert_received(fd, "answer success=yes matches=1 terminated=1");
    close(fd);
}

static void terminate_needs_a_selector_that_matches(void **state)
{
    int fd = client();

    (void)state;
    one_tunnel();
    command(fd, "terminate", "");
    assert_received(fd, "answer success=no errmsg=missing terminate selector");
    command(fd, "terminate", "child-id=8");
    assert_received(fd, "answer success=no matches=0 terminated=0 errmsg=no matching SAs to "
                        "terminate found");
    command(fd, "terminate", "ike=home timeout=-1");
    assert_received(fd, "answer success=yes matches=1 terminated=0");
    close(fd);
}

static void rekey_answers_how_many_it_began(void **state)
{
    int fd = client();

    (void)state;
    one_tunnel();
    command(fd, "rekey", "child=net");
    assert_received(fd, "answer success=yes matches=1");
    command(fd, "rekey", "ike-id=3 reauth=yes");
    assert_received(fd, "answer success=yes matches=1");
    command(fd, "rekey", "ike=away");
    assert_received(fd, "answer success=no matches=0 errmsg=no matching SAs to rekey found");
    assert_int_equal(d.rekeyed, 2);
    close(fd);
}

/* ---- events
 * ------------------------------------------------------------------------------------- */

static void updown_events_carry_the_sa(void **state)
{
    char expected[2048];
    int fd = client();

    (void)state;
    one_tunnel();
    listen_to(fd, "child-updown");
    happen(CV_EV_CHILD_UP, CV_OK);
    snprintf(expected, sizeof(expected), "event child-updown up=yes %s", one_tunnel_text);
    assert_received(fd, expected);
    happen(CV_EV_CHILD_DOWN, CV_ERR_DELETED_BY_PEER);
    snprintf(expected, sizeof(expected), "event child-updown %s", one_tunnel_text);
    assert_received(fd, expected);
    send_packet(fd, VICI_EVENT_UNREGISTER, "child-updown", NULL);
    assert_received(fd, "confirmed");
    happen(CV_EV_CHILD_UP, CV_OK);
    assert_received(fd, "(none)");
    close(fd);
}

static void rekey_and_update_events_carry_old_and_new(void **state)
{
    const char *got;
    int fd = client();

    (void)state;
    one_tunnel();
    listen_to(fd, "ike-rekey");
    listen_to(fd, "child-rekey");
    listen_to(fd, "ike-update");
    happen(CV_EV_IKE_REKEYED, CV_OK);
    got = received(fd);
    assert_non_null(strstr(got, "event ike-rekey home{old{uniqueid=3 "));
    assert_non_null(strstr(got, "}new{}}")); /* the engine of this test has no second SA */
    happen(CV_EV_CHILD_REKEYED, CV_OK);
    got = received(fd);
    assert_non_null(strstr(got, "event child-rekey home{uniqueid=3 "));
    assert_non_null(strstr(got, "child-sas{net-7{old{name=net uniqueid=7 "));
    assert_non_null(strstr(got, "}new{name=net uniqueid=0}}}}"));
    happen(CV_EV_IKE_MOVED, CV_OK);
    got = received(fd);
    assert_non_null(strstr(got, "event ike-update local-host="));
    assert_non_null(strstr(got, "remote-port=0 home{uniqueid=3 "));
    close(fd);
}

static void failures_and_attacks_are_alerts(void **state)
{
    int fd = client();

    (void)state;
    listen_to(fd, "alert");
    happen(CV_EV_ALARM, CV_ERR_REPLAY);
    assert_received(fd, "event alert type=DATA_PLANE reason=replay msg=sequence number seen "
                        "before or left of the window ikesa{home{}}");
    happen(CV_EV_IKE_DOWN, CV_ERR_DELETED_BY_PEER);
    assert_received(fd, "(none)");
    close(fd);
}

/* ---- what clients load
 * ---------------------------------------------------------------------------- */

static void secrets_are_loaded_listed_and_unloaded(void **state)
{
    struct node *message = tree_new(), *owners;
    struct cv_id a = id_of("a"), b = id_of("b");
    struct cv_span secret;
    int fd = client();

    (void)state;
    tree_add_value(message, "id", "ike-1");
    tree_add_value(message, "type", "ike");
    tree_add_bytes(message, "data", "\0x", 2);
    owners = tree_add_list(message, "owners");
    tree_add_item(owners, "a");
    tree_add_item(owners, "b");
    send_packet(fd, VICI_CMD_REQUEST, "load-shared", message);
    assert_received(fd, "answer success=yes");
    assert_int_equal(creds_psk(d.creds, &a, &b, &secret), CV_OK);
    assert_int_equal(secret.n, 2);
    command(fd, "get-shared", "");
    assert_received(fd, "answer keys[ike-1 ]");
    command(fd, "unload-shared", "id=ike-1");
    assert_received(fd, "answer success=yes");
    assert_int_equal(creds_psk(d.creds, &a, &b, &secret), CV_ERR_NO_CREDENTIAL);
    command(fd, "unload-shared", "id=ike-1");
    assert_received(fd,
                    "answer success=no errmsg=no shared key with unique identifier 'ike-1'");
    command(fd, "load-shared", "type=ntlm data=x");
    assert_received(fd,
                    "answer success=no errmsg=shared keys of type 'ntlm' are not implemented");
    close(fd);
}

/* A reload of the daemon's file clears and loads what is the file's. */
static void a_client_clears_only_what_clients_have_loaded(void **state)
{
    struct cv_id file = id_of("file"), any = id_of("other"), here = id_of("here");
    struct cv_span secret;
    struct problem why;
    int fd = client();

    (void)state;
    assert_true(creds_add_shared(d.creds, SHARED_IKE, "s", &file, 1, span("f", 1), &why));
    command(fd, "load-shared", "id=s type=IKE data=client");
    assert_received(fd, "answer success=yes");
    assert_int_equal(creds_psk(d.creds, &here, &file, &secret), CV_OK);
    assert_int_equal(secret.n, 1);
    assert_int_equal(creds_psk(d.creds, &here, &any, &secret), CV_OK);
    assert_int_equal(secret.n, 6);
    creds_clear(d.creds);
    assert_int_equal(creds_psk(d.creds, &here, &any, &secret), CV_OK);
    assert_true(creds_add_shared(d.creds, SHARED_IKE, "s", &file, 1, span("f", 1), &why));
    command(fd, "clear-creds", "");
    assert_received(fd, "answer success=yes");
    assert_int_equal(creds_psk(d.creds, &here, &file, &secret), CV_OK);
    assert_int_equal(creds_psk(d.creds, &here, &any, &secret), CV_ERR_NO_CREDENTIAL);
    close(fd);
}

static void what_is_not_implemented_says_so(void **state)
{
    int fd = client();

    (void)state;
    command(fd, "redirect", "ike=home gateway=10.0.0.1");
    assert_received(fd, "answer success=no errmsg=redirecting IKE SAs (RFC 5685) is not "
                        "implemented");
    command(fd, "load-cert", "type=X509_AC data=x");
    assert_received(fd, "answer success=no errmsg=certificates of type 'X509_AC' are not "
                        "implemented");
    command(fd, "load-token", "handle=01");
    assert_received(fd, "answer success=no errmsg=keys on tokens are not implemented");
    close(fd);
}

#define SERVER_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER_TEST(the_socket_is_for_its_owner_only),
        SERVER_TEST(a_socket_in_use_is_not_taken_over_and_a_stale_one_is),
        SERVER_TEST(unknown_commands_and_events_are_answered_so),
        SERVER_TEST(a_request_may_come_octet_by_octet_and_two_in_one_piece),
        SERVER_TEST(a_client_that_sends_nonsense_is_disconnected_alone),
        SERVER_TEST(the_number_of_clients_is_bounded),
        SERVER_TEST(a_client_that_does_not_read_its_events_is_disconnected),
        SERVER_TEST(list_sas_has_charons_keys_and_spellings),
        SERVER_TEST(list_sas_filters_by_name_and_number),
        SERVER_TEST(without_registration_a_list_is_only_its_end),
        SERVER_TEST(a_long_list_waits_for_its_reader),
        SERVER_TEST(connections_and_traps_are_listed),
        SERVER_TEST(remembered_log_lines_come_with_their_time),
        SERVER_TEST(initiate_answers_when_the_child_is_up),
        SERVER_TEST(initiate_answers_why_it_failed),
        SERVER_TEST(an_event_inside_the_call_is_not_missed),
        SERVER_TEST(initiate_waits_while_the_peers_name_is_resolved),
        SERVER_TEST(initiate_gives_up_when_time_is_out),
        SERVER_TEST(a_child_that_is_up_is_not_started_again),
        SERVER_TEST(a_connection_for_any_peer_is_not_up_because_one_is),
        SERVER_TEST(log_lines_about_the_sa_come_while_waiting),
        SERVER_TEST(the_next_command_waits_for_the_answer),
        SERVER_TEST(a_client_may_leave_while_its_command_waits),
        SERVER_TEST(terminate_answers_when_the_sas_are_gone),
        SERVER_TEST(a_child_is_gone_with_its_ike_sa),
        SERVER_TEST(terminate_needs_a_selector_that_matches),
        SERVER_TEST(rekey_answers_how_many_it_began),
        SERVER_TEST(updown_events_carry_the_sa),
        SERVER_TEST(rekey_and_update_events_carry_old_and_new),
        SERVER_TEST(failures_and_attacks_are_alerts),
        SERVER_TEST(secrets_are_loaded_listed_and_unloaded),
        SERVER_TEST(a_client_clears_only_what_clients_have_loaded),
        SERVER_TEST(what_is_not_implemented_says_so),
    };

    signal(SIGPIPE, SIG_IGN); /* as in the daemon: clients come and go */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
