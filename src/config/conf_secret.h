/* Secrets and private keys, for the parts of the configuration that load them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFIG_CONF_SECRET_H
#define CONFIG_CONF_SECRET_H

#include "config/conf_read.h"

/* swanctl's folders of private keys; NULL at the end. */
extern const char *const conf_key_folders[];

/* "0x" and hexadecimal, "0s" and Base64, or the text itself.  The octets are the caller's, to
 * be given to conf_secret_free with n's value_len. */
CV_MUST_USE bool conf_secret_decode(struct conf_reader *r, const struct node *n,
                                    struct cv_span *out);
void conf_secret_free(struct cv_span *secret, size_t room);

/* Adds the private key in a file.  n, when not NULL, is what asked for it. */
CV_MUST_USE bool conf_load_key(struct conf_reader *r, const struct node *n, const char *path,
                               const char *passphrase);
CV_MUST_USE bool conf_load_pkcs12(struct conf_reader *r, const char *path,
                                  const char *passphrase);
/* Does a section of the file's secrets name that key? */
bool conf_names_key(struct conf_reader *r, const char *path);

#endif
