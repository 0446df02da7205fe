/* Owns: the PLUTO_* variables, as strongSwan's updown scripts know them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "daemon/env.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "linux/kernel/routes.h"
#include "text/text.h"
#include "wire/ip.h"

void env_put(struct env *e, const char *fmt, ...)
{
    va_list ap;
    char *text = NULL;

    if (e->n == ENV_MAX)
        return;
    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) >= 0)
        e->v[e->n++] = text;
    va_end(ap);
}

void env_free(struct env *e)
{
    for (unsigned i = 0; i < e->n; i++)
        free(e->v[i]);
    memset(e, 0, sizeof(*e));
}

static void put_addr(struct env *e, const char *name, const struct cv_addr *a)
{
    char text[64];

    addr_format(text, sizeof(text), a);
    env_put(e, "%s=%s", name, text);
}

static void put_id(struct env *e, const char *name, const struct cv_id *id)
{
    char text[512];

    id_format(text, sizeof(text), id);
    env_put(e, "%s=%s", name, text);
}

/* The smallest network that holds the selector, as scripts expect one. */
static void put_client(struct env *e, const char *name, const struct cv_ts *ts)
{
    struct prefix net;
    char text[64];

    if (prefixes_of(&net, 1, ts) == 0)
        return;
    addr_format(text, sizeof(text), &net.addr);
    env_put(e, "%s=%s/%u", name, text, net.len);
}

/* charon writes one port, or lo:hi as iptables takes it; 0 for any.  Of ICMP it is the type
 * on our side and the code on the peer's. */
static void put_port(struct env *e, const char *name, const struct cv_ts *ts)
{
    if (ts->port_lo > ts->port_hi || (ts->port_lo == 0 && ts->port_hi == UINT16_MAX))
        env_put(e, "%s=0", name);
    else if (ts->port_lo != ts->port_hi)
        env_put(e, "%s=%u:%u", name, ts->port_lo, ts->port_hi);
    else
        env_put(e, "%s=%u", name, ts->port_lo);
}

static void put_source_ip(struct env *e, const char *side, const struct cv_lease *lease)
{
    const struct cv_addr *first = lease->v4.family != 0 ? &lease->v4 : &lease->v6;
    char name[32];

    if (first->family == 0)
        return;
    (void)snprintf(name, sizeof(name), "PLUTO_%s_SOURCEIP", side);
    put_addr(e, name, first);
    (void)snprintf(name, sizeof(name), "PLUTO_%s_SOURCEIP4_1", side);
    if (lease->v4.family != 0)
        put_addr(e, name, &lease->v4);
    (void)snprintf(name, sizeof(name), "PLUTO_%s_SOURCEIP6_1", side);
    if (lease->v6.family != 0)
        put_addr(e, name, &lease->v6);
}

static void put_dns(struct env *e, const struct cv_lease *lease)
{
    unsigned n4 = 0, n6 = 0;

    for (unsigned i = 0; i < lease->n_dns; i++) {
        bool v4 = lease->dns[i].family == CV_IPV4;
        char name[32];

        (void)snprintf(name, sizeof(name), "PLUTO_DNS%c_%u", v4 ? '4' : '6', v4 ? ++n4 : ++n6);
        put_addr(e, name, &lease->dns[i]);
    }
}

static void put_host_conf(struct env *e, const struct child_conf *conf)
{
    if (conf == NULL)
        return;
    if (conf->mark_in != 0)
        env_put(e, "PLUTO_MARK_IN=%u/0x%08x", conf->mark_in, conf->mark_in_mask);
    if (conf->mark_out != 0)
        env_put(e, "PLUTO_MARK_OUT=%u/0x%08x", conf->mark_out, conf->mark_out_mask);
    if (conf->if_id_in != 0)
        env_put(e, "PLUTO_IF_ID_IN=%u", conf->if_id_in);
    if (conf->if_id_out != 0)
        env_put(e, "PLUTO_IF_ID_OUT=%u", conf->if_id_out);
    if (conf->hostaccess)
        env_put(e, "PLUTO_HOST_ACCESS=1");
}

/* The selector is our own outer address alone: "host", else "client". */
static bool is_host(const struct cv_ts *ts, const struct cv_addr *us)
{
    size_t n = addr_len(us->family);

    return ts->family == us->family && memcmp(ts->lo, us->b, n) == 0 &&
           memcmp(ts->hi, us->b, n) == 0;
}

void env_put_path(struct env *e)
{
    env_put(e, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
}

void env_put_child(struct env *e, bool up, const struct cv_ike_info *ike,
                   const struct cv_child_info *child, const struct cv_ts *mine,
                   const struct cv_ts *peers, const char *interface)
{
    const struct cv_lease none = {0};

    env_put_path(e);
    env_put(e, "PLUTO_VERSION=1.1");
    env_put(e, "PLUTO_VERB=%s-%s%s", up ? "up" : "down",
            is_host(mine, &ike->local.addr) ? "host" : "client",
            mine->family == CV_IPV6 ? "-v6" : "");
    env_put(e, "PLUTO_CONNECTION=%s", child->cfg->name);
    env_put(e, "PLUTO_INTERFACE=%s", interface);
    env_put(e, "PLUTO_REQID=%u", child->reqid);
    env_put(e, "PLUTO_PROTO=%s", child->protocol == CV_PROTO_AH ? "ah" : "esp");
    env_put(e, "PLUTO_UNIQUEID=%u", ike->id);
    put_addr(e, "PLUTO_ME", &ike->local.addr);
    put_id(e, "PLUTO_MY_ID", &ike->local_id);
    put_client(e, "PLUTO_MY_CLIENT", mine);
    put_port(e, "PLUTO_MY_PORT", mine);
    env_put(e, "PLUTO_MY_PROTOCOL=%u", mine->proto);
    put_source_ip(e, "MY", ike->initiator ? &ike->lease : &none);
    put_addr(e, "PLUTO_PEER", &ike->remote.addr);
    put_id(e, "PLUTO_PEER_ID", &ike->remote_id);
    put_client(e, "PLUTO_PEER_CLIENT", peers);
    put_port(e, "PLUTO_PEER_PORT", peers);
    env_put(e, "PLUTO_PEER_PROTOCOL=%u", peers->proto);
    put_source_ip(e, "PEER", ike->initiator ? &none : &ike->lease);
    if (ike->initiator)
        put_dns(e, &ike->lease);
    if (child->encap)
        env_put(e, "PLUTO_UDP_ENC=%u", ike->remote.port);
    put_host_conf(e, child->cfg->host);
}
