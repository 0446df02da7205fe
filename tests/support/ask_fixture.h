/* Two hosts in one process for tests of questions: devices in one engine, a gateway in the
 * other, each with the connections of a configuration and a table of questions.  What they send
 * is with the other at once.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_ASK_FIXTURE_H
#define TESTS_ASK_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ask/at_once.h"
#include "ask/signer.h"
#include "base/span.h"
#include "kit/clock.h"
#include "tests/support/conf_fixture.h"

enum { MAIL_MAX = 512, DATAGRAM_MAX = 4096, DEVICES_MAX = 100, NOTE_MAX = 160 };

struct letter {
    struct cv_endpoint from, to;
    uint8_t carrier;
    size_t n;
    uint8_t octets[DATAGRAM_MAX];
};

struct party {
    struct fixture f;
    struct cv_engine *engine;
    void *memory;
    struct ask *ask;
    bool pumping;
    struct letter *mail; /* for this party */
    unsigned n_mail;
    struct party *other;
    unsigned up, down;
    enum cv_err reason;  /* of the last that went down */
    uint16_t notify;     /* the last error that the other side sent */
    char note[NOTE_MAX]; /* the last line */
};

static struct party dev, gw;

static const struct cv_endpoint dev_at = {
    {CV_IPV4, {192, 0, 2, 1}},
    500
};
static const struct cv_endpoint gw_at = {
    {CV_IPV4, {192, 0, 2, 2}},
    500
};

static inline void party_note(void *ctx, int level, uint32_t ike, const char *text)
{
    struct party *p = ctx;

    (void)level;
    (void)ike;
    snprintf(p->note, sizeof(p->note), "%s", text);
}

static inline void party_send(struct party *p, const struct cv_effect *fx)
{
    struct letter *l = &p->other->mail[p->other->n_mail];

    assert_true(p->other->n_mail < MAIL_MAX && fx->u.send.data.n <= DATAGRAM_MAX);
    p->other->n_mail++;
    *l = (struct letter){.from = fx->u.send.local,
                         .to = fx->u.send.remote,
                         .carrier = fx->u.send.carrier,
                         .n = fx->u.send.data.n};
    memcpy(l->octets, fx->u.send.data.p, l->n);
}

static inline void party_event(struct party *p, const struct cv_effect *fx)
{
    switch (fx->u.event.kind) {
    case CV_EV_IKE_UP:
        p->up++;
        break;
    case CV_EV_IKE_DOWN:
        p->down++;
        p->reason = fx->u.event.err;
        ask_ended(p->ask, fx->ike, fx->u.event.err);
        break;
    case CV_EV_PEER_NOTIFY:
    case CV_EV_CHILD_FAILED:
        p->notify = fx->u.event.notify != 0 ? fx->u.event.notify : p->notify;
        break;
    default:
        break;
    }
}

/* As the daemon does it. */
static inline void party_pump(void *ctx)
{
    struct party *p = ctx;
    struct cv_effect fx;

    if (p->pumping)
        return;
    p->pumping = true;
    do {
        while (cv_next_effect(p->engine, &fx)) {
            if (fx.kind == CV_SEND)
                party_send(p, &fx);
            else if (fx.kind == CV_EVENT)
                party_event(p, &fx);
            else if (fx.kind != CV_FREE_ADDRESS)
                ask_file(p->ask, &fx);
        }
    } while (ask_serve(p->ask));
    p->pumping = false;
}

static inline void party_read(struct party *p)
{
    struct letter *all = p->mail;
    const unsigned n = p->n_mail;

    p->mail = calloc(MAIL_MAX, sizeof(*p->mail));
    p->n_mail = 0;
    for (unsigned i = 0; i < n; i++) {
        struct cv_packet pkt = {.buf = all[i].octets,
                                .cap = sizeof(all[i].octets),
                                .len = all[i].n,
                                .local = all[i].to,
                                .remote = all[i].from,
                                .carrier = all[i].carrier};

        cv_input(p->engine, &pkt, 1, clock_now_ms());
        party_pump(p);
    }
    free(all);
}

/* Until nobody has anything to say. */
static inline void meet(void)
{
    while (dev.n_mail + gw.n_mail > 0) {
        party_read(&gw);
        party_read(&dev);
    }
}

static inline void party_start(struct party *p, const char *text, uint32_t most,
                               uint32_t answer_ms)
{
    struct cv_settings set;

    memset(p, 0, sizeof(*p));
    if (!fixture_load(&p->f, text))
        fail_msg("%s", p->f.why.text);
    set = p->f.conf.settings.engine;
    set.crypto = &cv_crypto_openssl;
    set.answer_ms = answer_ms;
    set.block_threshold = set.cookie_threshold = UINT32_MAX;
    p->memory = malloc(cv_engine_size(&set.limits));
    assert_int_equal(cv_engine_init(&p->engine, p->memory, cv_engine_size(&set.limits), &set,
                                    clock_now_ms()),
                     CV_OK);
    for (struct conn *c = p->f.conf.conns; c != NULL; c = c->next)
        assert_int_equal(cv_conn_add(p->engine, &c->cv), CV_OK);
    p->ask = ask_new(&(struct ask_host){p->engine, party_pump, party_note, p}, most);
    p->mail = calloc(MAIL_MAX, sizeof(*p->mail));
    ask_secrets_of(p->ask, p->f.creds);
    ask_addresses_of(p->ask, p->f.pools);
}

static inline void party_stop(struct party *p)
{
    ask_free(p->ask);
    cv_engine_close(p->engine);
    free(p->memory);
    free(p->mail);
    fixture_unload(&p->f);
}

/* One connection a device, so that each has an IKE SA of its own; local and remote are the
 * lines of its two sides, in which %u is the device's number. */
static inline char *devices_conf(unsigned n, const char *sides, const char *rest)
{
    const size_t cap = 512 * (size_t)n + 1024;
    char *text = malloc(cap);
    size_t at = (size_t)snprintf(text, cap, "connections {\n");

    for (unsigned i = 0; i < n; i++) {
        at += (size_t)snprintf(text + at, cap - at,
                               "dev-%u {\nproposals = aes128gcm16-prfsha256-x25519\n"
                               "unique = never\n",
                               i);
        at += (size_t)snprintf(text + at, cap - at, "%s", sides);
        at += (size_t)snprintf(text + at, cap - at, "children { net { } }\n}\n");
    }
    (void)snprintf(text + at, cap - at, "}\n%s", rest);
    return text;
}

/* The devices' IKE SAs begin; nothing is read yet. */
static inline void connect_devices(unsigned n)
{
    const struct conn *c = dev.f.conf.conns;

    for (unsigned i = 0; i < n; i++, c = c->next) {
        uint32_t ike;

        assert_non_null(c);
        assert_int_equal(cv_initiate(dev.engine, &c->cv, c->cv.children[0], &dev_at, &gw_at,
                                     clock_now_ms(), &ike),
                         CV_OK);
        party_pump(&dev);
    }
}

static inline struct ask_stats stats_of(const struct party *p)
{
    struct ask_stats s;

    ask_get_stats(p->ask, &s);
    return s;
}

#endif
