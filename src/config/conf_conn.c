/* Owns connection sections: with whom, how the IKE SA is made and kept, and the children it
 * may have.  The same code serves files and VICI's load-conn.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "config/inside.h"
#include "text/text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { REKEY_DEFAULT_S = 4 * 3600 };

struct conn_hosts {
    struct conf_texts texts;
    struct cv_addr_range *v; /* none: any */
    unsigned n;
};

enum { DPD_DELAY_OF_STARTED_S = 30, CHILDLESS_PREFER = 2, CHILDLESS_FORCE = 3 };

struct conn_vips {
    struct cv_addr *v;
    unsigned n;
};

struct conn_draft {
    struct conn_hosts local, remote;
    struct conf_proposals proposals;
    struct conn_vips vips;
    struct conf_texts pools;
    uint32_t keyingtries;
    uint16_t local_port, remote_port;
    uint64_t rekey, reauth, over, rnd, dpd_delay, dpd_timeout;
    bool send_certreq, encap, mobike, fleet;
    const struct cv_id *redirect;
    uint8_t ocsp, send_cert, fragmentation, childless, unique, version;
};

/* ---- hosts ------------------------------------------------------------------ */

/* A DNS name, as opposed to a slip in an address: labels, and a last one with a letter. */
static bool is_host_name(const char *text)
{
    const char *last = strrchr(text, '.');
    const char *letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    size_t n = strlen(text);

    if (n == 0 || n > 253 || text[0] == '.' || text[0] == '-' || strstr(text, "..") != NULL)
        return false;
    if (strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") != n)
        return false;
    return strpbrk(last != NULL && last[1] != '\0' ? last : text, letters) != NULL;
}

/* One host of a list.  Names and "%any" stand for every address when a peer comes to us: who
 * it is its identity proves. */
static bool add_host(struct conf_reader *r, const struct node *n, struct conn_hosts *h,
                     const char *text, bool ours, bool *any)
{
    struct cv_addr_range range;

    if (range_parse(&range, text)) {
        if (range.family == CV_ANY_FAMILY)
            *any = true;
        else
            h->v[h->n++] = range;
        return true;
    }
    if (!is_host_name(text))
        return problem_at(r->why, n,
                          "expected an address, a subnet, a range, a host name or %%any, not "
                          "'%s'",
                          text);
    if (!ours)
        return *any = true;
    problem_at(r->why, n, "host name '%s' stands for every address of this host", text);
    conf_warning(r);
    return *any = true;
}

static bool take_hosts(struct conf_reader *r, const struct node *n, void *field,
                       const void *arg)
{
    struct conn_hosts *h = field;
    bool any = false, ours = arg != NULL;

    if (!take_texts(r, n, &h->texts, NULL))
        return false;
    h->v = mem_take(r->mem, h->texts.n, sizeof(*h->v));
    h->n = 0;
    for (unsigned i = 0; i < h->texts.n; i++)
        if (!add_host(r, n, h, h->texts.v[i], ours, &any))
            return false;
    if (any)
        h->n = 0;
    return true;
}

static bool take_vips(struct conf_reader *r, const struct node *n, void *field, const void *arg)
{
    struct conn_vips *vips = field;
    struct conf_texts texts;

    (void)arg;
    if (!take_texts(r, n, &texts, NULL))
        return false;
    *vips = (struct conn_vips){.v = mem_take(r->mem, texts.n, sizeof(*vips->v)), .n = texts.n};
    for (unsigned i = 0; i < texts.n; i++) {
        const char *text = texts.v[i];

        if (strcmp(text, "%any") == 0 || strcmp(text, "%any4") == 0)
            vips->v[i].family = CV_IPV4;
        else if (strcmp(text, "%any6") == 0)
            vips->v[i].family = CV_IPV6;
        else if (!addr_parse(&vips->v[i], text))
            return problem_at(r->why, n, "expected an address, 0.0.0.0 or :: for any, not '%s'",
                              text);
    }
    return true;
}

/* Where peers are sent on to (RFC 5685): an address, or a name that they look up. */
static bool take_gateway(struct conf_reader *r, const struct node *n, void *field,
                         const void *arg)
{
    struct cv_id *id = mem_take(r->mem, 1, sizeof(*id));
    struct cv_addr addr;

    (void)arg;
    if (n->kind != NODE_VALUE || (!addr_parse(&addr, n->value) &&
                                  (!is_host_name(n->value) || strlen(n->value) > CV_ID_MAX)))
        return problem_at(r->why, n, "expected the address or the name of a gateway");
    gateway_parse(id, n->value);
    *(const struct cv_id **)field = id;
    return true;
}

/* ---- values ----------------------------------------------------------------- */

static bool take_version(struct conf_reader *r, const struct node *n, void *field,
                         const void *arg)
{
    static const struct conf_choice versions[] = {
        {"0",  0},
        {"1",  1},
        {"2",  2},
        {NULL, 0},
    };
    uint8_t *version = field;

    (void)arg;
    if (!take_choice(r, n, version, versions))
        return false;
    if (*version == 1)
        return problem_unsupported(r->why, n, "IKEv1 is not supported yet; use version = 2");
    return true;
}

static bool take_aggressive(struct conf_reader *r, const struct node *n, void *field,
                            const void *arg)
{
    bool on;

    (void)field;
    if (!take_bool(r, n, &on, arg))
        return false;
    if (on) {
        problem_at(r->why, n, "aggressive mode belongs to IKEv1; it has no effect here");
        conf_warning(r);
    }
    return true;
}

static bool take_local_port(struct conf_reader *r, const struct node *n, void *field,
                            const void *arg)
{
    static const struct conf_range range = {0, 65535};
    uint32_t port;

    (void)arg;
    if (!take_number(r, n, &port, &range))
        return false;
    if (port != 0 && port != 500)
        return problem_at(r->why, n,
                          "a port for one connection is not supported; culvert.port "
                          "is for all");
    *(uint16_t *)field = 0;
    return true;
}

/* 500 is what "not given" means: from there IKE moves to 4500 behind a NAT. */
static bool take_remote_port(struct conf_reader *r, const struct node *n, void *field,
                             const void *arg)
{
    uint16_t *port = field;

    if (!take_port(r, n, port, arg))
        return false;
    if (*port == 500)
        *port = 0;
    return true;
}

static bool take_tries(struct conf_reader *r, const struct node *n, void *field,
                       const void *arg)
{
    if (n->kind == NODE_VALUE && strcmp(n->value, "%forever") == 0) {
        *(uint32_t *)field = 0;
        return true;
    }
    return take_number(r, n, field, arg);
}

/* ---- keys ------------------------------------------------------------------- */

static const struct conf_choice fragmentations[] = {
    {"yes",    1},
    {"accept", 0}, /* fragments are taken whatever is chosen */
    {"no",     0},
    {"force",  1},
    {NULL,     0},
};
static const struct conf_choice send_certs[] = {
    {"always",  1},
    {"ifasked", 1},
    {"never",   0},
    {NULL,      0},
};
static const struct conf_choice uniques[] = {
    {"no",      CV_UNIQUE_NO     },
    {"never",   CV_UNIQUE_NEVER  },
    {"keep",    CV_UNIQUE_KEEP   },
    {"replace", CV_UNIQUE_REPLACE},
    {NULL,      0                },
};
static const struct conf_choice childlesses[] = {
    {"allow",  1               },
    {"never",  0               },
    {"prefer", CHILDLESS_PREFER},
    {"force",  CHILDLESS_FORCE },
    {NULL,     0               },
};

/* We take what comes without a Child SA, and always ask for one with the IKE SA ourselves. */
static bool take_childless(struct conf_reader *r, const struct node *n, void *field,
                           const void *arg)
{
    uint8_t *childless = field;

    (void)arg;
    if (!take_choice(r, n, childless, childlesses))
        return false;
    if (*childless == CHILDLESS_FORCE)
        return problem_unsupported(r->why, n,
                                   "an IKE SA that may only come without a Child SA is not "
                                   "supported; use allow");
    if (*childless == CHILDLESS_PREFER) {
        problem_at(r->why, n,
                   "'prefer' is 'allow' here: the first Child SA comes with the IKE SA");
        conf_warning(r);
        *childless = 1;
    }
    return true;
}

static const enum cv_protocol ike = CV_PROTO_IKE;
static const bool of_this_host = true;
enum { OCSP_REPLY = 1, OCSP_REQUEST = 2 };

static const struct conf_choice ocsps[] = {
    {"reply",   OCSP_REPLY               },
    {"request", OCSP_REQUEST             },
    {"both",    OCSP_REPLY | OCSP_REQUEST},
    {"never",   0                        },
    {NULL,      0                        },
};

static const struct conf_idle of_mode_config = {conf_only_yes,
                                                "it belongs to IKEv1's Mode Config"};
static const struct conf_idle of_dscp = {conf_only_zero, "IKE packets go without a DSCP"};

/* clang-format off */
#define FIELD(name) offsetof(struct conn_draft, name)
static const struct conf_key keys[] = {
    {"version",        take_version,     FIELD(version),       NULL          },
    {"local_addrs",    take_hosts,       FIELD(local),         &of_this_host},
    {"remote_addrs",   take_hosts,       FIELD(remote),        NULL},
    {"local_port",     take_local_port,  FIELD(local_port),    NULL          },
    {"remote_port",    take_remote_port, FIELD(remote_port),   NULL          },
    {"proposals",      take_proposals,   FIELD(proposals),     &ike},
    {"vips",           take_vips,        FIELD(vips),          NULL},
    {"pools",          take_texts,       FIELD(pools),         NULL},
    {"encap",          take_bool,        FIELD(encap),         NULL          },
    {"fleet",          take_bool,        FIELD(fleet),         NULL          },
    {"mobike",         take_bool,        FIELD(mobike),        NULL          },
    {"redirect",       take_gateway,     FIELD(redirect),      NULL          },
    {"dpd_delay",      take_time,        FIELD(dpd_delay),     NULL          },
    {"dpd_timeout",    take_time,        FIELD(dpd_timeout),   NULL          },
    {"fragmentation",  take_choice,      FIELD(fragmentation), fragmentations},
    {"childless",      take_childless,   FIELD(childless),     NULL          },
    {"send_certreq",   take_bool,        FIELD(send_certreq),  NULL          },
    {"send_cert",      take_choice,      FIELD(send_cert),     send_certs    },
    {"keyingtries",    take_tries,       FIELD(keyingtries),   NULL          },
    {"unique",         take_choice,      FIELD(unique),        uniques       },
    {"reauth_time",    take_time,        FIELD(reauth),        NULL          },
    {"rekey_time",     take_time,        FIELD(rekey),         NULL          },
    {"over_time",      take_time,        FIELD(over),          NULL          },
    {"rand_time",      take_time,        FIELD(rnd),           NULL          },
    {"aggressive",     take_aggressive,  0,                    NULL          },
    {"pull",           take_idle,        0,                    &of_mode_config},
    {"dscp",           take_idle,        0,                    &of_dscp      },
    {"if_id_in",       take_only,        0,                    conf_only_zero},
    {"if_id_out",      take_only,        0,                    conf_only_zero},
    {"mediation",      take_only,        0,                    conf_only_no  },
    {"ppk_required",   take_only,        0,                    conf_only_no  },
    {"ppk_id",         take_foreign,     0,                    NULL          },
    {"mediated_by",    take_foreign,     0,                    NULL          },
    {"mediation_peer", take_foreign,     0,                    NULL          },
    {"ocsp",           take_choice,      FIELD(ocsp),          ocsps         },
};
/* clang-format on */

static const char *const sections[] = {"local*", "remote*", "children", NULL};
static const struct conf_elsewhere elsewhere[] = {
    {&conf_child_table,    "a child: children { NAME { } }"         },
    {&conf_side_tables[1], "one of the sides: local { }, remote { }"},
    {&conf_side_tables[0], "the section of the peer: remote { }"    },
    {NULL,                 NULL                                     },
};
static const struct conf_table table = {keys, COUNT(keys), sections, elsewhere};

static const struct conn_draft defaults = {
    .dpd_delay = CONF_UNSET,
    .rekey = CONF_UNSET,
    .reauth = CONF_UNSET,
    .over = CONF_UNSET,
    .rnd = CONF_UNSET,
    .send_certreq = true,
    .mobike = true,
    .send_cert = 1,
    .ocsp = OCSP_REPLY,
    .fragmentation = 1,
    .childless = 1,
    .unique = CV_UNIQUE_NO,
};

/* ---- the section ------------------------------------------------------------ */

/* As strongSwan: rekeying is off when reauthentication is on and nothing else is said; the
 * grace time is 10 % of the longer one, the random part as long as the grace time. */
static void settle_times(struct conf_reader *r, const struct node *section,
                         struct conn_draft *d)
{
    uint64_t longest, shortest;
    bool given = d->rnd != CONF_UNSET;

    if (d->rekey == CONF_UNSET)
        d->rekey = d->reauth != CONF_UNSET && d->reauth > 0 ? 0 : REKEY_DEFAULT_S;
    if (d->reauth == CONF_UNSET)
        d->reauth = 0;
    longest = d->rekey > d->reauth ? d->rekey : d->reauth;
    shortest = d->rekey == 0 || (d->reauth > 0 && d->reauth < d->rekey) ? d->reauth : d->rekey;
    if (d->over == CONF_UNSET)
        d->over = longest / 10;
    if (!given)
        d->rnd = d->over < shortest ? d->over : shortest;
    if (given && shortest > 0 && d->rnd > shortest) {
        problem_at(
            r->why, section,
            "rand_time is more than rekey_time or reauth_time, and as long as that here");
        conf_warning(r);
        d->rnd = shortest;
    }
}

/* The only section of that kind; NULL when there is none. */
static bool find_round(struct conf_reader *r, const struct node *section, const char *pattern,
                       const struct node **out)
{
    *out = NULL;
    for (const struct node *n = section->first; n != NULL; n = n->next) {
        if (n->kind != NODE_SECTION || !conf_fits(pattern, n->name))
            continue;
        if (*out != NULL)
            return problem_unsupported(
                r->why, n, "a second round of authentication after '%s' is not supported yet",
                (*out)->name);
        *out = n;
    }
    return true;
}

/* What tells the peer which authorities we trust. */
static void fill_certreq(struct conf_reader *r, struct cv_conn *cv)
{
    uint8_t *hashes = NULL, *copy;
    size_t n;

    if (!cv->send_certreq || cv->remote.kind == CV_AUTH_PSK)
        return;
    n = creds_certreq(r->creds, cv->remote.host, &hashes);
    if (n > 0) {
        copy = mem_take(r->mem, n, 1);
        memcpy(copy, hashes, n);
        cv->certreq = (struct cv_span){copy, n};
    }
    free(hashes);
}

static bool read_auths(struct conf_reader *r, const struct node *section, struct cv_conn *cv)
{
    const struct node *local, *remote;
    bool ok = find_round(r, section, "local*", &local) || conf_error(r);

    ok = (find_round(r, section, "remote*", &remote) || conf_error(r)) && ok;
    ok = (conf_read_auth(r, local, true, &cv->local) || conf_error(r)) && ok;
    return (conf_read_auth(r, remote, false, &cv->remote) || conf_error(r)) && ok;
}

static bool read_children(struct conf_reader *r, const struct node *section, struct conn *conn)
{
    const struct node *children = tree_find(section, "children");
    const struct cv_child_config **v, **shunts;
    struct cv_conn *cv = &conn->cv;
    bool ok = true;
    size_t n = 0;

    if (children == NULL)
        return true;
    for (const struct node *c = children->first; c != NULL; c = c->next)
        n++;
    v = mem_take(r->mem, n, sizeof(*v));
    shunts = mem_take(r->mem, n, sizeof(*shunts));
    for (const struct node *c = children->first; c != NULL; c = c->next) {
        const struct cv_child_config *child = conf_read_child(r, c);

        if (child == NULL)
            ok = conf_error(r);
        else if (child_shunt(child) != SHUNT_NONE)
            shunts[conn->n_shunts++] = child;
        else
            v[cv->n_children++] = child;
    }
    cv->children = v;
    conn->shunts = shunts;
    conn->installed = mem_take(r->mem, n, sizeof(*conn->installed));
    return ok;
}

/* A tunnel that is to be up has to find out that it is not. */
static bool starts(const struct cv_conn *cv)
{
    for (unsigned i = 0; i < cv->n_children; i++)
        if (cv->children[i]->start_action & CV_ACTION_START)
            return true;
    return false;
}

static void fill(struct conn *c, const struct conn_draft *d)
{
    struct cv_conn *cv = &c->cv;

    cv->host = c;
    cv->stats = &c->stats;
    cv->local_addrs = d->local.v;
    cv->n_local_addrs = d->local.n;
    cv->remote_addrs = d->remote.v;
    cv->n_remote_addrs = d->remote.n;
    cv->local_port = d->local_port;
    cv->remote_port = d->remote_port;
    cv->proposals = d->proposals.v;
    cv->n_proposals = d->proposals.n;
    cv->send_certreq = d->send_certreq;
    cv->send_cert = d->send_cert != 0;
    cv->ocsp_reply = (d->ocsp & OCSP_REPLY) != 0;
    cv->ocsp_request = (d->ocsp & OCSP_REQUEST) != 0;
    cv->encap = d->encap;
    cv->fragmentation = d->fragmentation != 0;
    cv->mobike = d->mobike;
    cv->admission = d->fleet;
    cv->redirect = d->redirect;
    cv->childless = d->childless != 0;
    cv->unique = d->unique;
    cv->keyingtries = d->keyingtries;
    cv->rekey_s = d->rekey;
    cv->reauth_s = d->reauth;
    cv->over_s = d->over;
    cv->rand_s = d->rnd;
    cv->dpd_delay_s = d->dpd_delay != CONF_UNSET ? d->dpd_delay
                      : starts(cv)               ? DPD_DELAY_OF_STARTED_S
                                                 : 0;
    cv->vips = d->vips.v;
    cv->n_vips = d->vips.n;
    cv->has_pool = d->pools.n > 0;
    c->dpd_timeout_s = d->dpd_timeout;
    c->pools = d->pools.v;
    c->n_pools = d->pools.n;
    c->local_hosts = d->local.texts.v;
    c->n_local_hosts = d->local.texts.n;
    c->remote_hosts = d->remote.texts.v;
    c->n_remote_hosts = d->remote.texts.n;
}

struct conn *conn_build(const struct node *section, struct creds *creds, const char *file_dir,
                        struct problems *found)
{
    struct conn *c = mem_new(1, sizeof(*c));
    struct problem why = {.text = ""};
    struct conf_reader r = {
        .mem = &c->mem, .creds = creds, .dir = file_dir, .why = &why, .found = found};
    struct conn_draft d = defaults;
    bool ok = conf_read(&r, section, &table, &d);

    c->cv.name = mem_take_text(&c->mem, section->name);
    if (ok)
        settle_times(&r, section, &d);
    ok = read_auths(&r, section, &c->cv) && ok;
    if (!read_children(&r, section, c) || !ok) {
        conn_free(c);
        return NULL;
    }
    conf_default_proposals(&r, &d.proposals, CV_PROTO_IKE);
    fill(c, &d);
    fill_certreq(&r, &c->cv);
    if (c->cv.remote.kind != CV_AUTH_PSK)
        c->cv.cert_lookup = creds_has_cert_uris(r.creds);
    else
        c->cv.ocsp_request = false;
    c->source = tree_copy(section);
    return c;
}

void conn_free(struct conn *c)
{
    if (c == NULL)
        return;
    tree_free(c->source);
    mem_drop(&c->mem);
    free(c);
}
