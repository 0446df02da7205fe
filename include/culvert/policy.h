/* What the operator wants: connections, their children, proposals, identities; and policies
 * on packets.
 *
 * The host owns these structs and everything they point to; the engine keeps
 * pointers.  A connection given to cv_conn_add stays unchanged and alive until
 * cv_conn_remove was called and cv_conn_users returns 0.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CULVERT_POLICY_H
#define CULVERT_POLICY_H

#include <culvert/crypto.h>
#include <culvert/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CV_TRANSFORMS_MAX 24 /* in one configured proposal */

struct cv_transform {
    uint8_t type;     /* cv_transform_type */
    uint16_t id;      /* IANA number */
    uint16_t key_len; /* bits; 0 when the algorithm has one length */
};

enum cv_protocol { CV_PROTO_IKE = 1, CV_PROTO_AH = 2, CV_PROTO_ESP = 3 };

/* One proposal: any listed transform of each type is acceptable, the first of a
 * type is preferred. */
struct cv_proposal {
    uint8_t protocol;
    uint8_t n;
    struct cv_transform t[CV_TRANSFORMS_MAX];
};

enum cv_auth_kind { CV_AUTH_ANY = 0, CV_AUTH_PSK, CV_AUTH_PUBKEY };

/* How one side proves who it is. */
struct cv_auth {
    uint8_t kind;     /* cv_auth_kind */
    struct cv_id id;  /* local: what we send.  remote: what we accept; CV_ID_ANY is all */
    const void *host; /* the host's own notes (certificates, CA constraints); passed back */
};

enum cv_mode { CV_TUNNEL = 0, CV_TRANSPORT = 1 };

/* start_action may be TRAP and START together. */
enum cv_action {
    CV_ACTION_NONE = 0,
    CV_ACTION_TRAP = 1,
    CV_ACTION_START = 2,
    CV_ACTION_CLEAR = 4
};

/* Seconds, octets, packets; 0 is "no limit".  An SA asks for its rekey at
 * rekey - random(rand) and ends at hard. */
struct cv_lifetime {
    uint64_t rekey_s, rand_s, hard_s;
    uint64_t rekey_bytes, rand_bytes, hard_bytes;
    uint64_t rekey_packets, rand_packets, hard_packets;
};

/* A configured traffic selector.  dynamic: the address part is replaced by the
 * virtual address or the endpoint's own when the SA is negotiated. */
struct cv_ts_config {
    bool dynamic;
    struct cv_ts ts;
};

/* Flow padding up to what the path carries, or 1,280 octets outside while that is not known. */
#define CV_TFC_MTU UINT16_MAX

struct cv_child_config {
    const char *name;
    const struct cv_proposal *proposals;
    unsigned n_proposals;
    const struct cv_ts_config *local_ts;
    unsigned n_local_ts;
    const struct cv_ts_config *remote_ts;
    unsigned n_remote_ts;
    uint8_t mode; /* cv_mode */
    uint8_t start_action, dpd_action, close_action;
    bool clear_df;       /* the DF bit never travels outside: what is too large is fragmented
                            there, and nobody is told */
    bool fragment_after; /* tunnel mode: an IPv4 packet that is too large and may be fragmented
                            is so outside, instead of before it is sealed */
    uint16_t tfc;        /* tunnel mode ESP: inner packets are padded to so many octets, as far
                            as the path is known to allow; CV_TFC_MTU; 0: not */
    bool minimal_esp;    /* RFC 9333: sequence numbers from the clock, no padding that is not
                            needed.  Such an SA is rekeyed after 20 days, and ends after 24 */
    bool nested;         /* its packets travel inside another Child SA, in both directions, or
                            not at all: AH around ESP, iterated tunnels (RFC 4301 section 4.1) */
    bool require_transport; /* refuse tunnel mode when transport was asked for */
    uint32_t reqid;         /* 0: the engine gives one */
    uint32_t replay_window; /* packets; 0 switches the check off */
    struct cv_lifetime life;
    uint64_t inactivity_s; /* 0: never */
    const void *host;      /* the host's own notes: updown script, marks */
};

enum cv_unique { CV_UNIQUE_NO = 0, CV_UNIQUE_NEVER, CV_UNIQUE_KEEP, CV_UNIQUE_REPLACE };

/* Whole messages of an exchange that were taken or made; repeats do not count again. */
struct cv_exchange_stats {
    uint64_t requests_in, responses_in, requests_out, responses_out;
};

/* What one connection's SAs did: of a responder from the moment on at which its peer is known.
 */
struct cv_conn_stats {
    uint64_t ike_rekeyed, ike_rekeyed_by_us, child_rekeyed, invalid;
    struct cv_exchange_stats sa_init, auth, create_child, informational;
};

struct cv_conn {
    const char *name;
    const struct cv_addr_range *local_addrs; /* none: any */
    unsigned n_local_addrs;
    const struct cv_addr_range *remote_addrs; /* none: any */
    unsigned n_remote_addrs;
    uint16_t local_port, remote_port; /* 0: 500, then 4500 behind a NAT */
    const struct cv_proposal *proposals;
    unsigned n_proposals;
    struct cv_auth local, remote;
    struct cv_span certreq; /* SHA-1 hashes of trusted CA keys, 20 octets each, or empty */
    bool send_certreq;
    bool send_cert;     /* include certificates when signing */
    bool cert_lookup;   /* certificates may come as URLs (RFC 7296 section 3.6) */
    bool ocsp_request;  /* ask the peer for OCSP answers about its certificates (RFC 4806) */
    bool ocsp_reply;    /* give them when it asks */
    bool encap;         /* behave as if a NAT were between: always UDP */
    bool fragmentation; /* RFC 7383 */
    bool mobike;
    const struct cv_id *redirect; /* responder: peers that follow are sent to this gateway, an
                                     address or a name; NULL: they are not */
    bool childless;
    uint8_t unique;       /* cv_unique */
    unsigned keyingtries; /* the host's: attempts, each a cv_initiate of its own; 0: for ever */
    uint64_t rekey_s, reauth_s, over_s, rand_s; /* IKE SA lifetimes; 0: never */
    uint64_t dpd_delay_s;                       /* 0: no liveness checks */
    const struct cv_addr *vips; /* initiator: to ask for; zero octets: any of the family */
    unsigned n_vips;
    bool has_pool;  /* responder: assign addresses through CV_NEED_ADDRESS */
    bool admission; /* responder: CV_NEED_ADMISSION decides about each peer that has proven
                       who it is */
    const struct cv_child_config *const *children;
    unsigned n_children;
    struct cv_conn_stats *stats; /* the host's, counted up by the engine; NULL: nobody counts */
    const void *host;
};

/* ---- policies on packets (RFC 4301 section 4.4.1) ------------------------- */

enum cv_policy_action { CV_POLICY_PROTECT = 1, CV_POLICY_BYPASS, CV_POLICY_DISCARD };

enum cv_direction { CV_OUT = 1, CV_IN = 2, CV_BOTH = CV_OUT | CV_IN };

/* Lower numbers come first.  All SAs stand together at CV_PRIORITY_SA: a bypass or discard
 * below is stronger than any SA, the others are for what no SA takes. */
#define CV_PRIORITY_SA UINT32_C(0x80000000)

/* local is the source of what goes out and the destination of what comes in. */
struct cv_policy {
    uint8_t action;     /* cv_policy_action */
    uint8_t directions; /* cv_direction */
    uint32_t priority;  /* equal: the one added first */
    uint32_t cookie;    /* the host's own, e.g. which child to negotiate */
    struct cv_ts local, remote;
};

#ifdef __cplusplus
}
#endif

#endif
