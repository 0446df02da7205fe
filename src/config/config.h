/* From configuration trees to connections: the keys of swanctl.conf.
 *
 * The same builder serves culvertd's own file and VICI's load-conn.  Unknown keys are
 * errors with the nearest known key; keys of strongSwan's that are not implemented are
 * errors that say so.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <culvert/policy.h>

#include "creds/creds.h"
#include "fleet/pools.h"
#include "kit/log.h"
#include "kit/mem.h"
#include "kit/tree.h"

/* mode = pass and drop: no Child SA, but traffic that goes around all, or nowhere. */
enum shunt { SHUNT_NONE = 0, SHUNT_PASS, SHUNT_DROP };

/* cv_child_config.host */
struct child_conf {
    uint8_t shunt; /* enum shunt */
    char *updown;  /* script, or NULL */
    bool hostaccess;
    uint32_t mark_in, mark_in_mask, mark_out, mark_out_mask, if_id_in, if_id_out;
    const char *interface; /* as configured; without effect */
    uint32_t priority;     /* of a shunt's policies; 0: by its kind and how narrow it is */
};

static inline enum shunt child_shunt(const struct cv_child_config *c)
{
    const struct child_conf *host = c->host;

    return host == NULL ? SHUNT_NONE : (enum shunt)host->shunt;
}

/* A shunt's own priority is at most this: what lies above is ours to order. */
#define POLICY_FIXED_MAX UINT32_C(0x3fffffff)

/* One connection with everything it points to; cv_conn.host points here. */
struct conn {
    struct cv_conn cv;
    char **remote_hosts; /* remote_addrs as written, names included; resolved when initiating */
    unsigned n_remote_hosts;
    char **local_hosts;
    unsigned n_local_hosts;
    char **pools;
    unsigned n_pools;
    const struct cv_child_config *const *shunts; /* not among cv.children */
    unsigned n_shunts;
    bool *installed;                  /* each of them: the daemon's */
    struct cv_conn_stats stats, zero; /* counted, and when they were last set back */
    uint64_t dpd_timeout_s;           /* as configured; without effect in IKEv2 */
    struct node *source; /* the tree it was built from: list-conns, and "is it unchanged?" */
    struct conn *next;   /* for the owner's list */
    bool leaving;        /* the file does not have it any more */
    struct mem mem;      /* holds everything above but source */
};

/* Does one side have its inner address from the other?  Around the tunnel nothing would find
 * the way to it. */
static inline bool conn_is_virtual(const struct cv_conn *c)
{
    return c->n_vips > 0 || c->has_pool;
}

/* section: name is the connection's, members as in swanctl.conf's connections.<conn>.
 * file_dir: where relative certs and cacerts names are looked up (x509/, x509ca/ below it);
 * NULL: VICI, where certs come as DER blobs.  NULL with all that is wrong among found. */
struct conn *conn_build(const struct node *section, struct creds *creds, const char *file_dir,
                        struct problems *found);
void conn_free(struct conn *c);
/* What is wrong with ours, missing, weak or without effect in a connection that could be built,
 * once all credentials are loaded; section is what it was built from.  False: an error, it can
 * never work. */
bool conn_check(const struct conn *c, const struct node *section, struct creds *creds,
                struct problems *found);

/* IKE messages leave later than they could, to try out a slow network. */
struct send_delay {
    uint32_t ms;       /* 0: none does */
    uint32_t exchange; /* of this type alone; 0: of any */
    bool requests, responses;
};

/* One of each family at most; family 0: none. */
struct own_addrs {
    struct cv_addr v4, v6;
};

/* The culvert { } section: our own settings. */
struct daemon_settings {
    struct cv_limits limits;
    struct cv_limits given; /* what the section says of them; 0: it follows */
    uint32_t max_devices;   /* likewise; 0: as many as there are connections, 1000 at least */
    struct cv_settings engine; /* crypto, limits and worker left for the daemon to fill */
    uint16_t port, port_nat_t; /* 500, 4500 */
    char *tun_name;            /* "culvert%d" */
    unsigned tun_mtu;
    uint8_t log_levels[LOG_GROUPS]; /* 0..4 as strongSwan's, by what it is about */
    char *save_keys;                /* directory that gets every key; NULL: none does */
    uint32_t sign_threads;          /* make and check signatures; 0: the loop does */
    uint32_t sign_queue;            /* questions that may wait for them */
    bool install_routes;
    bool install_virtual_ip;
    bool offload;           /* several packets in one system call, as far as the kernel can */
    uint8_t drop_cleartext; /* what comes in the clear though policy protects it */
    uint8_t block_on_exit;  /* what is protected stays blocked when we are gone */
    char *dns;              /* the script that DNS servers are handed to; NULL: none */
    struct own_addrs tun_addrs; /* our own inside */
    char *renew;                /* the command that renews our certificates; NULL: none */
    char *user;                 /* run as this user once sockets are open; NULL: stay */
    char *registry;  /* of the fleet: a path or postgresql://...; NULL: fleet.db in the state
                        directory, for connections of the fleet */
    char *gateway;   /* our name there; NULL: the host's */
    bool strict;     /* a file with any error changes nothing */
    bool cache_crls; /* revocation lists that are fetched become files, too */
    struct send_delay delay;
    bool openssl_alone; /* not the fastest crypto backend that the machine has */
};

/* A whole configuration file. */
struct conf {
    struct daemon_settings settings;
    struct conn *conns; /* list */
    char **refused;     /* names of connections with errors, which are not in the list */
    size_t n_refused, cap_refused;
    struct problems found; /* all errors and warnings */
};

/* One section of pools, from a file or over VICI: reads it and puts it to the others. */
bool conf_load_pool(struct pools *pools, const struct node *section, struct problems *found);

/* What is read, and how. */
struct conf_source {
    const char *path;
    const char *strongswan; /* strongswan.conf; NULL: the one beside path, if there is one */
    bool lenient;           /* what is right loads, whatever else is in the file */
};

/* Reads a file: connections, secrets, pools, authorities, culvert.  Credentials and pools go
 * into the given stores.  out->found has all errors and warnings, each with file, line, key,
 * what was expected, nearest key, whatever the result; out is to be freed in any case.
 *
 * A connection, secret, pool or authority that asks for what we cannot do is refused by itself,
 * and the others load; with lenient so is one with a slip.  False, and no connection: the file
 * cannot be read, its culvert section or its top level is wrong, none of its connections loads,
 * or there is a slip and nobody is lenient, or culvert.strict is set and there is any error. */
CV_MUST_USE bool conf_load(struct conf *out, const struct conf_source *from,
                           struct creds *creds, struct pools *pools);
/* The same into stores of its own, for what is found; true: so would it load. */
bool conf_check(const struct conf_source *from, struct problems *found);
/* Was that connection refused? */
bool conf_refused(const struct conf *c, const char *name);
void conf_free(struct conf *c);

/* The folder beside a configuration file that revocation lists are in; to be freed with free().
 */
char *conf_list_folder(const char *path);
/* The file that is read when none is named: ours, or NULL where there is none.  strongSwan's
 * comes by swanctl --load-all, or is named. */
const char *conf_default_file(void);

/* One entry of secrets { }, e.g. ike-1 { id = x  secret = y } or private { file = ... }; also
 * used for load-shared. */
bool conf_load_secret(const struct node *section, struct creds *creds, const char *file_dir,
                      struct problems *found);

#endif
