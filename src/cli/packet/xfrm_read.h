/* The reader of `ip xfrm state`: what its parts share.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_PACKET_XFRM_READ_H
#define CLI_PACKET_XFRM_READ_H

#include "cli/packet/xfrm_state.h"

enum { WORD_MAX = 192, NO_INDENT = -1 };

/* One SA while its lines are read. */
struct draft {
    struct xfrm_sa sa;
    bool begun, has_dst, has_spi;
    struct xfrm_alg encr, integ;
    bool has_encr, has_integ, has_aead;
    uint8_t encr_key[WORD_MAX / 2], integ_key[WORD_MAX / 2];
    size_t encr_len, integ_len;
    uint32_t window_esn, bitmap[XFRM_BITMAP_WORDS]; /* as printed, lowest word first */
    unsigned n_bitmap, bitmap_left;
};

struct reader {
    const char *p, *end; /* what is left of the text */
    const char *name;
    unsigned line;
    int indent;             /* of this line */
    int skip_below;         /* lines with more indentation are passed over */
    int replay_below;       /* lines with more indentation tell of anti-replay */
    bool in_sel, in_replay; /* what the next keywords belong to */
    char word[WORD_MAX];
    struct draft d;
    struct xfrm_list *list;
    struct problem *why;
};

/* Sets why to "FILE:LINE: " and the text; returns false. */
bool reader_fail(struct reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- xfrm_word.c: words of one line ------------------------------------------------- */

bool reader_is_blank(char c);
bool reader_at_end(const struct reader *r);
void reader_skip_line(struct reader *r);
/* The next word of this line; at its end the empty one, and false.  Quotes and a comma behind
 * go.  A word that is too long is cut, and then no value or keyword. */
bool reader_word(struct reader *r);
/* Takes the next word when it is this one. */
bool reader_accept(struct reader *r, const char *word);
/* These fail, naming what was expected. */
bool reader_need(struct reader *r, const char *expected);
bool reader_number(struct reader *r, const char *expected, uint64_t max, uint64_t *out);
bool reader_u32(struct reader *r, const char *expected, uint32_t *out);
bool reader_u16(struct reader *r, const char *expected, uint16_t *out);
bool reader_addr(struct reader *r, const char *expected, struct cv_addr *out);

/* ---- xfrm_field.c: keywords ---------------------------------------------------------- */

/* Reads what belongs to the keyword in r->word. */
bool reader_field(struct reader *r);
/* Reads the words of a bitmap that are still due, highest first, up to the line's end. */
bool reader_bitmap(struct reader *r);
/* Passes over this line and those indented below it. */
bool reader_skip_below(struct reader *r);

/* A word, and what reads that which belongs to it. */
struct keyword {
    const char *word;
    bool (*read)(struct reader *r);
};

const struct keyword *keyword_find(const struct keyword *table, size_t n, const char *word);

/* ---- xfrm_sel.c ---------------------------------------------------------------------- */

/* The keyword as it is meant in a selector; NULL: it is none there. */
const struct keyword *keyword_of_selector(const char *word);

/* ---- xfrm_state.c -------------------------------------------------------------------- */

/* Puts the SA that was read so far into the list.  Errors name the line it began on. */
bool reader_end_sa(struct reader *r);

#endif
