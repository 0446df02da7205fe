/* ESP and AH for programs that bring their own keys: one SA, one direction, one packet or a
 * batch, in place.  No IKE, no policy, no clock.
 *
 * A struct cv_sa lives where the caller puts it and is not copied or moved while in use.
 * Nothing is allocated but the crypto backend's own key objects, in cv_sa_init.  One thread
 * at a time may use an SA; SAs share nothing.
 *
 * Packets are struct cv_packet (packet.h): CV_HEADROOM octets before the packet and
 * CV_TAILROOM after it are always enough for one SA.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CULVERT_IPSEC_H
#define CULVERT_IPSEC_H

#include <culvert/crypto.h>
#include <culvert/error.h>
#include <culvert/packet.h>
#include <culvert/policy.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CV_SA_WINDOW_MAX 4096

/* Storage of an SA; its contents are the library's. */
struct cv_sa {
    uint64_t opaque[96];
};

/* How an SA protects; the same on both sides but for local and remote.
 *
 * An SPI and key pair is good for one SA, ever: after a restart with the same key the
 * sequence numbers begin anew, which breaks every counter mode and AEAD.  first_seq lets a
 * caller who keeps count in lasting memory, or has a clock (cv_sa_raise_seq), go on instead. */
struct cv_sa_config {
    const struct cv_crypto *crypto;
    uint8_t protocol; /* CV_PROTO_ESP, CV_PROTO_AH */
    uint8_t mode;     /* CV_TUNNEL, CV_TRANSPORT */
    uint32_t spi;     /* host order; above 255 */

    /* ESP: an AEAD alone, or a cipher (CV_ENCR_NULL too) with integ.  AH: encr 0 and integ. */
    uint16_t encr, encr_bits, integ;
    struct cv_span key;       /* encryption key, then its salt if it has one */
    struct cv_span integ_key; /* empty with an AEAD */

    bool esn;           /* 64-bit sequence numbers */
    uint64_t first_seq; /* the last number used already; 0 for a new SA */
    uint32_t window;    /* opening: replay window in packets, up to CV_SA_WINDOW_MAX; 0: off */

    /* Outer addresses, ours and the peer's: where sealed packets go.  Only AH and transport
     * mode need them, and for opening ESP they may be left out. */
    struct cv_endpoint local, remote;
    bool encap;   /* ESP in UDP (RFC 3948) between the ports of local and remote */
    uint16_t mtu; /* of the path; 0: any.  What does not fit is CV_ERR_TOO_BIG */
    uint16_t tfc; /* tunnel mode ESP: pad inner packets to so many octets; CV_TFC_MTU; 0: not */
};

/* CV_ERR_ARGUMENT: lengths, SPI, addresses; CV_ERR_UNSUPPORTED: protocol, mode, algorithms,
 * AH in UDP; CV_ERR_FULL: the backend has no room.  On failure sa needs no cv_sa_close. */
CV_MUST_USE enum cv_err cv_sa_init(struct cv_sa *sa, const struct cv_sa_config *cfg);

/* Frees and wipes the keys.  A zeroed or closed sa may be closed again. */
void cv_sa_close(struct cv_sa *sa);

/* Octets that cfg's key and integ_key must have together; 0: not supported. */
size_t cv_sa_key_len(const struct cv_sa_config *cfg);

/* An IP packet becomes a protected one: verdict CV_TRANSMIT with carrier, local, remote, tos
 * and df set.  Otherwise CV_DROP, and err (also returned) says why:
 * what ip parsing refuses (CV_ERR_SHORT, CV_ERR_MALFORMED, CV_ERR_VERSION), CV_ERR_NO_ROOM,
 * CV_ERR_TOO_BIG, CV_ERR_SEQ_EXHAUSTED, CV_ERR_CRYPTO, and for transport mode
 * CV_ERR_FRAGMENT, CV_ERR_SELECTOR (not from local to remote), CV_ERR_NEXT_HEADER. */
CV_MUST_USE enum cv_err cv_sa_seal(struct cv_sa *sa, struct cv_packet *pkt);

/* The reverse: verdict CV_DELIVER and the inner IP packet, or CV_TAKEN for a dummy packet.
 * carrier, remote, local and tos are read from pkt.  Selectors are the caller's to check.
 * Otherwise CV_DROP: CV_ERR_NO_SA (another SPI), CV_ERR_ENCAP, CV_ERR_REPLAY, CV_ERR_ICV,
 * CV_ERR_PADDING, CV_ERR_NEXT_HEADER, CV_ERR_INNER, CV_ERR_FRAGMENT, CV_ERR_NO_ROOM and what
 * says that lengths are wrong.  Until a packet is authentic, nothing in sa changes. */
CV_MUST_USE enum cv_err cv_sa_open(struct cv_sa *sa, struct cv_packet *pkt);

/* SAs inside SAs, such as AH around ESP: a sealed packet becomes a whole IP packet, with the
 * header (and UDP header) that otherwise the host's socket writes, and may be sealed again.
 * Addresses, ports, tos and df are those in pkt; CV_RAW_AH has its header already.  Each SA
 * around another needs CV_HEADROOM and CV_TAILROOM more.
 * CV_ERR_ARGUMENT: addresses are missing; CV_ERR_NO_ROOM, CV_ERR_TOO_BIG. */
CV_MUST_USE enum cv_err cv_outer_put(struct cv_packet *pkt);

/* The reverse: an opened IP packet that holds ESP, AH or ESP in UDP (whatever the ports)
 * becomes what cv_sa_open takes.  Otherwise nothing changes: CV_ERR_NEXT_HEADER (it holds
 * something else), CV_ERR_FRAGMENT, or what is wrong with its headers. */
CV_MUST_USE enum cv_err cv_outer_take(struct cv_packet *pkt);

/* Each of n packets by itself, in order; returns how many were not dropped. */
size_t cv_sa_seal_batch(struct cv_sa *sa, struct cv_packet *pkts, size_t n);
size_t cv_sa_open_batch(struct cv_sa *sa, struct cv_packet *pkts, size_t n);

/* The next packet is sealed with a number above seq, the last one at the most; never lowers.  A
 * device without lasting memory takes numbers from a clock that outlives it (RFC 9333 section
 * 4): seq is the time since the SA was made, in a unit shorter than the average gap between
 * packets, so that after a restart the clock is past every number used.  In milliseconds 2^32
 * last 49 days; with esn a receiver follows a jump below 2^31.  The receiver's window counts
 * numbers, so in that unit it is how late a packet may come. */
void cv_sa_raise_seq(struct cv_sa *sa, uint64_t seq);

/* The last sequence number sealed, or the highest one opened. */
uint64_t cv_sa_seq(const struct cv_sa *sa);

#ifdef __cplusplus
}
#endif

#endif
