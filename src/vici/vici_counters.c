/* Counters of IKE messages, with the names and in the order of charon's counters plugin, whose
 * clients look for these 21.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "vici/inside.h"

enum { N_COUNTERS = 21 };

static const char *const names[N_COUNTERS] = {
    "ike-rekey-init",        "ike-rekey-resp",
    "child-rekey",           "invalid",
    "invalid-spi",           "ike-init-in-req",
    "ike-init-in-resp",      "ike-init-out-req",
    "ike-init-out-resp",     "ike-auth-in-req",
    "ike-auth-in-resp",      "ike-auth-out-req",
    "ike-auth-out-resp",     "create-child-in-req",
    "create-child-in-resp",  "create-child-out-req",
    "create-child-out-resp", "info-in-req",
    "info-in-resp",          "info-out-req",
    "info-out-resp",
};

static void take_exchange(uint64_t out[4], const struct cv_exchange_stats *n)
{
    out[0] = n->requests_in;
    out[1] = n->responses_in;
    out[2] = n->requests_out;
    out[3] = n->responses_out;
}

/* In the order of the names. */
static void take(uint64_t out[N_COUNTERS], const struct cv_stats *n)
{
    out[0] = n->ike_rekeyed_by_us;
    out[1] = n->ike_rekeyed - n->ike_rekeyed_by_us;
    out[2] = n->child_rekeyed;
    out[3] = n->errors[CV_ERR_MALFORMED] + n->errors[CV_ERR_SYNTAX] +
             n->errors[CV_ERR_VERSION] + n->errors[CV_ERR_CRITICAL];
    out[4] = n->errors[CV_ERR_IKE_SPI];
    take_exchange(&out[5], &n->sa_init);
    take_exchange(&out[9], &n->auth);
    take_exchange(&out[13], &n->create_child);
    take_exchange(&out[17], &n->informational);
}

/* Those of one connection, since they were last set back. */
static void take_own(uint64_t out[N_COUNTERS], const struct conn *conn)
{
    const struct cv_conn_stats *n[] = {&conn->stats, &conn->zero};
    uint64_t v[2][N_COUNTERS] = {{0}};

    for (unsigned i = 0; i < 2; i++) {
        v[i][0] = n[i]->ike_rekeyed_by_us;
        v[i][1] = n[i]->ike_rekeyed - n[i]->ike_rekeyed_by_us;
        v[i][2] = n[i]->child_rekeyed;
        v[i][3] = n[i]->invalid;
        take_exchange(&v[i][5], &n[i]->sa_init);
        take_exchange(&v[i][9], &n[i]->auth);
        take_exchange(&v[i][13], &n[i]->create_child);
        take_exchange(&v[i][17], &n[i]->informational);
    }
    for (unsigned i = 0; i < N_COUNTERS; i++)
        out[i] = v[0][i] - v[1][i];
}

static void put(struct node *counters, const char *name, const uint64_t n[N_COUNTERS])
{
    struct node *s = tree_add_section(counters, name);

    for (unsigned i = 0; i < N_COUNTERS; i++)
        tree_add_valuef(s, names[i], "%" PRIu64, n[i]);
}

/* As charon: a connection that nothing was counted of is not there. */
static bool put_own(struct node *counters, const struct conn *conn)
{
    uint64_t n[N_COUNTERS], any = 0;

    take_own(n, conn);
    for (unsigned i = 0; i < N_COUNTERS; i++)
        any |= n[i];
    if (any != 0)
        put(counters, conn->cv.name, n);
    return any != 0;
}

static void put_global(struct vici *v, struct node *counters)
{
    uint64_t now[N_COUNTERS], zero[N_COUNTERS];
    struct cv_stats stats;

    cv_get_stats(daemon_engine(v->d), &stats);
    take(now, &stats);
    take(zero, &v->zero);
    for (unsigned i = 0; i < N_COUNTERS; i++)
        now[i] -= zero[i];
    put(counters, "", now);
}

/* Those that were asked for; false: there are none. */
static bool put_asked(struct vici *v, struct node *counters, const char *name, bool all)
{
    bool found = all;

    if (name == NULL && !all) {
        put_global(v, counters);
        return true;
    }
    for (const struct conn *c = daemon_first_conn(v->d); c != NULL; c = c->next)
        if (all || strcmp(c->cv.name, name) == 0)
            found = put_own(counters, c) || found;
    return found;
}

void vici_cmd_get_counters(struct vici_client *c, const struct node *req)
{
    struct node *message = tree_new(), *counters = tree_add_section(message, "counters");
    const bool found =
        put_asked(c->v, counters, vici_arg(req, "name"), vici_arg_yes(req, "all"));

    tree_add_value(message, "success", found ? "yes" : "no");
    if (!found)
        tree_add_value(message, "errmsg", "no counters found for this connection");
    vici_answer(c, message);
}

void vici_cmd_reset_counters(struct vici_client *c, const struct node *req)
{
    const char *name = vici_arg(req, "name");
    const bool all = vici_arg_yes(req, "all");

    for (struct conn *conn = daemon_first_conn(c->v->d); conn != NULL; conn = conn->next)
        if (all || (name != NULL && strcmp(conn->cv.name, name) == 0))
            conn->zero = conn->stats;
    if (name == NULL && !all)
        cv_get_stats(daemon_engine(c->v->d), &c->v->zero);
    vici_answer_ok(c);
}
