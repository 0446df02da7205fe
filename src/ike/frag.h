/* Gathering the authentic fragments of one IKE message, RFC 7383 section 2.6.
 *
 * The octets lie in a buffer the caller lends, in order of arrival; assembling copies
 * them into order.  Only authentic, decrypted fragments come here.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IKE_FRAG_H
#define IKE_FRAG_H

#include <culvert/error.h>
#include <culvert/types.h>

enum { FRAGS_MAX = 64 };

struct frag {
    uint32_t msg_id;
    uint16_t total; /* 0: nothing gathered yet */
    uint16_t got;
    uint8_t first; /* inner payload type from fragment 1 */
    uint64_t have; /* bit set by fragment number - 1 */
    uint32_t used; /* octets in the buffer */
    uint16_t len[FRAGS_MAX];
    uint32_t off[FRAGS_MAX];
};

/* One fragment, decrypted. */
struct frag_piece {
    uint32_t msg_id;
    uint16_t no, total;
    uint8_t first; /* its next payload: of the first fragment, that of the message */
    struct cv_span plain;
};

/* Adds a fragment.  A repeat is CV_OK without effect.  A larger total than before (the peer
 * tries smaller fragments) starts afresh; a smaller total is CV_ERR_IKE_FRAGMENT (RFC 7383
 * section 2.6), as are number 0 or above total; too many or too large is CV_ERR_LIMIT.
 * *complete says whether all are there. */
CV_MUST_USE enum cv_err frag_add(struct frag *f, uint8_t *buf, size_t cap,
                                 const struct frag_piece *p, bool *complete);
/* Writes the whole plaintext to out; returns its length, 0 when it does not fit or is
 * incomplete. */
size_t frag_assemble(const struct frag *f, const uint8_t *buf, uint8_t *out, size_t cap);

#endif
