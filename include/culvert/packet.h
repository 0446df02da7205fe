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
 * Transport mode has no inner IP header: the packet's own stays in front of ESP (RFC 4303
 * section 3.1.1).  It stands in the buffer in front of the packet, head octets of it, and with
 * CV_UDP_4500 there is room for UDP's eight octets between.
 *   Out: the host hands over the whole IP packet, as for a tunnel.  A host that writes headers
 *        itself sends what cv_outer_put makes of the result: identification, options, IPv6
 *        extension headers and flow label are then the packet's own.  One whose sockets write
 *        them ignores head, and ttl, tos and df are what travels.
 *   In:  the header that arrived, IPv6 extension headers up to ESP or UDP included, where the
 *        host has it; its lengths and UDP's octets may be anything.  A head above off says that
 *        there were headers which the host could not keep: transport mode then refuses the
 *        packet.  With 0 addresses are remote and local, DSCP and ECN are tos, TTL is ttl, DF
 * is set and the identification is 0.  The engine gives back a whole IP packet for the host's
 * stack.  Behind UDP the checksum is computed anew (RFC 3948 section 3.1.2). With AH the header
 * is a part of the packet, and head is 0. */

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
    uint16_t head;   /* octets of IP header in front of off (transport mode, above); 0: none */
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
