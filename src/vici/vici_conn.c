/* Connections as VICI trees, as list-conn events carry them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "text/text.h"
#include "vici/inside.h"

static const char *action_name(uint8_t action)
{
    switch (action) {
    case CV_ACTION_TRAP:
        return "trap";
    case CV_ACTION_START:
        return "start";
    case CV_ACTION_TRAP | CV_ACTION_START:
        return "trap|start";
    default:
        return "none"; /* CV_ACTION_CLEAR: charon has one word for both */
    }
}

static const char *unique_name(uint8_t unique)
{
    switch (unique) {
    case CV_UNIQUE_NEVER:
        return "UNIQUE_NEVER";
    case CV_UNIQUE_KEEP:
        return "UNIQUE_KEEP";
    case CV_UNIQUE_REPLACE:
        return "UNIQUE_REPLACE";
    default:
        return "UNIQUE_NO";
    }
}

static void put_hosts(struct node *s, const char *name, char *const *hosts, unsigned n)
{
    struct node *list = tree_add_list(s, name);

    for (unsigned i = 0; i < n; i++)
        tree_add_item(list, hosts[i]);
    if (n == 0)
        tree_add_item(list, "%any");
}

static void put_certs(struct node *s, const char *name, const struct cert *const *certs,
                      unsigned n)
{
    struct node *list = tree_add_list(s, name);
    struct cv_id subject;
    char text[1024];

    for (unsigned i = 0; i < n; i++) {
        if (!cert_subject(certs[i], &subject))
            continue;
        id_format(text, sizeof(text), &subject);
        tree_add_item(list, text);
    }
}

/* Empty lists are there too: libraries index them without asking. */
static void put_auth(struct node *parent, const char *name, const struct cv_auth *auth)
{
    static const struct auth_conf none;
    const struct auth_conf *a = auth->host != NULL ? auth->host : &none;
    struct node *s = tree_add_section(parent, name), *policies;
    char id[1024];

    if (auth->id.type != CV_ID_ANY) {
        id_format(id, sizeof(id), &auth->id);
        tree_add_value(s, "id", id);
    }
    if (auth->kind == CV_AUTH_PSK)
        tree_add_value(s, "class", "pre-shared key");
    if (auth->kind == CV_AUTH_PUBKEY)
        tree_add_value(s, "class", "public key");
    tree_add_list(s, "groups");
    policies = tree_add_list(s, "cert_policy");
    for (unsigned i = 0; i < a->n_policies; i++)
        tree_add_item(policies, a->policies[i]);
    put_certs(s, "certs", a->certs, a->n_certs);
    put_certs(s, "cacerts", a->cacerts, a->n_cacerts);
}

/* "dynamic", "dynamic[udp]" or the selector. */
static void format_ts_config(char *out, size_t n, const struct cv_ts_config *c)
{
    char ts[160], *ports;

    ts_format(ts, sizeof(ts), &c->ts);
    if (!c->dynamic) {
        snprintf(out, n, "%s", ts);
        return;
    }
    ports = strchr(ts, '[');
    snprintf(out, n, "dynamic%s", ports != NULL ? ports : "");
}

void vici_put_ts_config(struct node *parent, const char *name, const struct cv_ts_config *ts,
                        unsigned n)
{
    struct node *list = tree_add_list(parent, name);
    char text[192];

    for (unsigned i = 0; i < n; i++) {
        format_ts_config(text, sizeof(text), &ts[i]);
        tree_add_item(list, text);
    }
}

const char *vici_mode_name(const struct cv_child_config *c)
{
    switch (child_shunt(c)) {
    case SHUNT_PASS:
        return "PASS";
    case SHUNT_DROP:
        return "DROP";
    default:
        return c->mode == CV_TRANSPORT ? "TRANSPORT" : "TUNNEL";
    }
}

/* What is configured, for those who list it. */
static const char *word(const struct conn *conn, const char *key, const char *fallback)
{
    return conn->source == NULL ? fallback : tree_get(conn->source, key, fallback);
}

static void put_child(struct node *parent, const struct cv_child_config *c)
{
    const struct child_conf *host = c->host;
    struct node *s = tree_add_section(parent, c->name);

    tree_add_value(s, "mode", vici_mode_name(c));
    tree_add_valuef(s, "rekey_time", "%" PRIu64, c->life.rekey_s);
    tree_add_valuef(s, "rekey_bytes", "%" PRIu64, c->life.rekey_bytes);
    tree_add_valuef(s, "rekey_packets", "%" PRIu64, c->life.rekey_packets);
    tree_add_value(s, "start_action", action_name(c->start_action));
    tree_add_value(s, "dpd_action", action_name(c->dpd_action));
    tree_add_value(s, "close_action", action_name(c->close_action));
    vici_put_ts_config(s, "local-ts", c->local_ts, c->n_local_ts);
    vici_put_ts_config(s, "remote-ts", c->remote_ts, c->n_remote_ts);
    if (host != NULL && host->interface != NULL)
        tree_add_value(s, "interface", host->interface);
    if (host != NULL && host->priority != 0)
        tree_add_valuef(s, "priority", "%" PRIu32, host->priority);
}

void vici_put_conn(struct node *parent, const struct conn *conn)
{
    const struct cv_conn *cv = &conn->cv;
    struct node *s = tree_add_section(parent, cv->name), *children;

    put_hosts(s, "local_addrs", conn->local_hosts, conn->n_local_hosts);
    put_hosts(s, "remote_addrs", conn->remote_hosts, conn->n_remote_hosts);
    tree_add_value(s, "version",
                   strcmp(word(conn, "version", "0"), "2") == 0 ? "IKEv2" : "IKEv1/2");
    tree_add_valuef(s, "reauth_time", "%" PRIu64, cv->reauth_s);
    tree_add_valuef(s, "rekey_time", "%" PRIu64, cv->rekey_s);
    tree_add_value(s, "unique", unique_name(cv->unique));
    if (cv->dpd_delay_s != 0)
        tree_add_valuef(s, "dpd_delay", "%" PRIu64, cv->dpd_delay_s);
    if (conn->dpd_timeout_s != 0)
        tree_add_valuef(s, "dpd_timeout", "%" PRIu64, conn->dpd_timeout_s);
    put_auth(s, "local-1", &cv->local);
    put_auth(s, "remote-1", &cv->remote);
    children = tree_add_section(s, "children");
    for (unsigned i = 0; i < cv->n_children; i++)
        put_child(children, cv->children[i]);
    for (unsigned i = 0; i < conn->n_shunts; i++)
        put_child(children, conn->shunts[i]);
}
