/* Owns: what the log says of IKE messages: 2 each with its payloads, 3 what they offer and what
 * was chosen, 4 their octets, decrypted.
 * Invariant: no key is ever here; what a peer sent is read as far as it can be read.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "daemon/traces.h"

#include "daemon/inside.h"
#include "daemon/phrase.h"
#include "wire/ike.h"

enum { OCTETS_A_LINE = 32, NOTIFY_HDR_LEN = 4 };

/* One payload of a chain: its type and its body. */
struct walk {
    struct rd r;
    uint8_t next;
};

static bool walk_next(struct walk *w, uint8_t *type, struct cv_span *body)
{
    if (w->next == PL_NONE || rd_left(&w->r) == 0)
        return false;
    *type = w->next;
    w->next = rd_u8(&w->r);
    rd_take(&w->r, 1);
    *body = rd_take(&w->r, (size_t)rd_u16(&w->r) - IKE_PAYLOAD_HDR_LEN);
    return rd_ok(&w->r);
}

static struct walk walk_begin(const struct cv_watched_message *m)
{
    return (struct walk){rd_init(m->payloads), m->first};
}

static struct cv_span body_of(const struct cv_watched_message *m, uint8_t type)
{
    struct walk w = walk_begin(m);
    struct cv_span body;
    uint8_t t;

    while (walk_next(&w, &t, &body))
        if (t == type)
            return body;
    return (struct cv_span){NULL, 0};
}

/* ---- level 2 ---- */

static void add_payload(struct phrase *p, uint8_t type, struct cv_span body)
{
    static const char *const names[] = {
        [PL_SA] = "SA",     [PL_KE] = "KE",           [PL_IDI] = "IDi",   [PL_IDR] = "IDr",
        [PL_CERT] = "CERT", [PL_CERTREQ] = "CERTREQ", [PL_AUTH] = "AUTH", [PL_NONCE] = "No",
        [PL_DELETE] = "D",  [PL_VENDOR] = "V",        [PL_TSI] = "TSi",   [PL_TSR] = "TSr",
        [PL_CP] = "CP",     [PL_EAP] = "EAP",
    };
    struct rd r = rd_init(body);

    if (type == PL_NOTIFY) {
        rd_take(&r, NOTIFY_HDR_LEN - 2);
        phrase_add(p, " N(");
        phrase_notify(p, rd_u16(&r));
        phrase_add(p, ")");
    } else if (type < sizeof(names) / sizeof(names[0]) && names[type] != NULL) {
        phrase_add(p, " %s", names[type]);
    } else {
        phrase_add(p, " (payload %u)", type);
    }
}

static void add_spi(struct phrase *p, const uint8_t spi[IKE_SPI_LEN], const char *end)
{
    for (unsigned i = 0; i < IKE_SPI_LEN; i++)
        phrase_add(p, "%02x", spi[i]);
    phrase_add(p, "%s", end);
}

static void tell_message(struct daemon *d, const struct cv_watched_message *m)
{
    const char *name = ike_exchange_name(m->exchange);
    struct walk w = walk_begin(m);
    struct phrase p = {0};
    struct cv_span body;
    uint8_t type;

    phrase_add(&p, "%s %s %s %u, ", m->out ? "sent" : "received",
               name != NULL ? name : "unknown exchange", m->response ? "response" : "request",
               m->msg_id);
    phrase_endpoint(&p, m->out ? &m->local : &m->remote);
    phrase_add(&p, " to ");
    phrase_endpoint(&p, m->out ? &m->remote : &m->local);
    phrase_add(&p, ", SPIs ");
    add_spi(&p, m->spi_i, "_i ");
    add_spi(&p, m->spi_r, "_r: [");
    while (walk_next(&w, &type, &body))
        add_payload(&p, type, body);
    phrase_add(&p, " ]");
    daemon_log(d, 2, LOG_IKE, m->ike, "%s", p.text);
}

/* ---- level 3 ---- */

/* "we offer", "the peer chose" */
static void who_does(struct phrase *p, const struct cv_watched_message *m)
{
    phrase_add(p, "%s %s ", m->out ? "we" : "the peer",
               m->response ? (m->out ? "choose" : "chose") : (m->out ? "offer" : "offers"));
}

/* All that we have for it, where the choice is made. */
static void add_ours(struct phrase *p, const struct cv_watched_message *m, bool child, bool ts)
{
    if (m->conn == NULL || m->out != m->response)
        return;
    phrase_add(p, "; connection %s has ", m->conn->name);
    if (!child)
        phrase_proposals(p, m->conn->proposals, m->conn->n_proposals);
    for (unsigned i = 0; child && i < m->conn->n_children; i++) {
        const struct cv_child_config *c = m->conn->children[i];

        phrase_add(p, "%s%s: ", i == 0 ? "" : "; ", c->name);
        if (!ts) {
            phrase_proposals(p, c->proposals, c->n_proposals);
            continue;
        }
        phrase_ts_configs(p, c->local_ts, c->n_local_ts);
        phrase_add(p, " === ");
        phrase_ts_configs(p, c->remote_ts, c->n_remote_ts);
    }
}

static void tell_proposals(struct daemon *d, const struct cv_watched_message *m, bool child)
{
    struct phrase p = {0};

    who_does(&p, m);
    phrase_sa_body(&p, body_of(m, PL_SA));
    add_ours(&p, m, child, false);
    daemon_log(d, 3, child ? LOG_CHD : LOG_IKE, m->ike, "%s", p.text);
}

static void tell_selectors(struct daemon *d, const struct cv_watched_message *m)
{
    struct phrase p = {0};

    who_does(&p, m);
    phrase_ts_body(&p, body_of(m, PL_TSI));
    phrase_add(&p, " === ");
    phrase_ts_body(&p, body_of(m, PL_TSR));
    add_ours(&p, m, true, true);
    daemon_log(d, 3, LOG_CHD, m->ike, "%s", p.text);
}

static void tell_choice(struct daemon *d, const struct cv_watched_message *m)
{
    bool child = body_of(m, PL_TSI).n > 0;

    if (body_of(m, PL_SA).n > 0 && log_wants(&d->log, 3, child ? LOG_CHD : LOG_IKE))
        tell_proposals(d, m, child);
    if (child && log_wants(&d->log, 3, LOG_CHD))
        tell_selectors(d, m);
}

/* ---- level 4 ---- */

static void tell_octets(struct daemon *d, const struct cv_watched_message *m)
{
    struct rd r = rd_init(m->payloads);
    size_t at = 0;

    while (rd_left(&r) > 0) {
        size_t n = rd_left(&r) < OCTETS_A_LINE ? rd_left(&r) : OCTETS_A_LINE;
        struct cv_span line = rd_take(&r, n);
        struct phrase p = {0};

        phrase_add(&p, "%4zu:", at);
        for (size_t i = 0; i < line.n; i++)
            phrase_add(&p, "%s%02x", i % 4 == 0 ? " " : "", line.p[i]);
        daemon_log(d, 4, LOG_IKE, m->ike, "%s", p.text);
        at += n;
    }
}

static void on_message(void *ctx, const struct cv_watched_message *m)
{
    struct daemon *d = ctx;

    if (log_wants(&d->log, 2, LOG_IKE))
        tell_message(d, m);
    tell_choice(d, m);
    if (log_wants(&d->log, 4, LOG_IKE))
        tell_octets(d, m);
}

void traces_set_levels(struct daemon *d, const uint8_t levels[LOG_GROUPS])
{
    bool wanted;

    for (int g = 0; g < LOG_GROUPS; g++)
        d->log.level[g] = levels[g];
    wanted = log_wants(&d->log, 2, LOG_IKE) || log_wants(&d->log, 3, LOG_CHD);
    d->watch.ctx = d;
    d->watch.message = wanted ? on_message : NULL;
}
