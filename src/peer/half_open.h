/* Half-open SAs (responder): from the first message until the peer is authenticated or refused.
 * The port is not part of it, as it may change with IKE_AUTH (RFC 7296 section 2.23).
 *
 * Peers come from a source, which is an IPv4 address or an IPv6 /64: thousands may share one
 * behind a carrier's NAT, and one host has a whole /64.  Nobody is refused for what others do
 * who come, or claim to come, from the same source; a source with several half-open SAs is
 * asked for cookies, and everybody is while much is going on.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PEER_HALF_OPEN_H
#define PEER_HALF_OPEN_H

#include "peer/peer.h"

struct peer *half_open_find(struct core *core, const uint8_t spi_i[IKE_SPI_LEN],
                            const struct cv_addr *from); /* NULL: none */
unsigned half_open_from(const struct core *core, const struct cv_addr *from);
CV_MUST_USE bool half_open_add(struct core *core, struct peer *p); /* false: full, or twice */
/* Must a first message from there bring a cookie? */
bool half_open_wants_cookie(struct core *core, const struct cv_addr *from);
/* A first message without a cookie is answered: that costs us, whatever becomes of it. */
void half_open_note_answer(struct core *core);
/* Of the oldest that wait for their peers the one from the busiest source: it gives way. NULL:
 * none. */
struct peer *half_open_weakest(struct core *core);
void half_open_del(struct core *core, struct peer *p);
/* The peer's endpoint changes; false when another SA is counted there already. */
CV_MUST_USE bool half_open_move(struct core *core, struct peer *p,
                                const struct cv_endpoint *to);

#endif
