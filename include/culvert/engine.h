/* The engine: packets and time go in; packets, effects and a deadline come out.
 *
 * It opens no socket, reads no clock, allocates nothing after cv_engine_init and
 * has no global state.  One thread at a time may use one engine; engines share
 * nothing.  The host's loop is:
 *
 *     cv_input(e, pkts, n, now)       for what the sockets brought
 *     cv_output(e, pkts, n, now)      for what TUN or the stack wants to send
 *     cv_clear(e, pkts, n, now)       for IP packets that came outside any tunnel
 *     cv_tick(e, now)                 when cv_next_deadline(e) has come
 *     while (cv_next_effect(e, &fx))  after each of these: carry fx out
 *
 * now_ms is monotonic, in milliseconds, and never goes back.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CULVERT_ENGINE_H
#define CULVERT_ENGINE_H

#include <culvert/crypto.h>
#include <culvert/error.h>
#include <culvert/packet.h>
#include <culvert/policy.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CV_NO_DEADLINE UINT64_MAX

struct cv_engine;
struct cv_plane; /* plane.h */
struct cv_watch; /* watch.h */

/* ---- lifecycle ------------------------------------------------------------ */

/* Table sizes.  Full means refuse and count. */
struct cv_limits {
    uint32_t ike_sas;
    uint32_t child_sas;
    uint32_t conns;
    uint32_t handshakes;   /* initial exchanges and rekeys at one time */
    uint32_t messages;     /* buffers for retransmission and reassembly */
    uint32_t message_size; /* octets of the largest IKE message, reassembled */
    uint32_t effects;      /* out-queue slots; at least 16 */
    uint32_t hot_keys;     /* keys that the crypto backend holds expanded at one time, two for
                              each Child SA that carries traffic; others are expanded when a
                              packet comes.  0: two for every Child SA, up to 65536 */
    uint32_t policies;     /* of cv_policy_add; 0: none, and no memory for them */
    uint32_t gathers;      /* messages that come in fragments at one time; 0: as many as
                              handshakes */
    uint32_t roams; /* IKE SAs at one time that move, or whose peer has more addresses than the
                       one in use; 0: as many as handshakes */
};

struct cv_settings {
    struct cv_limits limits;
    const struct cv_crypto *crypto;
    const struct cv_plane *plane; /* NULL: the engine's own, through which packets go */
    void *plane_ctx;
    const struct cv_watch *watch; /* NULL: nobody sees messages or keys; the host's own, which
                                     it may change between calls */
    bool ignore_redirects;        /* to other gateways (RFC 5685) */
    uint8_t worker, worker_bits;  /* our number, in the top bits of every SPI we choose */
    uint16_t fragment_size; /* IKE datagrams above this are fragmented, IP and UDP included; 0:
                               1280 */
    uint32_t retransmit_ms; /* first time-out; 0: 2000 */
    uint32_t retransmit_tries;    /* resends before the peer counts as silent; 0: 5 */
    uint16_t retransmit_base_pct; /* growth per try in percent; 0: 180 */
    uint32_t retransmit_limit_ms; /* cap on one time-out; 0: none */
    uint32_t half_open_ms;        /* responder gives up an unfinished handshake; 0: 30000 */
    uint16_t tunnel_mss;   /* TCP SYNs through Child SAs announce at most this; 0: left alone */
    uint32_t answer_ms;    /* how long the host has for an answer; 0: 30000 */
    uint32_t keepalive_ms; /* NAT keepalive interval; 0: 20000; UINT32_MAX: never */
    uint32_t cookie_threshold; /* half-open SAs from addresses that are only claimed, before
                                  everybody is asked for cookies; 0: 10 */
    uint32_t children_max;     /* Child SAs that one peer may ask for in an IKE SA; 0: 64 */
    uint32_t block_threshold;  /* half-open SAs from one proven source (IPv4 address, IPv6 /64)
                                  before it is refused; 0: never, for the busiest gives way */
};

/* The first of the limits with which no engine works, and what it needs: "messages: at least
 * 8"; NULL when all are fine. */
const char *cv_limits_fault(const struct cv_limits *limits);

/* Octets of memory that cv_engine_init needs for these limits; with a plane of the host's it
 * uses less. */
size_t cv_engine_size(const struct cv_limits *limits);

/* Sets up an engine in mem (aligned for max_align_t), which the caller owns and may
 * free after cv_engine_close.  CV_ERR_ARGUMENT: mem too small, or see cv_limits_fault. */
CV_MUST_USE enum cv_err cv_engine_init(struct cv_engine **out, void *mem, size_t mem_size,
                                       const struct cv_settings *settings, uint64_t now_ms);

/* Forgets every SA without telling the peers and wipes all keys. */
void cv_engine_close(struct cv_engine *e);

/* ---- policy --------------------------------------------------------------- */

/* CV_ERR_FULL: as many are configured as the limit says, or twice as many with those that were
 * removed and are still used. */
CV_MUST_USE enum cv_err cv_conn_add(struct cv_engine *e, const struct cv_conn *conn);

/* No new SA will use conn.  SAs that do go on; see cv_conn_users. */
void cv_conn_remove(struct cv_engine *e, const struct cv_conn *conn);

/* IKE and Child SAs, and exchanges in progress, that still point to conn. */
unsigned cv_conn_users(const struct cv_engine *e, const struct cv_conn *conn);

/* A policy on packets (RFC 4301 section 4.4.1), by number until it is removed; the engine keeps
 * a copy.  Without any, what has an SA is protected, an outbound packet without one is
 * CV_ERR_NO_TUNNEL, and an inbound one in the clear may pass.
 * CV_ERR_FULL; CV_ERR_UNSUPPORTED: the plane is the host's; CV_ERR_ARGUMENT: no action, no
 * direction, selectors of no family or of two. */
CV_MUST_USE enum cv_err cv_policy_add(struct cv_engine *e, const struct cv_policy *policy,
                                      uint32_t *number);
void cv_policy_remove(struct cv_engine *e, uint32_t number);

/* The first policy for an IP packet in this direction (cv_direction), or NULL; valid until it
 * is removed.  After CV_ERR_NO_TUNNEL its cookie says what to negotiate. */
const struct cv_policy *cv_policy_find(const struct cv_engine *e, uint8_t direction,
                                       struct cv_span packet);

/* ---- commands ------------------------------------------------------------- */

/* Starts an IKE SA of conn from local to remote, or uses the one with that peer that is up or
 * on its way (local then does not count), and negotiates child in it; NULL: no child, the IKE
 * SA alone.  ike, when not NULL, gets the IKE SA's number, which the events about it carry:
 * what becomes of child is told by CV_EV_CHILD_UP, CV_EV_CHILD_FAILED or CV_EV_IKE_DOWN.
 * CV_ERR_FULL: no room for the IKE SA or the child, and nothing has begun; other errors: the
 * first message could not be made.  No event follows an error. */
CV_MUST_USE enum cv_err cv_initiate(struct cv_engine *e, const struct cv_conn *conn,
                                    const struct cv_child_config *child,
                                    const struct cv_endpoint *local,
                                    const struct cv_endpoint *remote, uint64_t now_ms,
                                    uint32_t *ike);

/* Deletes with the peer's knowledge; the event comes when the peer has answered or is
 * silent.  force: at once, one delete is sent and not repeated. */
CV_MUST_USE enum cv_err cv_terminate_ike(struct cv_engine *e, uint32_t ike, bool force,
                                         uint64_t now_ms);
CV_MUST_USE enum cv_err cv_terminate_child(struct cv_engine *e, uint32_t child, bool force,
                                           uint64_t now_ms);
/* An address of ours that leads to one of the peer's. */
struct cv_way {
    struct cv_addr local, remote;
};

#define CV_WAYS_MAX 8  /* that are tried for one IKE SA */
#define CV_ADDRS_MAX 8 /* of a host that peers hear of */

/* The host's addresses, without those of its tunnels: peers that speak MOBIKE are told of them
 * with IKE_AUTH, and later when cv_ways is called for their IKE SA.  More than CV_ADDRS_MAX are
 * left out. */
void cv_set_addresses(struct cv_engine *e, const struct cv_addr *addrs, size_t n);

/* MOBIKE (RFC 4555): these ways now lead to the peer of an established IKE SA, the best first.
 * Call it when addresses, links or routes have changed, and for CV_EV_WAYS.  Who began the IKE
 * SA decides: if the way in use is none of them, IKE and Child SAs move to the first that
 * answers. The other side only tells its addresses.  Without any way nothing changes.
 * CV_ERR_NOT_FOUND: no such SA is up; CV_ERR_UNSUPPORTED: the peer does not speak MOBIKE, or
 * the connection says that we do not. */
CV_MUST_USE enum cv_err cv_ways(struct cv_engine *e, uint32_t ike, const struct cv_way *ways,
                                size_t n, uint64_t now_ms);

/* The peer's addresses as far as they are known, the one in use first; returns how many. */
size_t cv_peer_addresses(const struct cv_engine *e, uint32_t ike, struct cv_addr *out,
                         size_t max);

/* Redirection (RFC 5685).  After CV_EV_REDIRECT: an IKE SA with the same children, up or
 * wanted, from local to the gateway's address remote; the old one ends at once if it is not up,
 * else when the new one is.  Within three seconds while it is not up. CV_ERR_NOT_FOUND: no such
 * SA, or one that the peer began; CV_ERR_PATH: remote is where it is already, or no host's;
 * CV_ERR_RATE: five times within as many minutes are enough. */
CV_MUST_USE enum cv_err cv_follow(struct cv_engine *e, uint32_t ike,
                                  const struct cv_endpoint *local,
                                  const struct cv_endpoint *remote, uint64_t now_ms,
                                  uint32_t *ike_new);
/* The peer of an IKE SA that it began shall go to gateway (CV_ID_IPV4, CV_ID_IPV6, CV_ID_FQDN);
 * if it has not gone after a minute, the SA ends.  CV_ERR_UNSUPPORTED: it does not follow. */
CV_MUST_USE enum cv_err cv_redirect(struct cv_engine *e, uint32_t ike,
                                    const struct cv_id *gateway, uint64_t now_ms);

/* The way to the peer may be another, or is back: what it has not answered goes out again now,
 * without counting, and if nothing waits it is asked whether it is there. */
CV_MUST_USE enum cv_err cv_probe(struct cv_engine *e, uint32_t ike, uint64_t now_ms);
CV_MUST_USE enum cv_err cv_rekey_ike(struct cv_engine *e, uint32_t ike, bool reauth,
                                     uint64_t now_ms);
CV_MUST_USE enum cv_err cv_rekey_child(struct cv_engine *e, uint32_t child, uint64_t now_ms);

/* ---- packets and time ----------------------------------------------------- */

/* Datagrams from the network.  Sets verdict, err and for CV_DELIVER off and len of
 * each packet; contents are changed in place. */
void cv_input(struct cv_engine *e, struct cv_packet *pkts, size_t n, uint64_t now_ms);

/* Inner IP packets for the network.  For CV_TRANSMIT off, len, local, remote,
 * carrier and tos are set; with CV_BYPASS the packet is as it was, and its way out is the
 * host's.  CV_ERR_DISCARD: a policy says so; CV_ERR_NO_TUNNEL: it is to be protected and no SA
 * is there; CV_ERR_NO_POLICY: there are policies, and none is for it. */
void cv_output(struct cv_engine *e, struct cv_packet *pkts, size_t n, uint64_t now_ms);

/* IP packets that came in the clear, before the host's stack takes or forwards them (RFC 4301
 * section 5.2).  CV_BYPASS: may pass; CV_DROP with CV_ERR_CLEARTEXT: policy or a Child SA
 * protects such packets, CV_ERR_DISCARD, or what does not parse.  IKE, ESP and AH to ourselves,
 * ICMP errors about them and neighbor discovery may pass. */
void cv_clear(struct cv_engine *e, struct cv_packet *pkts, size_t n, uint64_t now_ms);

/* A packet of this Child SA did not fit: the path carries at most mtu octets, as the host's
 * network knows.  For some ten minutes what is larger and must not be fragmented is
 * CV_ERR_TOO_BIG, and what may be is CV_SPLIT. */
void cv_path_mtu(struct cv_engine *e, uint32_t child, size_t mtu, uint64_t now_ms);

/* The same for a host whose network keeps no such knowledge: an ICMP message that came to it, a
 * whole IP packet.  Anybody can send one, so it counts only when it says Packet Too Big about a
 * packet that we could have sent, and at most 8 a second are looked at (RFC 4301
 * section 8.2.1). False: it changed nothing. */
bool cv_icmp(struct cv_engine *e, struct cv_span packet, uint64_t now_ms);

/* The first fragment of pkt, for which cv_output said CV_SPLIT, goes to first, a packet with
 * buf, cap and off of its own and nothing else; pkt becomes the rest.  Both are for cv_output,
 * first before pkt, which may have to be split again.  False: pkt is dropped, err says why. */
bool cv_split(struct cv_engine *e, struct cv_packet *pkt, struct cv_packet *first);

/* pkt, which cv_output refused with CV_ERR_TOO_BIG, becomes the ICMP message to its sender,
 * with the verdict CV_DELIVER.  False: such a packet gets no answer.  The host bounds how many
 * it asks for. */
bool cv_too_big(const struct cv_engine *e, struct cv_packet *pkt);

/* Does what is due.  Call when the deadline has come; earlier is harmless. */
void cv_tick(struct cv_engine *e, uint64_t now_ms);

/* The next time cv_tick has something to do; CV_NO_DEADLINE when never. */
uint64_t cv_next_deadline(const struct cv_engine *e);

/* ---- effects -------------------------------------------------------------- */

enum cv_effect_kind {
    CV_SEND = 1,       /* send.data to send.remote */
    CV_NEED_PSK,       /* answer with cv_answer_psk */
    CV_NEED_SIGNATURE, /* answer with cv_answer_signature */
    CV_NEED_VERIFY,    /* answer with cv_answer_verify */
    CV_NEED_ADMISSION, /* answer with cv_answer_admission */
    CV_NEED_ADDRESS,   /* answer with cv_answer_address */
    CV_FREE_ADDRESS,   /* the lease of this IKE SA is no longer used */
    CV_EVENT
};

enum cv_event_kind {
    CV_EV_IKE_UP = 1,
    CV_EV_IKE_DOWN,    /* err says why */
    CV_EV_IKE_REKEYED, /* ike is the old number, ike_new the new one */
    CV_EV_IKE_MOVED,   /* the peer's or our endpoint changed; authenticated */
    CV_EV_CHILD_UP,
    CV_EV_CHILD_DOWN,
    CV_EV_CHILD_REKEYED, /* child is the old number, child_new the new one */
    CV_EV_CHILD_FAILED,  /* negotiation of config child_cfg failed: err, by, notify */
    CV_EV_RETRANSMIT,    /* value: how many times by now */
    CV_EV_ADDRESS,       /* initiator: lease holds virtual addresses and DNS servers */
    CV_EV_AUTH_FAILED,   /* err says in what way; details stay here: by, asked */
    CV_EV_REJECTED,      /* we refuse a request, or what was answered to ours: err, asked, and
                            the notify that we sent, if any */
    CV_EV_PEER_NOTIFY,   /* the peer refuses what we ask for: the notify that it sent */
    CV_EV_COOKIES,       /* value 1: asking for cookies from now on; 0: no longer */
    CV_EV_PEER_ALARM,    /* the peer tells of tampering: err what, value how often by now */
    CV_EV_WAYS,     /* the peer of an IKE SA that we began has told other addresses, or does
                       not answer: the host is to say which ways lead to it, by cv_ways */
    CV_EV_REDIRECT, /* the peer of an IKE SA that we began sends us to gateway, an address or
                       a name: cv_follow goes there (RFC 5685) */
    CV_EV_TAKEN,    /* the peer of ike was refused addresses that child has, an SA of
                       ike_new, whose peer is somebody else */
    CV_EV_ALARM     /* data plane: err is what happened, value how often since the last one */
};

#define CV_LEASE_DNS_MAX 4

/* Virtual addresses (RFC 7296 section 3.15); family 0 when absent. */
struct cv_lease {
    struct cv_addr v4, v6;
    uint8_t v6_prefix; /* 128 when unsure */
    uint8_t n_dns;
    struct cv_addr dns[CV_LEASE_DNS_MAX];
    /* Whatever else the device is told: attributes as RFC 7296 section 3.15.1 writes them,
     * type, length and value.  To be sent, those besides addresses and dns; in CV_EV_ADDRESS
     * all that came.  Where no message buffer is free they stay unsaid. */
    struct cv_span attributes;
};

/* Who says no. */
enum cv_by {
    CV_BY_NOBODY =
        0, /* nobody refuses: something is missing on our side, or it took too long */
    CV_BY_US,
    CV_BY_PEER
};

/* What the peer's message asks for, as it came: bodies of payloads (RFC 7296 sections 3.3, 3.5
 * and 3.13).  Empty is what it did not say, and all of it where there was no room to keep it.
 * For IKE_SA_INIT sa alone; nothing of it is authentic then. */
struct cv_asked {
    struct cv_span sa, tsi, tsr, idi, idr;
};

#define CV_CERTS_MAX 8
#define CV_CERT_WORDS_MAX 4

/* Certificate encodings other than X.509 itself, RFC 7296 section 3.6. */
enum cv_cert_encoding {
    CV_CERT_HASH_URL = 12, /* 20 octets of SHA-1 over a certificate, and where it is */
    CV_CERT_OCSP = 14      /* an OCSP response (RFC 4806) */
};

/* One CERT payload of such an encoding; first: it came before all X.509 certificates. */
struct cv_cert_word {
    uint8_t encoding; /* cv_cert_encoding */
    bool first;
    struct cv_span data;
};

/* RFC 7296 section 3.8 and RFC 7427 */
enum cv_auth_method {
    CV_METHOD_RSA = 1,
    CV_METHOD_PSK = 2,
    CV_METHOD_ECDSA_256 = 9,
    CV_METHOD_ECDSA_384 = 10,
    CV_METHOD_ECDSA_521 = 11,
    CV_METHOD_DIGITAL_SIGNATURE = 14
};

/* Every span is valid until the next call into the engine except cv_next_effect and
 * the cv_*_info functions.  What a question (CV_NEED_*) shows, identities and octets, is valid
 * only until the next call into the engine, cv_next_effect included: a host that answers later
 * takes a copy. */
struct cv_effect {
    uint8_t kind;               /* cv_effect_kind */
    uint32_t ike;               /* IKE SA number, 0 when none */
    const struct cv_conn *conn; /* NULL before one is chosen */
    uint32_t question;          /* of a question: its number, which its answer names; else 0 */
    uint64_t deadline_ms;       /* of a question: the engine waits until then */
    union {
        struct {
            struct cv_endpoint local, remote;
            uint8_t carrier; /* CV_UDP_500 or CV_UDP_4500; the marker is in data already */
            struct cv_span data;
        } send;
        struct { /* the secret that local_id and remote_id share */
            const struct cv_id *local_id, *remote_id;
        } psk;
        struct { /* sign octets (RFC 7296 section 2.15) as local_id */
            const struct cv_id *local_id, *remote_id;
            struct cv_span octets;
            uint16_t hashes; /* bit set of 1 << cv_hash_id the peer announced; 0: no RFC 7427 */
            uint8_t identity_hash;  /* peer announced hash 5, "Identity": Ed25519 may be used
                                       (RFC 8420) */
            struct cv_span certreq; /* the peer's CA key hashes */
            bool wants_ocsp; /* it asks for OCSP answers, and the connection gives them */
            bool takes_urls; /* certificates may be URLs */
        } sign;
        struct { /* check that remote_id made signature over octets */
            const struct cv_id *remote_id, *local_id;
            uint8_t method;
            struct cv_span octets,
                signature; /* RFC 7427: signature starts with ASN.1 length octet */
            const struct cv_span *certs; /* DER, the peer's own first */
            unsigned n_certs;
            const struct cv_cert_word *words; /* and what it sent besides */
            unsigned n_words;
        } verify;
        struct { /* may it come in?  It has proven that it is remote_id */
            const struct cv_id *remote_id;
        } admission;
        struct { /* assign addresses; want_v4/want_v6 with zero octets: any */
            const struct cv_id *remote_id;
            struct cv_addr want_v4, want_v6;
        } address;
        struct {
            uint8_t kind; /* cv_event_kind */
            enum cv_err err;
            uint8_t by;      /* cv_by: of a refusal */
            uint16_t notify; /* IKE notify type involved; 0: none */
            uint32_t ike_new, child, child_new, value;
            const struct cv_child_config *child_cfg;
            const struct cv_id *local_id, *remote_id; /* as configured, as the peer says; NULL:
                                                         not known (yet) */
            union {
                struct cv_lease lease; /* CV_EV_ADDRESS */
                struct cv_asked asked; /* CV_EV_REJECTED, CV_EV_AUTH_FAILED */
                struct cv_id gateway;  /* CV_EV_REDIRECT */
            };
            struct cv_endpoint local, remote;
        } event;
    } u;
};

/* Takes the oldest effect.  False when there is none; only then does the engine let
 * go of SAs that have ended, so that cv_ike_info still answers for them meanwhile. */
bool cv_next_effect(struct cv_engine *e, struct cv_effect *fx);

/* Where children of a connection are nested, its IKE messages go inside other connections'
 * Child SAs, too, if any carry them.  fx is a CV_SEND that was just taken; pkt has a buffer,
 * and off with room for the headers to come (packet.h).  True: instead of fx the host does what
 * pkt's verdict says.  False: fx goes as always. */
bool cv_send_nested(struct cv_engine *e, const struct cv_effect *fx, struct cv_packet *pkt,
                    uint64_t now_ms);

/* ---- answers -------------------------------------------------------------- */

struct cv_signature {
    uint8_t method;      /* cv_auth_method */
    struct cv_span data; /* the AUTH payload's data; RFC 7427: with AlgorithmIdentifier */
    struct cv_span certs[CV_CERTS_MAX];
    unsigned n_certs;
    struct cv_cert_word words[CV_CERT_WORDS_MAX]; /* first: goes before certs */
    unsigned n_words;
};

/* The answer to a question, by the number that its effect gave; err other than CV_OK says why
 * there is none.  It may come at once or at any later time, in any order with other answers;
 * the engine copies what it keeps.  A question that has no answer by its deadline ends the
 * attempt with CV_ERR_NO_ANSWER: the host's fault, not the peer's.
 *
 * CV_ERR_NOT_FOUND: nobody waits for this answer (any more), as it came too late or twice, or
 * is of another kind than the question, or the SA has ended; nothing has changed, and a lease
 * offered stays the host's.  CV_ERR_BUSY: effects are to be drained first; the question waits.
 */
CV_MUST_USE enum cv_err cv_answer_psk(struct cv_engine *e, uint32_t question, enum cv_err err,
                                      struct cv_span secret, uint64_t now_ms);
CV_MUST_USE enum cv_err cv_answer_signature(struct cv_engine *e, uint32_t question,
                                            enum cv_err err, const struct cv_signature *sig,
                                            uint64_t now_ms);
CV_MUST_USE enum cv_err cv_answer_verify(struct cv_engine *e, uint32_t question,
                                         enum cv_err err, uint64_t now_ms);
/* CV_ERR_NOT_ADMITTED: no, and the peer hears AUTHENTICATION_FAILED; CV_ERR_REGISTRY: nobody
 * knows just now, and it hears TEMPORARY_FAILURE. */
CV_MUST_USE enum cv_err cv_answer_admission(struct cv_engine *e, uint32_t question,
                                            enum cv_err err, uint64_t now_ms);
CV_MUST_USE enum cv_err cv_answer_address(struct cv_engine *e, uint32_t question,
                                          enum cv_err err, const struct cv_lease *lease,
                                          uint64_t now_ms);

/* ---- inspection ----------------------------------------------------------- */

enum cv_ike_state {
    CV_IKE_CONNECTING = 1,
    CV_IKE_ESTABLISHED,
    CV_IKE_REKEYING,
    CV_IKE_REKEYED,
    CV_IKE_DELETING,
    CV_IKE_DEAD
};

enum cv_child_state {
    CV_CHILD_CREATED = 1, /* being negotiated */
    CV_CHILD_INSTALLED,
    CV_CHILD_REKEYING,
    CV_CHILD_REKEYED,
    CV_CHILD_DELETING,
    CV_CHILD_DEAD
};

struct cv_suite {
    uint16_t encr, encr_bits, integ, prf, ke, esn;
};

/* What an IKE SA does, or is to do when its outstanding request is answered. */
enum cv_task {
    CV_TASK_IKE_INIT = 0,
    CV_TASK_IKE_AUTH,
    CV_TASK_IKE_REKEY,
    CV_TASK_IKE_REAUTH,
    CV_TASK_IKE_DELETE,
    CV_TASK_CHILD_CREATE,
    CV_TASK_CHILD_REKEY,
    CV_TASK_CHILD_DELETE,
    CV_TASK_LIVENESS, /* an empty INFORMATIONAL: is the peer still there? */
    CV_TASK_ALERT,    /* the peer is told of tampering */
    CV_TASK_REDIRECT, /* the peer is sent to another gateway (RFC 5685) */
    CV_TASK_MOBIKE,   /* of addresses, or where it is (RFC 4555) */
    CV_TASK_COUNT
};

struct cv_ike_info {
    uint32_t id;
    uint8_t state; /* cv_ike_state */
    const struct cv_conn *conn;
    bool began; /* we did, whoever has rekeyed it since */
    bool initiator, nat_local, nat_remote, encap, mobike, fragmentation;
    uint8_t spi_i[8], spi_r[8];
    struct cv_endpoint local, remote;
    struct cv_id local_id, remote_id;
    struct cv_suite suite;
    uint64_t established_ms, rekey_at_ms, reauth_at_ms; /* CV_NO_DEADLINE: never */
    struct cv_lease lease; /* initiator: ours; responder: what we assigned */
    unsigned n_children, half_open;
    uint32_t queued, active; /* bit sets of 1 << cv_task; one at most is active */
};

/* Drops that are counted per Child SA. */
enum cv_child_drop {
    CV_CD_REPLAY = 0,
    CV_CD_ICV,
    CV_CD_SELECTOR,
    CV_CD_MALFORMED,
    CV_CD_CLEARTEXT, /* came without protection and should have come by this SA */
    CV_CD_COUNT
};

struct cv_child_info {
    uint32_t id, ike, reqid;
    uint8_t state; /* cv_child_state */
    uint8_t protocol, mode;
    bool encap;
    const struct cv_conn *conn;
    const struct cv_child_config *cfg;
    uint32_t spi_in, spi_out; /* host order */
    struct cv_suite suite;
    struct cv_ts_list local_ts, remote_ts;
    uint64_t packets_in, bytes_in, packets_out, bytes_out;
    uint64_t last_in_ms, last_out_ms; /* 0: never used */
    uint64_t installed_ms, rekey_at_ms, expire_at_ms;
    uint64_t drops[CV_CD_COUNT]; /* by enum cv_child_drop */
};

/* Walks IKE SAs: start with *at = 0, goes on while true.  The order is the table's. */
bool cv_ike_next(const struct cv_engine *e, uint32_t *at, struct cv_ike_info *out);
bool cv_ike_info(const struct cv_engine *e, uint32_t ike, struct cv_ike_info *out);
/* Walks the Child SAs of one IKE SA, or with ike 0 of all. */
bool cv_child_next(const struct cv_engine *e, uint32_t ike, uint32_t *at,
                   struct cv_child_info *out);
bool cv_child_info(const struct cv_engine *e, uint32_t child, struct cv_child_info *out);

struct cv_stats {
    uint64_t errors[CV_ERR_COUNT]; /* drops and failures by cv_err */
    uint64_t packets_in, packets_out, bytes_in, bytes_out;
    uint64_t ike_in, ike_out, ike_retransmits;
    uint32_t ike_sas, half_open, child_sas, handshakes, gathers, messages; /* in use */
    uint64_t ike_established, ike_rekeyed, child_established, child_rekeyed;
    uint64_t gave_way;          /* half-open SAs that made room for newcomers, and messages
                                   that stayed incomplete */
    uint64_t ike_rekeyed_by_us; /* of ike_rekeyed, those that we asked for */
    struct cv_exchange_stats sa_init, auth, create_child, informational;
};

void cv_get_stats(const struct cv_engine *e, struct cv_stats *out);

/* What can be full, so that somebody is refused or put off with CV_ERR_FULL. */
enum cv_limit {
    CV_LIMIT_IKE_SAS,    /* the tables of cv_limits */
    CV_LIMIT_HANDSHAKES, /* with the reserve that is kept for rekeys */
    CV_LIMIT_MESSAGES,
    CV_LIMIT_CHILD_SAS,
    CV_LIMIT_CHILDREN, /* cv_settings.children_max: of one IKE SA */
    CV_LIMIT_SOURCE,   /* cv_settings.block_threshold */
    CV_LIMIT_COUNT
};

struct cv_limit_met {
    uint64_t times;
    uint32_t value;            /* the limit */
    uint32_t ike;              /* whom it met last: an SA, or 0 where it has none */
    struct cv_endpoint remote; /* and where it is */
};

/* "ike_sas"; "unknown" for a value outside the list. */
const char *cv_limit_name(enum cv_limit limit);

/* How often the limit was met so far, and by whom last.  A host that says so compares times. */
void cv_get_limit(const struct cv_engine *e, enum cv_limit limit, struct cv_limit_met *out);

#ifdef __cplusplus
}
#endif

#endif
