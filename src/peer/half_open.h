/* Half-open SAs (responder): from the first message until the peer is authenticated, or what
 * was refused has stopped lingering.  The port is not part of it, as it may change with
 * IKE_AUTH (RFC 7296 section 2.23).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PEER_HALF_OPEN_H
#define PEER_HALF_OPEN_H

#include "peer/peer.h"

struct peer *half_open_find(struct core *core, const uint8_t spi_i[IKE_SPI_LEN],
                            const struct cv_addr *from); /* NULL: none */
unsigned half_open_from(const struct core *core, const struct cv_addr *from);
CV_MUST_USE bool half_open_add(struct core *core, struct peer *p); /* false: full, or twice */
void half_open_del(struct core *core, struct peer *p);
/* The peer's endpoint changes; false when another SA is counted there already. */
CV_MUST_USE bool half_open_move(struct core *core, struct peer *p,
                                const struct cv_endpoint *to);
/* Tells the host when load begins or ends; after every change of the count. */
void half_open_note_load(struct core *core);

#endif
