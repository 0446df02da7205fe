/* Devices of the fleet.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FLEET_REGISTRY_DEVICE_H
#define FLEET_REGISTRY_DEVICE_H

#include "fleet/registry.h"

enum device_state { DEVICE_ACTIVE, DEVICE_SUSPENDED, DEVICE_REVOKED, DEVICE_STATES };
const char *device_state_name(enum device_state s); /* "active" */
bool device_state_of(const char *name, enum device_state *out);

/* What is known of a device's connection.  Counters are over its whole life. */
struct device_presence {
    bool online;
    char gateway[64];  /* the last one */
    char endpoint[64]; /* "198.51.100.7:4500", from outside */
    char address[48];  /* inside, the last one */
    int64_t since_s;   /* came up, or went down; 0: never seen */
    int64_t seen_s;    /* the last authentic packet */
    uint64_t rx, tx;   /* octets from and to the device */
    uint64_t rx_packets, tx_packets, drops;
};

/* Texts are without control characters.  "" where there is none. */
struct device {
    int64_t id;         /* never changes, never given to another */
    char name[64];      /* letters, digits, '.', '_', '-' */
    char identity[256]; /* as IKE has it, as text (text/text.h): "sensor-17.fleet" */
    char tenant[64], profile[64];
    enum device_state state;
    char credential[128];     /* "cert:" and the SHA-256 of the certificate in hex, or "psk" */
    int64_t credential_end_s; /* 0: has none */
    char address[48], address6[48]; /* for good */
    char hardware[128];             /* what it is locked to: an IMEI, a serial number */
    char tags[256];                 /* words with a space between, sorted */
    char notes[512];
    int64_t created_s, changed_s;
    struct device_presence presence;
};

/* ---- one -------------------------------------------------------------------- */

enum registry_err registry_device_get(struct registry *r, const char *name, struct device *out);
enum registry_err registry_device_by_id(struct registry *r, int64_t id, struct device *out);
enum registry_err registry_device_by_identity(struct registry *r, const char *identity,
                                              struct device *out);
enum registry_err registry_device_by_credential(struct registry *r, const char *credential,
                                                struct device *out);

/* Adds them all or none, and fills in their numbers and times.  A device with this name,
 * identity or address: REGISTRY_EXISTS. identity "" is the name. */
enum registry_err registry_device_add(struct registry *r, struct device *v, size_t n);

/* Which members registry_device_set takes over. */
enum device_field {
    DEVICE_NAME = 1 << 0,
    DEVICE_TENANT = 1 << 1,
    DEVICE_PROFILE = 1 << 2,
    DEVICE_STATE = 1 << 3,
    DEVICE_CREDENTIAL = 1 << 4, /* and its end */
    DEVICE_ADDRESS = 1 << 5,    /* both */
    DEVICE_HARDWARE = 1 << 6,
    DEVICE_TAGS = 1 << 7,
    DEVICE_NOTES = 1 << 8,
};
/* Changes these members of the device with d->id.  A revoked one stays revoked: REGISTRY_BAD.
 */
enum registry_err registry_device_set(struct registry *r, const struct device *d,
                                      unsigned fields);
/* Only a revoked device can be removed; what happened to it stays in the list of events. */
enum registry_err registry_device_remove(struct registry *r, const char *name);

/* A shared secret, which lists never show.  "" removes it. */
enum registry_err registry_secret_put(struct registry *r, int64_t device, const char *secret);
enum registry_err registry_secret_get(struct registry *r, int64_t device, char *out, size_t n);

/* "b a  b" becomes "a b".  False: too long. */
bool device_tags_sort(char tags[256]);

/* ---- many ------------------------------------------------------------------- */

enum { DEVICE_PAGE_MAX = 1000 };

/* Which devices; NULL, "" and 0 do not matter. */
struct device_filter {
    const char *tenant, *profile, *tag;
    const char *prefix;   /* of the name */
    const char *contains; /* in name, identity, hardware, address, notes */
    bool by_state;
    enum device_state state;
    bool online, offline, never_seen;
    int64_t silent_since_s;      /* not seen since then */
    int64_t credential_before_s; /* whose credential ends before then */
};

struct device_page {
    struct device_filter filter;
    const char *after; /* the name to begin behind; "" at first */
    unsigned limit;    /* at most DEVICE_PAGE_MAX; 0: 100 */
};

/* Tells devices by name.  next is where the next page begins, "" at the end.  However large
 * the fleet is, one call looks at a bounded part of it: a page may hold fewer devices than
 * there is room for, or none, and not be the last. */
typedef void device_each(void *ctx, const struct device *d);
enum registry_err registry_device_list(struct registry *r, const struct device_page *page,
                                       device_each *each, void *ctx, char next[64]);

struct device_counts {
    uint64_t all, by_state[DEVICE_STATES], online, never_seen;
};
/* By index; a tenant's or profile's own (NULL: of all). */
enum registry_err registry_device_count(struct registry *r, const char *tenant,
                                        const char *profile, struct device_counts *out);

/* ---- presence, by gateways ------------------------------------------------- */

/* What a gateway has seen of one device since it last wrote; counters are what was added. */
struct device_seen {
    int64_t device;
    struct device_presence now;
};
enum registry_err registry_seen(struct registry *r, const struct device_seen *v, size_t n);
/* Counters of all that are connected, by number. */
struct device_traffic {
    int64_t device;
    uint64_t rx, tx;
};
typedef void traffic_each(void *ctx, const struct device_traffic *t);
enum registry_err registry_traffic(struct registry *r, traffic_each *each, void *ctx);
/* A gateway begins: nobody is connected to it. */
enum registry_err registry_seen_none(struct registry *r);

#endif
