/* Base64 (RFC 4648): with line ends as EST's answers have them, and as one word for links.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PKI_BASE64_H
#define PKI_BASE64_H

#include <stdbool.h>

#include <culvert/types.h>

/* Lines of 64 characters; to be freed with free(). */
char *base64_lines(struct cv_span data);
/* Section 5: '-' and '_', no padding, one line.  false: out is too small. */
bool base64_word(struct cv_span data, char *out, size_t n);

/* Either alphabet; white space is passed over, padding may be left out.  false: another
 * character, a last group of one, or more than room octets. */
bool base64_read(const char *text, size_t n, uint8_t *out, size_t room, size_t *n_out);

#endif
