/* Every way a packet, a message or a command can fail, in one list: enumerator,
 * the counter's and JSON's name, and a sentence for people.  0 is success.
 *
 * Groups say what the caller does: DROP (count it, nothing changed), REJECT (the
 * peer gets a notify), CLOSE (the SA ends), RETRY (when there is room), BUG.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CULVERT_ERROR_H
#define CULVERT_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

/* clang-format off */
#define CV_ERR_LIST(X)                                                                          \
    X(CV_OK,                       "ok",                    "no error")                          \
    /* DROP: any packet */                                                                       \
    X(CV_ERR_SHORT,                "short",                 "packet ends before its header does") \
    X(CV_ERR_MALFORMED,            "malformed",             "lengths or fields contradict each other") \
    X(CV_ERR_CHECKSUM,             "checksum",              "checksum of the IPv4 header is wrong") \
    X(CV_ERR_LIMIT,                "limit",                 "more items than we accept")         \
    X(CV_ERR_VERSION,              "version",               "protocol version we do not speak")  \
    X(CV_ERR_TOO_BIG,              "too_big",               "packet does not fit")               \
    X(CV_ERR_RATE,                 "rate",                  "answered so often lately that this one gets no answer") \
    X(CV_ERR_KEEPALIVE,            "nat_keepalive",         "NAT keepalive octet")               \
    /* DROP: data plane */                                                                       \
    X(CV_ERR_NO_SA,                "unknown_spi",           "no SA has this SPI")                \
    X(CV_ERR_REPLAY,               "replay",                "sequence number seen before or left of the window") \
    X(CV_ERR_ICV,                  "icv",                   "integrity check failed")            \
    X(CV_ERR_PADDING,              "padding",               "padding or pad length is wrong")    \
    X(CV_ERR_NEXT_HEADER,          "next_header",           "next header does not fit the SA's mode") \
    X(CV_ERR_INNER,                "inner_packet",          "protected packet is not valid IP")  \
    X(CV_ERR_SELECTOR,             "selector",              "inner packet is outside the SA's selectors") \
    X(CV_ERR_MULTICAST,            "multicast",             "inner packet to multicast or broadcast, which no selector names") \
    X(CV_ERR_INNER_SOURCE,         "inner_source",          "inner packet from an address that nobody has") \
    X(CV_ERR_NO_POLICY,            "no_policy",             "no policy lets this packet pass")   \
    X(CV_ERR_DISCARD,              "discard",               "policy says discard")               \
    X(CV_ERR_CLEARTEXT,            "cleartext",             "packet in the clear although policy protects it") \
    X(CV_ERR_NO_TUNNEL,            "no_tunnel",             "policy protects, but no SA is up yet") \
    X(CV_ERR_SEQ_EXHAUSTED,        "seq_exhausted",         "sequence numbers or cipher limit used up") \
    X(CV_ERR_EXPIRED,              "expired",               "SA is past its hard lifetime")      \
    X(CV_ERR_NO_ROOM,              "no_room",               "packet buffer has too little head or tail room") \
    X(CV_ERR_ENCAP,                "encapsulation",         "SA expects another encapsulation")  \
    X(CV_ERR_FRAGMENT,             "fragment",              "a fragment where only whole packets are carried") \
    X(CV_ERR_SOURCE_ROUTE,         "source_route",          "a source route that does not end at the SA's peer") \
    /* DROP: IKE */                                                                              \
    X(CV_ERR_IKE_SPI,              "ike_unknown_spi",       "no IKE SA has these SPIs")          \
    X(CV_ERR_IKE_WINDOW,           "ike_window",            "message ID outside the window")     \
    X(CV_ERR_IKE_RETRANSMIT,       "ike_retransmit",        "repeated request, answered from the cache") \
    X(CV_ERR_IKE_AUTHENTIC,        "ike_integrity",         "IKE message failed its integrity check") \
    X(CV_ERR_IKE_FRAGMENT,         "ike_fragment",          "IKE fragment contradicts earlier ones") \
    X(CV_ERR_IKE_PENDING,          "ike_pending",           "request is still being worked on")  \
    X(CV_ERR_IKE_COOKIE,           "ike_cookie",            "cookie required or wrong")          \
    X(CV_ERR_IKE_UNPROTECTED,      "ike_unprotected",       "unprotected message where protection is required") \
    X(CV_ERR_UNEXPECTED,           "ike_unexpected",        "message does not fit the SA's state") \
    /* REJECT: the peer gets a notify */                                                         \
    X(CV_ERR_CRITICAL,             "unsupported_critical_payload", "unknown payload marked critical") \
    X(CV_ERR_SYNTAX,               "invalid_syntax",        "message is authentic but not valid") \
    X(CV_ERR_NO_PROPOSAL,          "no_proposal_chosen",    "no acceptable proposal")            \
    X(CV_ERR_KE_GROUP,             "invalid_ke_payload",    "key exchange uses another group")   \
    X(CV_ERR_KE_VALUE,             "invalid_public_value",  "peer's public value is not valid (RFC 6989)") \
    X(CV_ERR_AUTH,                 "authentication_failed", "peer could not be authenticated")   \
    X(CV_ERR_TS,                   "ts_unacceptable",       "no acceptable traffic selectors")   \
    X(CV_ERR_TS_TAKEN,             "ts_taken",              "another peer already has these addresses") \
    X(CV_ERR_ADDRESS,              "internal_address_failure", "no address to assign")           \
    X(CV_ERR_CP_REQUIRED,          "failed_cp_required",    "peer must ask for an address and did not") \
    X(CV_ERR_TEMPORARY,            "temporary_failure",     "request collides with one in progress") \
    X(CV_ERR_CHILD_NOT_FOUND,      "child_sa_not_found",    "no such Child SA")                  \
    X(CV_ERR_NO_ADDITIONAL,        "no_additional_sas",     "no further Child SA accepted")      \
    X(CV_ERR_SINGLE_PAIR,          "single_pair_required",  "only one pair of addresses is acceptable") \
    X(CV_ERR_PATH,                 "unacceptable_addresses", "these outer addresses are not acceptable") \
    X(CV_ERR_NAT,                  "unexpected_nat",        "a NAT is on the way although none is allowed") \
    /* AUTH details: told to the operator, never to the peer */                                  \
    X(CV_ERR_NO_CONN,              "no_connection",         "no configured connection matches these peers") \
    X(CV_ERR_NO_CREDENTIAL,        "no_credential",         "no key or secret for this identity") \
    X(CV_ERR_CERT_CHAIN,           "certificate_chain",     "no trusted path to a certificate authority") \
    X(CV_ERR_CERT_EXPIRED,         "certificate_expired",   "certificate has expired")           \
    X(CV_ERR_CERT_NOT_YET,         "certificate_not_yet_valid", "certificate is not valid yet")  \
    X(CV_ERR_CERT_NAMES,           "certificate_name_constraint", "certificate has a name that its authority may not give") \
    X(CV_ERR_CERT_WEAK,            "certificate_weak",      "certificate has a weak signature or key") \
    X(CV_ERR_CERT_EXTENSION,       "certificate_extension", "certificate has a critical extension that we do not know") \
    X(CV_ERR_CERT_KEY,             "certificate_key",       "certificate has a key of a kind we do not take") \
    X(CV_ERR_CERT_SIGNATURE,       "certificate_signature", "certificate is not signed by its issuer's key") \
    X(CV_ERR_CERT_REVOKED,         "certificate_revoked",   "certificate is revoked")             \
    X(CV_ERR_CERT_STATUS,          "certificate_status",    "certificate's status must be known, and nobody tells it") \
    X(CV_ERR_CERT_IDENTITY,        "certificate_identity",  "certificate does not confirm the identity") \
    X(CV_ERR_CERT_USAGE,           "certificate_usage",     "certificate may not be used this way") \
    X(CV_ERR_SIGNATURE,            "signature",             "signature or shared-key proof is wrong") \
    X(CV_ERR_AUTH_METHOD,          "auth_method",           "peer used an authentication method we do not accept") \
    X(CV_ERR_ID_SIZE,              "id_size",               "peer's identity is longer than we keep") \
    X(CV_ERR_ID_MISMATCH,          "id_mismatch",           "peer's identity is not the one configured") \
    X(CV_ERR_NOT_ADMITTED,         "not_admitted",          "the registry does not admit this device")  \
    X(CV_ERR_REGISTRY,             "registry_away",         "the registry that admits devices cannot be asked") \
    /* CLOSE */                                                                                  \
    X(CV_ERR_AUTH_REFUSED,         "authentication_refused", "peer does not accept who we are")  \
    X(CV_ERR_PEER_SILENT,          "peer_silent",           "no answer after the last retransmission") \
    X(CV_ERR_PEER_REJECTED,        "peer_rejected",         "peer answered with an error notify") \
    X(CV_ERR_DELETED_BY_PEER,      "deleted_by_peer",       "peer deleted the SA")               \
    X(CV_ERR_DELETED_LOCALLY,      "deleted_locally",       "deleted on request")                \
    X(CV_ERR_REPLACED,             "replaced",              "replaced by a newer SA")            \
    X(CV_ERR_LIFETIME,             "lifetime",              "lifetime ran out")                  \
    X(CV_ERR_REDIRECTED,           "redirected",            "peer sends its clients to another gateway") \
    X(CV_ERR_COOKIE2,              "cookie2",               "peer did not return what shows that it is where it says") \
    X(CV_ERR_NO_ANSWER,            "no_answer",             "this host did not answer the engine in time") \
    /* RETRY */                                                                                  \
    X(CV_ERR_FULL,                 "full",                  "a table is full")                   \
    X(CV_ERR_BUSY,                 "busy",                  "effects must be drained first")     \
    /* usage and BUG */                                                                          \
    X(CV_ERR_NOT_FOUND,            "not_found",             "no such SA, connection or child")   \
    X(CV_ERR_UNREACHABLE,          "unreachable",           "peer's name cannot be resolved, or no route leads to it") \
    X(CV_ERR_ARGUMENT,             "argument",              "argument out of range")             \
    X(CV_ERR_UNSUPPORTED,          "unsupported",           "algorithm or option not built in")  \
    X(CV_ERR_CRYPTO,               "crypto",                "crypto backend failed")             \
    X(CV_ERR_BUG,                  "bug",                   "internal contradiction")
/* clang-format on */

#define CV_ERR_ENUM(id, name, text) id,
enum cv_err { CV_ERR_LIST(CV_ERR_ENUM) CV_ERR_COUNT };
#undef CV_ERR_ENUM

/* The counter's name ("replay"); "unknown" for a value outside the list. */
const char *cv_err_name(enum cv_err err);

/* The sentence for people; never NULL. */
const char *cv_err_text(enum cv_err err);

#if defined(__GNUC__)
#define CV_MUST_USE __attribute__((warn_unused_result))
#else
#define CV_MUST_USE
#endif

#ifdef __cplusplus
}
#endif

#endif
