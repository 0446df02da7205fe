/* IKEv2 messages as plain structs, RFC 7296 section 3.  Pure: knows no SA, no clock,
 * no log.  Parsers take a span and fill a struct whose spans point into it; encoders
 * append to a struct wr.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_IKE_H
#define WIRE_IKE_H

#include <culvert/error.h>
#include <culvert/policy.h>
#include <culvert/types.h>

#include "base/span.h"

enum { IKE_HDR_LEN = 28, IKE_PAYLOAD_HDR_LEN = 4, IKE_SPI_LEN = 8 };

enum ike_exchange {
    EX_SA_INIT = 34,
    EX_AUTH = 35,
    EX_CREATE_CHILD = 36,
    EX_INFORMATIONAL = 37
};

enum ike_flag { IKE_F_INITIATOR = 0x08, IKE_F_VERSION = 0x10, IKE_F_RESPONSE = 0x20 };

enum ike_payload {
    PL_NONE = 0,
    PL_SA = 33,
    PL_KE = 34,
    PL_IDI = 35,
    PL_IDR = 36,
    PL_CERT = 37,
    PL_CERTREQ = 38,
    PL_AUTH = 39,
    PL_NONCE = 40,
    PL_NOTIFY = 41,
    PL_DELETE = 42,
    PL_VENDOR = 43,
    PL_TSI = 44,
    PL_TSR = 45,
    PL_SK = 46,
    PL_CP = 47,
    PL_EAP = 48,
    PL_SKF = 53
};

enum ike_notify_type {
    N_UNSUPPORTED_CRITICAL_PAYLOAD = 1,
    N_INVALID_IKE_SPI = 4,
    N_INVALID_MAJOR_VERSION = 5,
    N_INVALID_SYNTAX = 7,
    N_INVALID_MESSAGE_ID = 9,
    N_INVALID_SPI = 11,
    N_NO_PROPOSAL_CHOSEN = 14,
    N_INVALID_KE_PAYLOAD = 17,
    N_AUTHENTICATION_FAILED = 24,
    N_SINGLE_PAIR_REQUIRED = 34,
    N_NO_ADDITIONAL_SAS = 35,
    N_INTERNAL_ADDRESS_FAILURE = 36,
    N_FAILED_CP_REQUIRED = 37,
    N_TS_UNACCEPTABLE = 38,
    N_INVALID_SELECTORS = 39,
    N_UNACCEPTABLE_ADDRESSES = 40, /* RFC 4555 */
    N_UNEXPECTED_NAT_DETECTED = 41,
    N_TEMPORARY_FAILURE = 43,
    N_CHILD_SA_NOT_FOUND = 44,
    N_ERROR_LAST = 16383, /* types up to here are errors */
    N_INITIAL_CONTACT = 16384,
    N_SET_WINDOW_SIZE = 16385,
    N_ADDITIONAL_TS_POSSIBLE = 16386,
    N_IPCOMP_SUPPORTED = 16387,
    N_NAT_DETECTION_SOURCE_IP = 16388,
    N_NAT_DETECTION_DESTINATION_IP = 16389,
    N_COOKIE = 16390,
    N_USE_TRANSPORT_MODE = 16391,
    N_HTTP_CERT_LOOKUP_SUPPORTED = 16392,
    N_REKEY_SA = 16393,
    N_ESP_TFC_PADDING_NOT_SUPPORTED = 16394,
    N_NON_FIRST_FRAGMENTS_ALSO = 16395,
    N_MOBIKE_SUPPORTED = 16396, /* RFC 4555 */
    N_ADDITIONAL_IP4_ADDRESS = 16397,
    N_ADDITIONAL_IP6_ADDRESS = 16398,
    N_NO_ADDITIONAL_ADDRESSES = 16399,
    N_UPDATE_SA_ADDRESSES = 16400,
    N_COOKIE2 = 16401,
    N_NO_NATS_ALLOWED = 16402,
    N_AUTH_LIFETIME = 16403,
    N_REDIRECT_SUPPORTED = 16406, /* RFC 5685 */
    N_REDIRECT = 16407,
    N_REDIRECTED_FROM = 16408,
    N_EAP_ONLY_AUTHENTICATION = 16417,
    N_CHILDLESS_IKEV2_SUPPORTED = 16418,
    N_IKEV2_FRAGMENTATION_SUPPORTED = 16430,
    N_SIGNATURE_HASH_ALGORITHMS = 16431,
    /* private use, between peers that both announce the first: ike/alert.c */
    N_CULVERT_ALERTS_SUPPORTED = 41409,
    N_CULVERT_ALERT = 41410
};

/* "NO_PROPOSAL_CHOSEN"; NULL for a number we do not know. */
const char *ike_notify_name(uint16_t type);
/* The error notify that says err to the peer, and what one that came means. */
uint16_t notify_of_err(enum cv_err err);
enum cv_err err_of_notify(uint16_t type);
const char *ike_exchange_name(uint8_t type);

struct ike_hdr {
    uint8_t spi_i[IKE_SPI_LEN], spi_r[IKE_SPI_LEN];
    uint8_t next, version, exchange, flags;
    uint32_t msg_id, length;
};

/* CV_ERR_SHORT below 28 octets, CV_ERR_MALFORMED when length is not the datagram's.
 * The version is not judged here. */
CV_MUST_USE enum cv_err ike_parse_hdr(struct ike_hdr *out, struct cv_span datagram);
/* Appends the header with length 0; see ike_msg_end. */
void ike_put_hdr(struct wr *w, const struct ike_hdr *h);

struct ike_notify {
    uint8_t protocol;
    uint16_t type;
    struct cv_span spi, data;
};

struct ike_delete {
    uint8_t protocol;
    uint8_t spi_len; /* 0 for IKE, 4 for ESP and AH */
    uint16_t n;
    struct cv_span spis; /* n * spi_len octets */
};

enum {
    IKE_NOTIFIES_MAX = 32,
    IKE_CERTS_MAX = 8,
    IKE_DELETES_MAX = 8,
    IKE_VENDORS_MAX = 16,
    IKE_CERTREQS_MAX = 4
};

struct ike_cert {
    uint8_t encoding; /* 4: X.509 signature */
    struct cv_span data;
};

/* One decrypted payload chain.  A missing payload has present bit 0; body spans are
 * what follows the generic payload header. */
struct ike_msg {
    uint32_t present; /* bit set of 1 << (payload type - 32) */
    struct cv_span sa, ke_data, nonce, idi, idr, auth, tsi, tsr, cp, eap;
    uint16_t ke_group;
    uint8_t auth_method;
    uint8_t sk_next;              /* first payload inside SK or SKF */
    struct cv_span sk;            /* body of SK: IV, ciphertext, ICV */
    uint16_t frag_no, frag_total; /* SKF only */
    bool is_skf;
    size_t sk_offset; /* octets before sk.p from the start of the IKE header: the AEAD's AAD */
    struct ike_notify notify[IKE_NOTIFIES_MAX];
    unsigned n_notify;
    struct ike_cert cert[IKE_CERTS_MAX];
    unsigned n_cert;
    struct cv_span certreq[IKE_CERTREQS_MAX]; /* X.509 hashes only, encoding stripped */
    unsigned n_certreq;
    bool wants_ocsp; /* a certreq for OCSP content, RFC 4806 section 3.1 */
    struct ike_delete del[IKE_DELETES_MAX];
    unsigned n_del;
    struct cv_span vendor[IKE_VENDORS_MAX];
    unsigned n_vendor;
    uint8_t critical_type; /* with CV_ERR_CRITICAL: the payload type that we do not know */
};

static inline bool ike_has(const struct ike_msg *m, enum ike_payload t)
{
    return (m->present >> (t - 32)) & 1;
}

/* Walks the payload chain that starts with type first.  base is the offset of chain
 * in the whole message (28 for an unprotected message, 0 when irrelevant); it only
 * feeds sk_offset.  An SK or SKF payload must be the last one; its length must reach
 * the end.  CV_ERR_MALFORMED for contradicting lengths, a second payload of a kind
 * that may occur once, SK nested; CV_ERR_CRITICAL for an unknown critical payload;
 * CV_ERR_LIMIT when a kind occurs more often than its array holds (vendor IDs and
 * certreqs beyond the array are skipped instead).  The bodies of SA, ID, TS, CP are not
 * judged here. */
CV_MUST_USE enum cv_err ike_parse_payloads(struct ike_msg *out, uint8_t first,
                                           struct cv_span chain, size_t base);

/* The first notify of this type, or NULL. */
const struct ike_notify *ike_find_notify(const struct ike_msg *m, uint16_t type);
/* The first notify with an error type, or NULL. */
const struct ike_notify *ike_error_notify(const struct ike_msg *m);

/* ---- SA payload, RFC 7296 section 3.3 ---- */

struct ike_proposal {
    uint8_t number, protocol;
    struct cv_span spi;
    uint8_t n_transforms;
    struct cv_span transforms; /* validated */
};

/* Checks every nested length and count of an SA body.  Needed before iterating. */
CV_MUST_USE enum cv_err ike_check_sa(struct cv_span body);
/* Iterates a checked body: init r with rd_init(body); false at the end. */
bool ike_next_proposal(struct rd *r, struct ike_proposal *out);
/* Iterates proposal.transforms.  unknown is set when an attribute other than key
 * length is there, which makes the transform unusable (RFC 7296 section 3.3.6). */
bool ike_next_transform(struct rd *r, struct cv_transform *out, bool *unknown);

/* Appends one proposal to an SA payload being written. last: no further one follows. */
void ike_put_proposal(struct wr *w, const struct cv_proposal *p, uint8_t number,
                      struct cv_span spi, bool last);

/* ---- identification, traffic selectors, configuration ---- */

/* ID body: type, 3 reserved, data.  CV_ERR_LIMIT above CV_ID_MAX octets. */
CV_MUST_USE enum cv_err ike_parse_id(struct cv_id *out, struct cv_span body);
void ike_put_id_body(struct wr *w, const struct cv_id *id);

/* Checks a whole TS body of up to 255 selectors; n is how many of them are of a type that we
 * know, the others are skipped everywhere.  Needed before iterating. */
CV_MUST_USE enum cv_err ike_check_ts(struct cv_span body, unsigned *n);
/* Iterates a checked body: init r with ike_ts_begin(body); false at the end. */
struct rd ike_ts_begin(struct cv_span body);
bool ike_next_ts(struct rd *r, struct cv_ts *out);
/* The same as a list; more than CV_TS_MAX is CV_ERR_LIMIT. */
CV_MUST_USE enum cv_err ike_parse_ts(struct cv_ts_list *out, struct cv_span body);
void ike_put_ts_body(struct wr *w, const struct cv_ts_list *list);

enum ike_cp_type { CP_REQUEST = 1, CP_REPLY = 2, CP_SET = 3, CP_ACK = 4 };
enum ike_cp_attr {
    CP_IP4_ADDRESS = 1,
    CP_IP4_NETMASK = 2,
    CP_IP4_DNS = 3,
    CP_IP6_ADDRESS = 8,
    CP_IP6_DNS = 10,
    CP_DNS_DOMAIN = 25 /* RFC 8598 */
};

struct ike_cp {
    uint8_t type;          /* ike_cp_type */
    bool has_v4, has_v6;   /* an address attribute was there, perhaps empty */
    struct cv_addr v4, v6; /* family set, octets zero when the attribute was empty */
    uint8_t v6_prefix;
    bool want_dns4, want_dns6, want_domains;
    uint8_t n_dns;
    struct cv_addr dns[4];
    struct cv_span seen;    /* all attributes of a payload that was read */
    struct cv_span further; /* attributes to be written after the others */
};

/* Unknown attributes are skipped; wrong lengths are CV_ERR_MALFORMED; DNS servers
 * beyond four are skipped. */
CV_MUST_USE enum cv_err ike_parse_cp(struct ike_cp *out, struct cv_span body);
/* An address with zero octets is written as an empty attribute. */
void ike_put_cp_body(struct wr *w, const struct ike_cp *cp);
/* The next attribute of the octets in r; false at the end, or where they are no attributes. */
bool ike_next_cp_attribute(struct rd *r, uint16_t *type, struct cv_span *value);
/* Is a domain (RFC 8598 section 3) of letters, digits, dots, hyphens and underscores alone?
 * What is not is for no resolver. */
bool ike_domain_is_plain(struct cv_span domain);
void ike_put_cp_attribute(struct wr *w, uint16_t type, struct cv_span value);

/* ---- writing a chain ---- */

/* A chain of payloads being written into w; each new payload patches its type into
 * the next-payload octet of the one before (at next_at). */
struct ike_chain {
    struct wr *w;
    size_t next_at; /* offset of the octet to patch; SIZE_MAX: store in first */
    size_t len_at;  /* offset of the open payload's length */
    uint8_t first;  /* type of the first payload when there is no octet to patch */
};

/* Chain whose first type is patched at next_at of w (IKE header: 16), or kept in
 * chain.first when next_at is SIZE_MAX (the plaintext inside SK). */
struct ike_chain ike_chain_init(struct wr *w, size_t next_at);
void ike_payload_begin(struct ike_chain *c, uint8_t type);
void ike_payload_end(struct ike_chain *c);
/* One whole payload. */
void ike_put_payload(struct ike_chain *c, uint8_t type, struct cv_span body);
void ike_put_ke(struct ike_chain *c, uint16_t group, struct cv_span pub);
void ike_put_auth(struct ike_chain *c, uint8_t method, struct cv_span data);
void ike_put_cert(struct ike_chain *c, uint8_t encoding, struct cv_span data);
void ike_put_notify(struct ike_chain *c, uint8_t protocol, struct cv_span spi, uint16_t type,
                    struct cv_span data);
/* spis: n SPIs of spi_len octets each; IKE: n 0, spi_len 0. */
void ike_put_delete(struct ike_chain *c, uint8_t protocol, uint8_t spi_len, uint16_t n,
                    struct cv_span spis);

/* ---- addresses in notifies of MOBIKE, RFC 4555 section 4.2 ---- */

enum { IKE_NO_NATS_MAX = 36 };

void ike_put_additional_address(struct ike_chain *c, const struct cv_addr *a);
/* False: n names no address, or its length is not that of its kind. */
bool ike_additional_address(const struct ike_notify *n, struct cv_addr *out);
/* NO_NATS_ALLOWED: the ends as the sender sees them, both of one family. */
void ike_put_no_nats(struct ike_chain *c, const struct cv_endpoint *src,
                     const struct cv_endpoint *dst);
bool ike_no_nats_fits(const struct ike_notify *n, const struct cv_endpoint *src,
                      const struct cv_endpoint *dst);

/* ---- another gateway, RFC 5685 section 9 ---- */

/* REDIRECT or REDIRECTED_FROM: gw is an address or a name (CV_ID_IPV4, CV_ID_IPV6, CV_ID_FQDN),
 * nonce what the answer to IKE_SA_INIT shows, else empty. */
void ike_put_gateway(struct ike_chain *c, uint16_t type, const struct cv_id *gw,
                     struct cv_span nonce);
/* CV_ERR_MALFORMED: another kind of gateway, an address of another length, a name that no host
 * can have. */
CV_MUST_USE enum cv_err ike_read_gateway(const struct ike_notify *n, struct cv_id *gw,
                                         struct cv_span *nonce);

/* Patches the IKE header's length (offset 24) to all that is in w. */
void ike_msg_end(struct wr *w);

#endif
