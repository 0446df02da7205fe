/* IKE and Child SAs as VICI trees, with the keys and spellings that charon's clients parse.
 * Times are relative, in seconds; what does not apply is left out.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "text/text.h"
#include "vici/inside.h"

enum { ADDR_TEXT = 64, ID_TEXT = 1024, TS_TEXT = 160 };

static void put_yes(struct node *s, const char *name, bool yes)
{
    if (yes)
        tree_add_value(s, name, "yes");
}

static void put_number(struct node *s, const char *name, uint64_t n)
{
    tree_add_valuef(s, name, "%" PRIu64, n);
}

static void put_age(struct node *s, const char *name, uint64_t since_ms, uint64_t now_ms)
{
    put_number(s, name, now_ms > since_ms ? (now_ms - since_ms) / 1000 : 0);
}

static void put_until(struct node *s, const char *name, uint64_t at_ms, uint64_t now_ms)
{
    if (at_ms != CV_NO_DEADLINE && at_ms != 0)
        put_number(s, name, at_ms > now_ms ? (at_ms - now_ms) / 1000 : 0);
}

static void put_endpoint(struct node *s, const char *side, const struct cv_endpoint *e,
                         const struct cv_id *id)
{
    char name[32], addr[ADDR_TEXT], text[ID_TEXT];

    addr_format(addr, sizeof(addr), &e->addr);
    snprintf(name, sizeof(name), "%s-host", side);
    tree_add_value(s, name, addr);
    snprintf(name, sizeof(name), "%s-port", side);
    put_number(s, name, e->port);
    id_format(text, sizeof(text), id);
    snprintf(name, sizeof(name), "%s-id", side);
    tree_add_value(s, name, text);
}

static void put_spi(struct node *s, const char *name, const uint8_t spi[8])
{
    tree_add_valuef(s, name, "%02x%02x%02x%02x%02x%02x%02x%02x", spi[0], spi[1], spi[2], spi[3],
                    spi[4], spi[5], spi[6], spi[7]);
}

/* The transforms that are there; those of an SA still being negotiated are all 0. */
static void put_suite(struct node *s, const struct cv_suite *suite, bool ike)
{
    if (suite->encr != 0)
        tree_add_value(s, "encr-alg", name_encr(suite->encr));
    if (suite->encr_bits != 0)
        put_number(s, "encr-keysize", suite->encr_bits);
    if (suite->integ != 0)
        tree_add_value(s, "integ-alg", name_integ(suite->integ));
    if (ike && suite->prf != 0)
        tree_add_value(s, "prf-alg", name_prf(suite->prf));
    if (suite->ke != 0)
        tree_add_value(s, "dh-group", name_ke(suite->ke));
    if (!ike && suite->esn != 0)
        tree_add_value(s, "esn", "1");
}

static void put_vips(struct node *s, const struct cv_ike_info *ike)
{
    const struct cv_addr *vips[] = {&ike->lease.v4, &ike->lease.v6};
    struct node *list = NULL;
    char addr[ADDR_TEXT];

    for (unsigned i = 0; i < 2; i++) {
        if (vips[i]->family == CV_ANY_FAMILY)
            continue;
        if (list == NULL)
            list = tree_add_list(s, ike->initiator ? "local-vips" : "remote-vips");
        addr_format(addr, sizeof(addr), vips[i]);
        tree_add_item(list, addr);
    }
}

/* In charon's words; of alerts it has none. */
static void put_tasks(struct node *s, const char *name, uint32_t tasks)
{
    static const char *const words[CV_TASK_COUNT] = {
        [CV_TASK_IKE_INIT] = "IKE_INIT",       [CV_TASK_IKE_AUTH] = "IKE_AUTH",
        [CV_TASK_IKE_REKEY] = "IKE_REKEY",     [CV_TASK_IKE_REAUTH] = "IKE_REAUTH",
        [CV_TASK_IKE_DELETE] = "IKE_DELETE",   [CV_TASK_CHILD_CREATE] = "CHILD_CREATE",
        [CV_TASK_CHILD_REKEY] = "CHILD_REKEY", [CV_TASK_CHILD_DELETE] = "CHILD_DELETE",
        [CV_TASK_LIVENESS] = "IKE_DPD",        [CV_TASK_ALERT] = "IKE_ALERT",
        [CV_TASK_MOBIKE] = "IKE_MOBIKE",       [CV_TASK_REDIRECT] = "IKE_REDIRECT",
    };
    struct node *list = tasks == 0 ? NULL : tree_add_list(s, name);

    for (unsigned i = 0; i < CV_TASK_COUNT; i++) {
        if (tasks & UINT32_C(1) << i)
            tree_add_item(list, words[i]);
    }
}

static bool is_up(uint8_t state)
{
    return state == CV_IKE_ESTABLISHED || state == CV_IKE_REKEYING || state == CV_IKE_REKEYED;
}

const char *vici_ike_name(const struct cv_conn *conn)
{
    return conn != NULL ? conn->name : "(unnamed)";
}

struct node *vici_put_ike(struct node *parent, const char *name, const struct cv_ike_info *ike,
                          uint64_t now_ms)
{
    struct node *s = tree_add_section(parent, name);
    bool nat = ike->nat_local || ike->nat_remote;

    put_number(s, "uniqueid", ike->id);
    tree_add_value(s, "version", "2");
    tree_add_value(s, "state", name_ike_state(ike->state));
    put_endpoint(s, "local", &ike->local, &ike->local_id);
    put_endpoint(s, "remote", &ike->remote, &ike->remote_id);
    put_yes(s, "initiator", ike->initiator);
    put_spi(s, "initiator-spi", ike->spi_i);
    put_spi(s, "responder-spi", ike->spi_r);
    put_yes(s, "nat-local", ike->nat_local);
    put_yes(s, "nat-remote", ike->nat_remote);
    put_yes(s, "nat-fake", ike->encap && !nat);
    put_yes(s, "nat-any", ike->encap || nat);
    put_suite(s, &ike->suite, true);
    if (is_up(ike->state)) {
        put_age(s, "established", ike->established_ms, now_ms);
        put_until(s, "rekey-time", ike->rekey_at_ms, now_ms);
        put_until(s, "reauth-time", ike->reauth_at_ms, now_ms);
    }
    put_vips(s, ike);
    put_tasks(s, "tasks-queued", ike->queued);
    put_tasks(s, "tasks-active", ike->active);
    return s;
}

static void put_use(struct node *s, const char *way, uint64_t bytes, uint64_t packets,
                    uint64_t last_ms, uint64_t now_ms)
{
    char name[32];

    snprintf(name, sizeof(name), "bytes-%s", way);
    put_number(s, name, bytes);
    snprintf(name, sizeof(name), "packets-%s", way);
    put_number(s, name, packets);
    snprintf(name, sizeof(name), "use-%s", way);
    if (last_ms != 0)
        put_age(s, name, last_ms, now_ms);
}

static void put_selectors(struct node *s, const char *name, const struct cv_ts_list *ts)
{
    struct node *list = tree_add_list(s, name);
    char text[TS_TEXT];

    for (unsigned i = 0; i < ts->n; i++) {
        ts_format(text, sizeof(text), &ts->ts[i]);
        tree_add_item(list, text);
    }
}

/* Ours, not charon's: packets refused by this SA, by reason, where there were any. */
static void put_drops(struct node *s, const struct cv_child_info *child)
{
    static const char *const names[CV_CD_COUNT] = {[CV_CD_REPLAY] = "drops-replay",
                                                   [CV_CD_ICV] = "drops-icv",
                                                   [CV_CD_SELECTOR] = "drops-selector",
                                                   [CV_CD_MALFORMED] = "drops-malformed",
                                                   [CV_CD_CLEARTEXT] = "drops-cleartext"};

    for (unsigned i = 0; i < CV_CD_COUNT; i++)
        if (child->drops[i] != 0)
            put_number(s, names[i], child->drops[i]);
}

void vici_child_title(char *out, size_t n, const struct cv_child_info *child)
{
    snprintf(out, n, "%s-%" PRIu32, child->cfg->name, child->id);
}

struct node *vici_put_child(struct node *parent, const char *name,
                            const struct cv_child_info *child, uint64_t now_ms)
{
    struct node *s = tree_add_section(parent, name);

    tree_add_value(s, "name", child->cfg->name);
    put_number(s, "uniqueid", child->id);
    put_number(s, "reqid", child->reqid);
    tree_add_value(s, "state", name_child_state(child->state));
    tree_add_value(s, "mode", child->mode == CV_TRANSPORT ? "TRANSPORT" : "TUNNEL");
    if (child->state == CV_CHILD_CREATED)
        return s;
    tree_add_value(s, "protocol", child->protocol == CV_PROTO_AH ? "AH" : "ESP");
    put_yes(s, "encap", child->encap);
    tree_add_valuef(s, "spi-in", "%08" PRIx32, child->spi_in);
    tree_add_valuef(s, "spi-out", "%08" PRIx32, child->spi_out);
    put_suite(s, &child->suite, false);
    put_use(s, "in", child->bytes_in, child->packets_in, child->last_in_ms, now_ms);
    put_use(s, "out", child->bytes_out, child->packets_out, child->last_out_ms, now_ms);
    put_drops(s, child);
    put_until(s, "rekey-time", child->rekey_at_ms, now_ms);
    put_until(s, "life-time", child->expire_at_ms, now_ms);
    put_age(s, "install-time", child->installed_ms, now_ms);
    put_selectors(s, "local-ts", &child->local_ts);
    put_selectors(s, "remote-ts", &child->remote_ts);
    return s;
}
