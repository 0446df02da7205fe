/* culvert packet: IPsec packets of a capture opened, sealed or explained, with the SAs of a
 * file.  What its parts share.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_PACKET_PACKET_H
#define CLI_PACKET_PACKET_H

#include <culvert/packet.h>

#include "cli/cli.h"
#include "cli/packet/xfrm_state.h"
#include "ipsec/ipsec.h"
#include "wire/ip.h"

/* ---- packet_plane.c: the data plane with the SAs of a file -------------------------- */

enum plane_way { PLANE_IN, PLANE_OUT };

/* Data planes as the daemon has one.  A second one is only there when an SPI occurs twice,
 * for different destinations. */
struct planes {
    const struct xfrm_list *sas;
    enum plane_way way;
    struct plane_layer *layers;
    size_t n_layers;
    uint64_t *numbers; /* for each SA: the newest sequence number so far */
};

/* Installs every SA.  False: why says which one did not go in and for what reason; name is
 * the SA file's. */
bool planes_open(struct planes *p, const struct xfrm_list *sas, enum plane_way way,
                 const char *name, struct problem *why);
void planes_close(struct planes *p);
/* The SA that a packet for spi to dst uses; NULL when there is none. */
const struct xfrm_sa *planes_find(const struct planes *p, uint8_t protocol, uint32_t spi,
                                  const struct cv_addr *dst);
/* One packet through ipsec_in or ipsec_out.  The full sequence number of seq_low is *seq, also
 * for a packet that is dropped. */
void planes_in(struct planes *p, const struct xfrm_sa *sa, struct cv_packet *pkt,
               uint32_t seq_low, uint64_t *seq);
void planes_out(struct planes *p, struct cv_packet *pkt);
/* The SA that sealed pkt, and its sequence number. */
const struct xfrm_sa *planes_sealed(const struct planes *p, const struct cv_packet *pkt,
                                    uint64_t *seq);

/* ---- packet_frame.c: between IP packets and what the data plane handles ------------- */

enum {
    FRAME_HEAD = CV_HEADROOM + 48, /* IPv6 and UDP headers in front of what sealing needs */
    FRAME_MAX = 65535 + 40,
    FRAME_CAP = FRAME_HEAD + FRAME_MAX + CV_TAILROOM
};

/* An IP packet as it was in the capture. */
struct frame {
    struct ip_flow flow; /* zero unless parsed is CV_OK */
    enum cv_err parsed;
    bool esp, ah, udp; /* what it carries: ESP or AH, in UDP */
    uint32_t spi, seq_low;
    size_t len; /* octets of the packet */
};

/* Copies the packet into pkt's buffer (FRAME_CAP octets) and makes it what cv_input takes;
 * ports has a bit for each UDP port that carries ESP.  CV_OK: an ESP or AH packet. */
CV_MUST_USE enum cv_err frame_read(struct frame *f, struct cv_packet *pkt, struct cv_span ip,
                                   const uint32_t ports[65536 / 32]);
/* Copies an IP packet as it is, with room around it. */
CV_MUST_USE enum cv_err frame_copy(struct cv_packet *pkt, struct cv_span ip);
/* Is what was opened an ESP or AH packet again?  Then pkt is what cv_input takes. */
bool frame_enter(struct frame *f, struct cv_packet *pkt, const uint32_t ports[65536 / 32]);

/* ---- packet_print.c: what is said about each packet --------------------------------- */

struct packet_note {
    uint64_t n; /* from 1 */
    enum cv_err verdict;
    bool dummy, has_spi, has_seq;
    uint32_t spi;
    uint64_t seq;
    size_t len_in, len_out;
    const struct xfrm_sa *sa;    /* NULL: none */
    const struct frame *frame;   /* explain: the packet outside; else NULL */
    const struct ip_flow *inner; /* what is inside; NULL: not known */
};

void packet_print(const struct packet_note *note, bool json);

#endif
