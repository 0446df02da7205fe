/* Counters of IKE messages, with the names and in the order of charon's counters plugin, whose
 * clients look for these 21.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

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

void vici_cmd_get_counters(struct vici_client *c, const struct node *req)
{
    uint64_t now[N_COUNTERS], zero[N_COUNTERS];
    struct node *message, *s;
    struct cv_stats stats;

    if (vici_arg(req, "name") != NULL || vici_arg_yes(req, "all")) {
        vici_answer_error(c, "there are no counters for single connections, only global ones");
        return;
    }
    cv_get_stats(daemon_engine(c->v->d), &stats);
    take(now, &stats);
    take(zero, &c->v->zero);
    message = tree_new();
    s = tree_add_section(tree_add_section(message, "counters"), "");
    for (unsigned i = 0; i < N_COUNTERS; i++)
        tree_add_valuef(s, names[i], "%" PRIu64, now[i] - zero[i]);
    tree_add_value(message, "success", "yes");
    vici_answer(c, message);
}

void vici_cmd_reset_counters(struct vici_client *c, const struct node *req)
{
    if (vici_arg(req, "name") != NULL || vici_arg_yes(req, "all")) {
        vici_answer_error(c, "there are no counters for single connections, only global ones");
        return;
    }
    cv_get_stats(daemon_engine(c->v->d), &c->v->zero);
    vici_answer_ok(c);
}
