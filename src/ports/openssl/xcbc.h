/* AES-XCBC-MAC (RFC 3566), which OpenSSL does not have: a CBC-MAC whose last block is
 * masked with a second or a third derived key.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PORTS_OPENSSL_XCBC_H
#define PORTS_OPENSSL_XCBC_H

#include <culvert/types.h>

enum { XCBC_LEN = 16 };

struct xcbc *xcbc_new(const uint8_t key[XCBC_LEN]); /* NULL: out of memory */
void xcbc_free(struct xcbc *x);
/* The first n octets of the MAC over the concatenation of the parts. */
bool xcbc_run(struct xcbc *x, const struct cv_span *parts, size_t n_parts, uint8_t *out,
              size_t n);

#endif
