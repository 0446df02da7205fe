/* The data plane as IKE sees it: what a Child SA's pair of SAs is, and the functions through
 * which IKE installs, uses and ends it.
 *
 * The engine has a plane of its own, and cv_input, cv_output and cv_clear are its two ends.  A
 * host whose packets somebody else protects (Linux's XFRM, a network card) gives another one in
 * cv_settings: ESP and AH then do not pass the engine, which only negotiates.  cv_input takes
 * IKE alone, and what asks the own plane is CV_ERR_UNSUPPORTED.
 *
 * A plane is called from inside calls into the engine and calls nothing of it; what it notices
 * it tells by cv_plane_noticed, later.  Pairs have numbers from 0, below cv_limits.child_sas;
 * one is free until it is installed and again after it is removed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CULVERT_PLANE_H
#define CULVERT_PLANE_H

#include <culvert/engine.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The outer IPv4 header's DF bit. */
enum cv_df {
    CV_DF_COPY = 0, /* of the inner packet; IPv6 counts as set above 1280 octets */
    CV_DF_SET,      /* as long as the packet fits */
    CV_DF_CLEAR,    /* what is too large is fragmented outside, and nobody is told */
    CV_DF_FITTING   /* of the inner packet while it fits, and then as CV_DF_CLEAR */
};

/* Everything about a new pair.  Keys are in KEYMAT order for one direction: encryption key with
 * salt, then integrity key (RFC 7296 section 2.17).
 *
 * AH: suite.encr is 0, encap false, local and remote known.  Transport mode: the selectors
 * name the outer addresses, behind a NAT those that we see (RFC 7296 section 2.23.1). */
struct cv_pair_config {
    uint32_t id;              /* Child SA number, as in cv_packet.child */
    uint32_t spi_in, spi_out; /* host order */
    uint8_t protocol, mode;   /* cv_protocol, cv_mode */
    struct cv_suite suite;    /* encr, encr_bits, integ, esn */
    struct cv_span key_in, key_out;
    struct cv_ts_list local_ts, remote_ts;
    struct cv_endpoint local, remote; /* outer; UDP encapsulation uses the ports */
    bool encap;
    bool fixed_remote;       /* never CV_NOTICE_MOVED: we are behind a NAT ourselves, or MOBIKE
                                moves endpoints (RFC 7296 section 2.23, RFC 4555 section 3.8) */
    bool nested;             /* its packets travel inside another pair, both ways, or not at all
                                (RFC 4301 appendix E): what it seals is looked up in the SPD again.
                                local and remote known; mtu is what the other one carries */
    uint32_t replay_window;  /* packets, 0: off */
    uint8_t df;              /* cv_df */
    bool split;              /* tunnel mode: an IPv4 packet without DF that does not fit is
                                CV_SPLIT, to be cut and sealed in pieces */
    bool clock_seq;          /* numbers sent are milliseconds since now, or the last plus one
                                where packets are faster (RFC 9333 section 4) */
    uint16_t mtu;            /* of the path outside; 0: not known, nothing is too big */
    uint16_t mss;            /* TCP SYNs inside announce at most this, and what fits mtu;
                                UINT16_MAX: only that; 0: they are left alone */
    uint16_t tfc;            /* tunnel mode ESP: inner packets are padded to so many octets, as
                                far as mtu allows (RFC 4303 section 2.7); CV_TFC_MTU; 0: not */
    struct cv_lifetime life; /* only octets and packets are used here */
    uint64_t soft_bytes, soft_packets; /* rekey limits, jitter subtracted already; 0: none */
};

/* Where the packets of a pair travel outside; its fields are those of cv_pair_config. */
struct cv_pair_path {
    struct cv_endpoint local, remote;
    bool encap, fixed_remote;
};

/* packets_in counts every authentic packet, bytes_in what was delivered; inner octets.  Times
 * are 0 while it has not been used. */
struct cv_pair_counters {
    uint64_t packets_in, bytes_in, packets_out, bytes_out;
    uint64_t last_in_ms, last_out_ms;
    uint64_t drops[CV_CD_COUNT];
};

/* Every function is there.  ctx is cv_settings.plane_ctx; pair is one that was installed, but
 * for the first and the last. */
struct cv_plane {
    /* Installs a free pair, or nothing and says why: that error ends the negotiation, and the
     * peer is asked to delete its half.  cfg and the keys are good for this call.  Inbound is
     * live at once, outbound only after use_out: the responder of a rekey goes on with the old
     * one until the peer has shown that it uses the new one. */
    enum cv_err (*install)(void *ctx, uint32_t pair, const struct cv_pair_config *cfg,
                           uint64_t now_ms);
    /* Both directions end, keys are wiped.  counters may be asked for until the next install.
     */
    void (*remove)(void *ctx, uint32_t pair);
    /* Outbound traffic of the pair's selectors takes it from now on, before older pairs with
     * equal selectors.  Both may come again. */
    void (*use_out)(void *ctx, uint32_t pair);
    /* Outbound traffic no longer takes it; inbound goes on. */
    void (*stop_out)(void *ctx, uint32_t pair);
    /* New outer endpoints, with or without a NAT between (NAT mapping, MOBIKE). */
    void (*move)(void *ctx, uint32_t pair, const struct cv_pair_path *path);
    /* The path carries at most mtu octets, as the host's network knows (cv_path_mtu). */
    void (*learn_mtu)(void *ctx, uint32_t pair, size_t mtu, uint64_t now_ms);
    /* Never NULL, and good until the next call. */
    const struct cv_pair_counters *(*counters)(void *ctx, uint32_t pair);
    /* Its selectors, as installed. */
    void (*ts)(void *ctx, uint32_t pair, struct cv_ts_list *local, struct cv_ts_list *remote);
    /* The pair that outbound traffic takes now, from the first address and port of local to
     * those of remote; with last, from the last ones to the last.  False: none. */
    bool (*find_out)(void *ctx, const struct cv_ts *local, const struct cv_ts *remote,
                     bool last, uint32_t *pair);
    /* Is the SPI of some inbound SA this one? */
    bool (*has_spi)(void *ctx, uint32_t spi_in);
};

/* What a plane notices about a pair that IKE must act on. */
enum cv_notice {
    CV_NOTICE_FIRST_IN = 1,   /* first authentic inbound packet of this SA */
    CV_NOTICE_SOFT_LIMIT = 2, /* octets or packets passed the rekey limit (said once) */
    CV_NOTICE_HARD_LIMIT = 4, /* hard limit reached: the SA carries nothing more (said once) */
    CV_NOTICE_MOVED = 8,      /* newest authentic packet came from another endpoint */
    CV_NOTICE_ALARM = 16      /* the own plane's alone: a drop smells of tampering; ever rarer
                                 while it goes on */
};

/* A plane of the host's noticed this about Child SA child: a bit set of the first four. remote:
 * with CV_NOTICE_MOVED the endpoint that packets come from.  CV_ERR_NOT_FOUND: there is no such
 * SA (any more); CV_ERR_ARGUMENT: remote is missing. */
CV_MUST_USE enum cv_err cv_plane_noticed(struct cv_engine *e, uint32_t child, unsigned notices,
                                         const struct cv_endpoint *remote, uint64_t now_ms);

#ifdef __cplusplus
}
#endif

#endif
