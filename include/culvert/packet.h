/* A packet in the caller's buffer, with room before and after it, so that it is
 * sealed, opened and encapsulated in place.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CULVERT_PACKET_H
#define CULVERT_PACKET_H

#include <culvert/error.h>
#include <culvert/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    CV_HEADROOM = 96, /* octets that sealing may need before the packet */
    CV_TAILROOM = 96, /* and after it; both once more for each SA around another */
    CV_NESTED_MAX = 3 /* SAs that a packet goes through; RFC 4301 section 4.1 sets no bound */
};

/* How a packet travels outside: which socket it came from or goes to. */
enum cv_carrier {
    CV_UDP_500 = 0, /* IKE without marker */
    CV_UDP_4500,    /* IKE behind a four-octet marker, ESP, keepalives (RFC 3948) */
    CV_RAW_ESP,     /* IP protocol 50, from the SPI on */
    CV_RAW_AH       /* IP protocol 51: the whole IP packet, its own header first (below) */
};

/* AH protects the IP header in front of it, so with CV_RAW_AH the buffer has that header in
 * both directions.
 *   Out: the engine has written all of it, checksum included; the host sends it unchanged
 *        (IP_HDRINCL, IPV6_HDRINCL) and nothing may fill in an identification.
 *   In:  the header as it arrived, lengths in network order, fragments put together.  A host
 *        whose IPv6 socket hides the header rebuilds it: traffic class, flow label and hop
 *        limit are not protected and may be anything, addresses, length and extension
 *        headers must be right.
 *
 * Transport mode has no inner IP header.
 *   Out: the host hands over the whole IP packet, as for a tunnel.  Its TTL travels as ttl.
 * IPv4 options do not travel with CV_RAW_ESP and CV_UDP_4500, where the host's socket writes
 *        the header.
 *   In:  the engine gives back a whole IP packet for the host's stack: addresses are remote
 *        and local, DSCP and ECN are tos, TTL is ttl, no options; or, with AH, the header that
 *        arrived.  Behind UDP the checksum is computed anew (RFC 3948 section 3.1.2). */

/* What the host does with the packet after the engine has seen it. */
enum cv_verdict {
    CV_DROP = 0, /* err says why; it is counted already */
    CV_DELIVER,  /* cv_input: data is an inner IP packet, for TUN or the device's stack */
    CV_TRANSMIT, /* cv_output: data goes out on carrier from local to remote */
    CV_BYPASS,   /* cv_output, cv_clear: policy lets it go as it is */
    CV_TAKEN,    /* cv_input: an IKE message or keepalive; effects may be waiting */
    CV_SPLIT     /* cv_output: too long for the path; cv_split cuts it, the parts come again */
};

struct cv_packet {
    uint8_t *buf; /* storage of cap octets */
    size_t cap;
    size_t off, len;                  /* the packet is buf[off .. off + len) */
    struct cv_endpoint local, remote; /* outer addresses */
    uint8_t carrier;                  /* cv_carrier */
    uint8_t tos;     /* outer DSCP and ECN octet: read from the wire, or to be set on it */
    uint8_t ttl;     /* outer TTL or hop limit: the same; 0: not known, or the host's default */
    bool df;         /* cv_output: set the outer IPv4 header's DF bit */
    uint8_t verdict; /* cv_verdict */
    enum cv_err err;
    uint32_t child; /* Child SA it used; 0: none */
};

static inline uint8_t *cv_packet_data(const struct cv_packet *p)
{
    return p->buf + p->off;
}

#ifdef __cplusplus
}
#endif

#endif
