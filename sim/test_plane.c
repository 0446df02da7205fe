/* IKE with a data plane that is not the engine's: what it is told, in which order and with
 * which keys, what becomes of its refusals, and what it may tell in its turn.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/check.h"

#include <culvert/plane.h>

#include "ipsec/ipsec.h"
#include "sim/crypto.h"
#include "sim/duo.h"

enum { PAIRS = 16, LOG_MAX = 512, KEY_MAX = CV_CIPHER_KEY_MAX + CV_INTEG_KEY_MAX };

struct pair {
    bool installed;
    struct cv_pair_config cfg; /* with keys that are: */
    uint8_t key_in[KEY_MAX], key_out[KEY_MAX];
    struct cv_pair_counters count;
    size_t mtu;
};

/* A plane that writes down what it is asked to do. */
struct recorder {
    struct pair pair[PAIRS];
    char log[LOG_MAX];
    enum cv_err refuse; /* the next install */
    bool lost;          /* asked about a pair that is not there */
};

static void write_down(struct recorder *r, const char *what, uint32_t i)
{
    const size_t n = strlen(r->log);

    snprintf(r->log + n, sizeof(r->log) - n, "%s%s %u", n > 0 ? ", " : "", what, (unsigned)i);
}

static struct pair *installed(struct recorder *r, uint32_t i)
{
    if (i >= PAIRS || !r->pair[i].installed)
        r->lost = true;
    return &r->pair[i % PAIRS];
}

static enum cv_err rec_install(void *ctx, uint32_t i, const struct cv_pair_config *cfg,
                               uint64_t now_ms)
{
    struct recorder *r = ctx;
    struct pair *p = &r->pair[i % PAIRS];
    const enum cv_err refuse = r->refuse;

    (void)now_ms;
    r->refuse = CV_OK;
    write_down(r, refuse == CV_OK ? "install" : "refuse", i);
    if (refuse != CV_OK)
        return refuse;
    r->lost = r->lost || p->installed || i >= PAIRS || cfg->key_in.n > KEY_MAX ||
              cfg->key_out.n > KEY_MAX;
    *p = (struct pair){.installed = true, .cfg = *cfg};
    memcpy(p->key_in, cfg->key_in.p, cfg->key_in.n);
    memcpy(p->key_out, cfg->key_out.p, cfg->key_out.n);
    p->cfg.key_in.p = p->key_in;
    p->cfg.key_out.p = p->key_out;
    return CV_OK;
}

static void rec_remove(void *ctx, uint32_t i)
{
    write_down(ctx, "remove", i);
    installed(ctx, i)->installed = false;
}

static void rec_use_out(void *ctx, uint32_t i)
{
    (void)installed(ctx, i);
    write_down(ctx, "use", i);
}

static void rec_stop_out(void *ctx, uint32_t i)
{
    (void)installed(ctx, i);
    write_down(ctx, "stop", i);
}

static void rec_move(void *ctx, uint32_t i, const struct cv_pair_path *path)
{
    struct pair *p = installed(ctx, i);

    write_down(ctx, "move", i);
    p->cfg.local = path->local;
    p->cfg.remote = path->remote;
    p->cfg.encap = path->encap;
    p->cfg.fixed_remote = path->fixed_remote;
}

static void rec_learn_mtu(void *ctx, uint32_t i, size_t mtu, uint64_t now_ms)
{
    (void)now_ms;
    installed(ctx, i)->mtu = mtu;
}

static const struct cv_pair_counters *rec_counters(void *ctx, uint32_t i)
{
    struct recorder *r = ctx;

    return &r->pair[i % PAIRS].count;
}

static void rec_ts(void *ctx, uint32_t i, struct cv_ts_list *local, struct cv_ts_list *remote)
{
    struct recorder *r = ctx;

    *local = r->pair[i % PAIRS].cfg.local_ts;
    *remote = r->pair[i % PAIRS].cfg.remote_ts;
}

static bool meets(const struct cv_ts_list *list, const struct cv_ts *ts, bool last)
{
    for (unsigned i = 0; i < list->n; i++) {
        const struct cv_ts *t = &list->ts[i];
        const uint8_t *at = last ? ts->hi : ts->lo;

        if (t->family == ts->family && memcmp(t->lo, at, sizeof(t->lo)) <= 0 &&
            memcmp(at, t->hi, sizeof(t->hi)) <= 0)
            return true;
    }
    return false;
}

static bool rec_find_out(void *ctx, const struct cv_ts *local, const struct cv_ts *remote,
                         bool last, uint32_t *i)
{
    const struct recorder *r = ctx;

    for (*i = 0; *i < PAIRS; (*i)++) {
        const struct pair *p = &r->pair[*i];

        if (p->installed && meets(&p->cfg.local_ts, local, last) &&
            meets(&p->cfg.remote_ts, remote, last))
            return true;
    }
    return false;
}

static bool rec_has_spi(void *ctx, uint32_t spi_in)
{
    const struct recorder *r = ctx;

    for (unsigned i = 0; i < PAIRS; i++) {
        if (r->pair[i].installed && r->pair[i].cfg.spi_in == spi_in)
            return true;
    }
    return false;
}

static const struct cv_plane recording = {
    .install = rec_install,
    .remove = rec_remove,
    .use_out = rec_use_out,
    .stop_out = rec_stop_out,
    .move = rec_move,
    .learn_mtu = rec_learn_mtu,
    .counters = rec_counters,
    .ts = rec_ts,
    .find_out = rec_find_out,
    .has_spi = rec_has_spi,
};

/* ---- two hosts with such planes -------------------------------------------------------- */

struct planes {
    struct duo *d;
    struct recorder dev, gw;
};

static struct planes *begin(uint64_t seed)
{
    struct planes *t = sim_alloc(sizeof(*t));

    t->d = duo_new(seed);
    t->d->dev->settings.plane = t->d->gw->settings.plane = &recording;
    t->d->dev->settings.plane_ctx = &t->dev;
    t->d->gw->settings.plane_ctx = &t->gw;
    return t;
}

static void connect_both(struct planes *t)
{
    duo_start(t->d);
    t->d->ike = host_initiate(t->d->dev, &t->d->dev_conn, 0, t->d->gw);
    assert_true(duo_settles(t->d, 5000, 1, 1));
    assert_string_equal(t->dev.log, "install 0, use 0");
    assert_string_equal(t->gw.log, "install 0, use 0");
    t->dev.log[0] = t->gw.log[0] = '\0';
}

static void end(struct planes *t)
{
    assert_false(t->dev.lost || t->gw.lost);
    assert_true(duo_free(t->d));
    free(t);
}

/* What is sealed by what one recorder was given opens by what the other was given. */
struct real {
    struct ipsec *p;
    void *mem;
};

static struct real real_plane(const struct pair *pair)
{
    static const uint64_t seed[2] = {1, 2};
    struct arena count = {.cap = SIZE_MAX}, a;
    struct real real;

    assert_null(ipsec_init(&count, 1, 0, &cv_crypto_openssl, seed));
    real.mem = sim_alloc(count.used);
    a = (struct arena){.p = real.mem, .cap = count.used};
    real.p = ipsec_init(&a, 1, 0, &cv_crypto_openssl, seed);
    assert_int_equal(ipsec_install(real.p, 0, &pair->cfg, 1), CV_OK);
    ipsec_use_out(real.p, 0);
    return real;
}

static void end_real(struct real *real)
{
    ipsec_close(real->p);
    free(real->mem);
}

static void check_carries(struct planes *t, const struct pair *from, const struct pair *to,
                          const struct host *by)
{
    struct real one = real_plane(from), other = real_plane(to);
    const struct cv_addr *src = &by->inner[0];
    const struct cv_addr *dst = &(by == t->d->dev ? t->d->gw : t->d->dev)->inner[0];
    uint8_t buf[CV_HEADROOM + 28 + CV_TAILROOM] = {0}, *ip = buf + CV_HEADROOM;
    struct cv_packet pkt = {.buf = buf, .cap = sizeof(buf), .off = CV_HEADROOM, .len = 28};
    struct ipsec_way way;

    ip_put_head(ip, &(struct ip_head){.src = *src, .dst = *dst, .proto = 17, .ttl = 9}, 8);
    ipsec_out(one.p, &pkt, 1, &way);
    assert_int_equal(pkt.err, CV_OK);
    assert_int_equal(pkt.verdict, CV_TRANSMIT);
    ipsec_in(other.p, &pkt, 1, &way);
    assert_int_equal(pkt.err, CV_OK);
    assert_int_equal(pkt.verdict, CV_DELIVER);
    end_real(&one);
    end_real(&other);
}

static void check_match(struct planes *t, unsigned dev_pair, unsigned gw_pair)
{
    const struct pair *a = &t->dev.pair[dev_pair], *b = &t->gw.pair[gw_pair];

    assert_int_equal(a->cfg.spi_out, b->cfg.spi_in);
    assert_int_equal(b->cfg.spi_out, a->cfg.spi_in);
    assert_int_equal(a->cfg.key_in.n, 20); /* AES-128-GCM and its salt */
    assert_memory_equal(a->key_in, b->key_out, KEY_MAX);
    assert_memory_equal(a->key_out, b->key_in, KEY_MAX);
    assert_memory_not_equal(a->key_out, a->key_in, 20);
    check_carries(t, a, b, t->d->dev);
    check_carries(t, b, a, t->d->gw);
}

static void a_child_comes_up_in_the_plane_of_the_host(void **state)
{
    struct planes *t = begin(1);
    struct cv_child_info info;

    (void)state;
    connect_both(t);
    check_match(t, 0, 0);
    t->dev.pair[0].count.bytes_in = 77;
    info = host_child_info(t->d->dev, host_child(t->d->dev));
    assert_int_equal(t->dev.pair[0].cfg.id, info.id);
    assert_int_equal(t->dev.pair[0].cfg.spi_in, info.spi_in);
    assert_int_equal(t->dev.pair[0].cfg.protocol, CV_PROTO_ESP);
    assert_int_equal(info.bytes_in, 77);
    assert_memory_equal(&info.local_ts, &t->dev.pair[0].cfg.local_ts, sizeof(info.local_ts));
    end(t);
}

/* Whoever starts uses the new pair at once, whoever answers when the peer does, or when it
 * deletes the old one.  The old one takes what is still on its way for a while. */
static void a_rekey_installs_uses_stops_and_removes(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct planes *t = begin(i + 1);
        struct host *by = i == 0 ? t->d->dev : t->d->gw;
        struct recorder *starts = i == 0 ? &t->dev : &t->gw;
        struct recorder *answers = i == 0 ? &t->gw : &t->dev;
        uint8_t before[KEY_MAX];

        connect_both(t);
        memcpy(before, t->dev.pair[0].key_in, sizeof(before));
        host_rekey_child(by, host_child(by));
        assert_true(duo_settles(t->d, 20000, 1, 1));
        assert_string_equal(starts->log, "install 1, use 1, stop 0, remove 0");
        assert_string_equal(answers->log, "install 1, use 1, stop 0, remove 0");
        assert_memory_not_equal(before, t->dev.pair[1].key_in, 20);
        check_match(t, 1, 1);
        end(t);
    }
}

static void rekeying_the_ike_sa_touches_no_pair(void **state)
{
    struct planes *t = begin(1);

    (void)state;
    connect_both(t);
    host_rekey_ike(t->d->dev, t->d->ike);
    assert_true(duo_settles(t->d, 60000, 1, 1));
    assert_int_equal(t->d->dev->saw[CV_EV_IKE_REKEYED], 1);
    assert_string_equal(t->dev.log, "");
    assert_string_equal(t->gw.log, "");
    end(t);
}

static void deleted_children_leave_the_plane(void **state)
{
    struct planes *t = begin(1);

    (void)state;
    connect_both(t);
    host_delete_child(t->d->dev, host_child(t->d->dev));
    assert_true(duo_settles(t->d, 1000, 1, 0));
    assert_string_equal(t->dev.log, "stop 0, remove 0");
    assert_string_equal(t->gw.log, "stop 0, remove 0");
    end(t);
}

static void an_engine_that_closes_leaves_no_pair(void **state)
{
    struct planes *t = begin(1);

    (void)state;
    connect_both(t);
    host_stop(t->d->dev);
    assert_string_equal(t->dev.log, "remove 0");
    end(t);
}

/* ---- refusals -------------------------------------------------------------------------- */

/* Only this side knows why, and says it; the peer is asked to delete what it has. */
static void a_child_that_the_plane_refuses_does_not_come_up(void **state)
{
    static const enum cv_err why[] = {CV_ERR_FULL, CV_ERR_UNSUPPORTED, CV_ERR_ARGUMENT};

    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        struct planes *t = begin(i + 1);
        struct duo *d = t->d;
        struct host *refuses = i % 2 == 0 ? d->dev : d->gw;
        struct recorder *r = i % 2 == 0 ? &t->dev : &t->gw;

        r->refuse = why[i / 2];
        duo_start(d);
        d->ike = host_initiate(d->dev, &d->dev_conn, 0, d->gw);
        assert_true(duo_settles(d, 20000, 1, 0));
        assert_int_equal(refuses->saw[CV_EV_CHILD_UP], 0);
        assert_int_equal(host_errors(refuses, why[i / 2]), 1);
        if (refuses == d->dev)
            assert_int_equal(host_last(d->dev, CV_EV_CHILD_FAILED)->err, why[i / 2]);
        assert_string_equal(r->log, "refuse 0");
        end(t);
    }
}

/* The initiator takes the new one back before it deletes the old one; the responder refuses
 * before it has answered anything else (test_no_room.c). */
static void a_rekey_that_the_plane_refuses_leaves_the_old_pair(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct planes *t = begin(i + 1);
        struct host *dev = t->d->dev;
        struct recorder *r = i == 0 ? &t->dev : &t->gw;

        connect_both(t);
        r->refuse = CV_ERR_FULL;
        host_rekey_child(dev, host_child(dev));
        assert_true(duo_settles(t->d, 1500, 1, 1));
        assert_int_equal(host_errors(i == 0 ? dev : t->d->gw, CV_ERR_FULL), 1);
        assert_true(t->dev.pair[0].installed && t->gw.pair[0].installed);
        assert_false(t->dev.pair[1].installed || t->gw.pair[1].installed);
        end(t);
    }
}

/* ---- what it notices ------------------------------------------------------------------- */

static enum cv_err notice(struct host *h, uint32_t child, unsigned notices,
                          const struct cv_endpoint *remote)
{
    enum cv_err err = cv_plane_noticed(h->engine, child, notices, remote, world_now(h->world));

    host_drain(h);
    return err;
}

static void limits_lead_to_a_rekey_and_to_the_end(void **state)
{
    struct planes *t = begin(1);
    struct host *gw = t->d->gw;

    (void)state;
    connect_both(t);
    assert_int_equal(notice(gw, host_child(gw), CV_NOTICE_SOFT_LIMIT, NULL), CV_OK);
    assert_true(duo_settles(t->d, 20000, 1, 1));
    assert_int_equal(gw->saw[CV_EV_CHILD_REKEYED], 1);
    assert_int_equal(notice(gw, host_child(gw), CV_NOTICE_HARD_LIMIT, NULL), CV_OK);
    assert_true(duo_settles(t->d, 5000, 1, 0));
    assert_int_equal(host_last(gw, CV_EV_CHILD_DOWN)->err, CV_ERR_LIFETIME);
    assert_int_equal(
        notice(gw, host_last(gw, CV_EV_CHILD_DOWN)->child, CV_NOTICE_FIRST_IN, NULL),
        CV_ERR_NOT_FOUND);
    end(t);
}

/* The old Child SA's delete is lost: the first packet alone says that the peer has the new one.
 */
static void the_first_packet_turns_the_answering_side_to_the_new_pair(void **state)
{
    struct planes *t = begin(1);
    struct duo *d = t->d;

    (void)state;
    connect_both(t);
    host_rekey_child(d->dev, host_child(d->dev));
    world_run(d->w, 15);
    world_hold(d->w, d->dev);
    world_run(d->w, 100);
    assert_string_equal(t->gw.log, "install 1");
    assert_int_equal(notice(d->gw, t->gw.pair[1].cfg.id, CV_NOTICE_SOFT_LIMIT, NULL), CV_OK);
    assert_string_equal(t->gw.log, "install 1"); /* that proves nothing */
    assert_int_equal(notice(d->gw, t->gw.pair[1].cfg.id, CV_NOTICE_FIRST_IN, NULL), CV_OK);
    assert_string_equal(t->gw.log, "install 1, use 1");
    world_release(d->w);
    assert_true(duo_settles(d, 20000, 1, 1));
    end(t);
}

static void a_peer_that_moved_is_followed(void **state)
{
    struct planes *t = begin(1);
    struct host *gw = t->d->gw;
    struct cv_endpoint to = {recipe_v4(198, 51, 100, 7), 4711};
    struct cv_ike_info info;

    (void)state;
    connect_both(t);
    assert_int_equal(notice(gw, host_child(gw), CV_NOTICE_MOVED, NULL), CV_ERR_ARGUMENT);
    assert_string_equal(t->gw.log, "");
    assert_int_equal(notice(gw, host_child(gw), CV_NOTICE_MOVED, &to), CV_OK);
    assert_string_equal(t->gw.log, "move 0");
    assert_memory_equal(&t->gw.pair[0].cfg.remote, &to, sizeof(to));
    info = host_ike_info(gw, host_ike(gw));
    assert_memory_equal(&info.remote, &to, sizeof(to));
    assert_int_equal(gw->saw[CV_EV_IKE_MOVED], 1);
    end(t);
}

/* ---- and the engine's own -------------------------------------------------------------- */

static void packets_have_nothing_to_do_here(void **state)
{
    struct planes *t = begin(1);
    struct host *dev = t->d->dev;
    const struct cv_policy policy = {.action = CV_POLICY_DISCARD, .directions = CV_BOTH};
    uint8_t buf[200] = {0x45};
    struct cv_packet pkt = {.buf = buf, .cap = sizeof(buf), .off = 96, .len = 20};
    uint32_t number;

    (void)state;
    connect_both(t);
    cv_output(dev->engine, &pkt, 1, world_now(t->d->w));
    assert_int_equal(pkt.verdict, CV_DROP);
    assert_int_equal(pkt.err, CV_ERR_UNSUPPORTED);
    pkt.carrier = CV_RAW_ESP;
    cv_input(dev->engine, &pkt, 1, world_now(t->d->w));
    assert_int_equal(pkt.err, CV_ERR_UNSUPPORTED);
    cv_clear(dev->engine, &pkt, 1, world_now(t->d->w));
    assert_int_equal(pkt.err, CV_ERR_UNSUPPORTED);
    assert_int_equal(host_errors(dev, CV_ERR_UNSUPPORTED), 3);
    assert_int_equal(cv_policy_add(dev->engine, &policy, &number), CV_ERR_UNSUPPORTED);
    assert_null(cv_policy_find(dev->engine, CV_OUT, (struct cv_span){buf + 96, 20}));
    assert_false(cv_icmp(dev->engine, (struct cv_span){buf + 96, 20}, world_now(t->d->w)));
    assert_false(cv_split(dev->engine, &pkt, &pkt));
    assert_false(cv_too_big(dev->engine, &pkt));
    cv_path_mtu(dev->engine, host_child(dev), 1300, world_now(t->d->w));
    assert_int_equal(t->dev.pair[0].mtu, 1300);
    end(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_comes_up_in_the_plane_of_the_host),
        cmocka_unit_test(a_rekey_installs_uses_stops_and_removes),
        cmocka_unit_test(rekeying_the_ike_sa_touches_no_pair),
        cmocka_unit_test(deleted_children_leave_the_plane),
        cmocka_unit_test(an_engine_that_closes_leaves_no_pair),
        cmocka_unit_test(a_child_that_the_plane_refuses_does_not_come_up),
        cmocka_unit_test(a_rekey_that_the_plane_refuses_leaves_the_old_pair),
        cmocka_unit_test(limits_lead_to_a_rekey_and_to_the_end),
        cmocka_unit_test(the_first_packet_turns_the_answering_side_to_the_new_pair),
        cmocka_unit_test(a_peer_that_moved_is_followed),
        cmocka_unit_test(packets_have_nothing_to_do_here),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
