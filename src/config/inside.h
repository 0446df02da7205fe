/* The parts of a connection, and the files its certificates are in.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFIG_INSIDE_H
#define CONFIG_INSIDE_H

#include "config/conf_read.h"

/* connections.<conn>.local* and remote*; section NULL: there is none. */
CV_MUST_USE bool conf_read_auth(struct conf_reader *r, const struct node *section, bool local,
                                struct cv_auth *out);
extern const struct conf_table conf_child_table, conf_side_tables[2]; /* [local] */

/* connections.<conn>.children.<child>; NULL with the problem filled. */
const struct cv_child_config *conf_read_child(struct conf_reader *r,
                                              const struct node *section);

struct conf_proposals {
    struct cv_proposal *v;
    unsigned n;
};

conf_take take_proposals; /* struct conf_proposals; arg: enum cv_protocol */
conf_take take_id;        /* struct cv_id */

/* The default proposals when none are given. */
void conf_default_proposals(struct conf_reader *r, struct conf_proposals *p,
                            enum cv_protocol protocol);

/* ---- files ------------------------------------------------------------------ */

/* A file's octets, to be given to conf_file_free, which wipes them. */
struct conf_file {
    uint8_t *p;
    size_t n;
};

bool conf_file_read(struct conf_file *f, const char *path, const char **reason);
void conf_file_free(struct conf_file *f);

/* The path of a name that may be relative to the folder below the configuration's directory;
 * in r->mem.  NULL with the problem filled when there is no such directory (VICI). */
const char *conf_path(struct conf_reader *r, const struct node *n, const char *folder,
                      const char *name);
/* Adds a certificate file that n asks for; NULL with the problem filled. */
const struct cert *conf_load_cert(struct conf_reader *r, const struct node *n,
                                  const char *folder, const char *name, bool ca);
/* Adds every file of the folder, if there is one, that is not hidden.  Those that load refuses
 * become warnings: such folders gather serial numbers and notes, too. */
void conf_load_folder(struct conf_reader *r, const char *folder,
                      bool (*load)(struct conf_reader *r, const char *path));

#endif
