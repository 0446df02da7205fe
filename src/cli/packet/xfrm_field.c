/* The keywords of `ip xfrm state` and of the arguments of `ip xfrm state add`, one function
 * each.  What does not concern the packets themselves (lifetimes, statistics, marks,
 * devices) is skipped with the lines indented below it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "cli/packet/xfrm_read.h"

static bool read_src(struct reader *r)
{
    static const struct cv_ts any = {.port_hi = UINT16_MAX};

    if (!reader_end_sa(r))
        return false;
    r->d = (struct draft){.begun = true};
    r->d.sa.line = r->line;
    r->d.sa.mode = CV_TRANSPORT; /* what `ip xfrm state add` assumes */
    r->d.sa.from = r->d.sa.to = any;
    return reader_addr(r, "an address after src", &r->d.sa.src);
}

static bool read_dst(struct reader *r)
{
    r->d.has_dst = true;
    return reader_addr(r, "an address after dst", &r->d.sa.dst);
}

static bool read_proto(struct reader *r)
{
    if (!reader_need(r, "esp or ah"))
        return false;
    if (strcmp(r->word, "esp") == 0 || strcmp(r->word, "50") == 0)
        r->d.sa.protocol = CV_PROTO_ESP;
    else if (strcmp(r->word, "ah") == 0 || strcmp(r->word, "51") == 0)
        r->d.sa.protocol = CV_PROTO_AH;
    else
        return reader_fail(r, "expected proto esp or proto ah, not %.60s", r->word);
    return true;
}

static bool read_spi(struct reader *r)
{
    r->d.has_spi = true;
    if (!reader_u32(r, "an SPI below 2^32", &r->d.sa.spi))
        return false;
    /* RFC 4303 section 2.1: 0 MUST NOT be sent on the wire */
    return r->d.sa.spi != 0 ||
           reader_fail(r, "SPI 0 is never on the wire; expected 256 or above");
}

static bool read_reqid(struct reader *r)
{
    return reader_u32(r, "a number after reqid", &r->d.sa.reqid);
}

static bool read_mode(struct reader *r)
{
    if (!reader_need(r, "tunnel or transport"))
        return false;
    if (strcmp(r->word, "tunnel") == 0)
        r->d.sa.mode = CV_TUNNEL;
    else if (strcmp(r->word, "transport") == 0)
        r->d.sa.mode = CV_TRANSPORT;
    else
        return reader_fail(r, "expected mode tunnel or mode transport, not %.60s", r->word);
    return true;
}

static bool read_window(struct reader *r)
{
    return reader_u32(r, "a number of packets",
                      r->in_replay ? &r->d.window_esn : &r->d.sa.window);
}

/* flag takes all the flags that follow. */
static bool read_flags(struct reader *r)
{
    static const char *const known[] = {"noecn", "decap-dscp", "nopmtudisc", "wildrecv",
                                        "icmp",  "af-unspec",  "align4",     "esn"};
    bool found = true;

    while (found) {
        found = false;
        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]) && !found; i++) {
            found = reader_accept(r, known[i]);
            if (found && strcmp(known[i], "esn") == 0)
                r->d.sa.suite.esn = CV_ESN_YES;
        }
    }
    return true;
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    const char *at = c == '\0' ? NULL : strchr(digits, c);

    if (at == NULL)
        return -1;
    return at - digits < 16 ? (int)(at - digits) : (int)(at - digits) - 6;
}

/* The message never shows what it read: it may be most of a key. */
static bool read_key(struct reader *r, uint8_t key[WORD_MAX / 2], size_t *n)
{
    size_t digits;
    bool good = reader_need(r, "a key of hexadecimal digits after 0x") && r->word[0] == '0' &&
                (r->word[1] == 'x' || r->word[1] == 'X');

    *n = 0;
    digits = good ? strlen(r->word + 2) : 0;
    good = good && digits % 2 == 0 && digits + 3 < sizeof(r->word);
    for (size_t i = 0; good && i < digits; i += 2) {
        int high = hex_digit(r->word[2 + i]), low = hex_digit(r->word[3 + i]);

        good = high >= 0 && low >= 0;
        key[(*n)++] = (uint8_t)((high & 0xf) << 4 | (low & 0xf));
    }
    wipe(r->word, sizeof(r->word));
    return good ||
           reader_fail(r, "expected a key: 0x and an even number of hexadecimal digits");
}

/* enc NAME KEY, auth NAME KEY, auth-trunc NAME KEY BITS, aead NAME KEY BITS */
static bool read_algorithm(struct reader *r, enum xfrm_alg_kind kind, bool has_icv, bool *seen)
{
    struct draft *d = &r->d;
    const bool integ = kind == XFRM_AUTH;
    size_t *len = integ ? &d->integ_len : &d->encr_len;
    struct problem what;
    uint64_t icv_bits = 0;
    char name[64];

    if (*seen)
        return reader_fail(r, "algorithm given twice");
    *seen = true;
    if (!reader_need(r, "an algorithm and a key"))
        return false;
    if (strncmp(r->word, "0x", 2) == 0)
        return reader_fail(r, "expected the algorithm's name before its key");
    snprintf(name, sizeof(name), "%.63s", r->word);
    if (xfrm_alg_keyless(kind, name)) {
        if (!reader_accept(r, "0x") && !reader_accept(r, "") && !reader_at_end(r) &&
            *r->p == '0')
            return reader_fail(r, "%s takes no key", name);
    } else if (!read_key(r, integ ? d->integ_key : d->encr_key, len)) {
        return false;
    }
    if (has_icv && !reader_number(r, "the ICV's length in bits", 512, &icv_bits))
        return false;
    return xfrm_alg_find(integ ? &d->integ : &d->encr, kind, name, (unsigned)icv_bits, *len,
                         &what) ||
           reader_fail(r, "%s", what.text);
}

static bool read_enc(struct reader *r)
{
    return read_algorithm(r, XFRM_ENC, false, &r->d.has_encr);
}

static bool read_auth(struct reader *r)
{
    return read_algorithm(r, XFRM_AUTH, false, &r->d.has_integ);
}

static bool read_auth_trunc(struct reader *r)
{
    return read_algorithm(r, XFRM_AUTH, true, &r->d.has_integ);
}

static bool read_aead(struct reader *r)
{
    return read_algorithm(r, XFRM_AEAD, true, &r->d.has_aead);
}

/* encap type espinudp sport N dport N addr A; or encap espinudp N N A */
static bool read_encap(struct reader *r)
{
    struct cv_addr original;

    reader_accept(r, "type");
    if (!reader_need(r, "espinudp"))
        return false;
    if (strcmp(r->word, "espinudp") != 0)
        return reader_fail(r, "expected encap type espinudp, not %.60s", r->word);
    r->d.sa.encap = true;
    reader_accept(r, "sport");
    if (!reader_u16(r, "a source port", &r->d.sa.sport))
        return false;
    reader_accept(r, "dport");
    if (!reader_u16(r, "a destination port", &r->d.sa.dport))
        return false;
    reader_accept(r, "addr");
    return reader_addr(r, "the original address, 0.0.0.0 for none", &original);
}

static bool read_sel(struct reader *r)
{
    r->in_sel = true;
    return true;
}

/* "anti-replay context: ..." on one line, "anti-replay esn context:" with lines below. */
static bool read_replay(struct reader *r)
{
    reader_accept(r, "esn");
    if (!reader_accept(r, "context:"))
        return reader_fail(r, "expected anti-replay context: or anti-replay esn context:");
    r->in_replay = true;
    r->replay_below = r->indent;
    return true;
}

static bool set_half(struct reader *r, uint64_t *number, bool high)
{
    uint32_t half;

    if (!reader_u32(r, "a number below 2^32", &half))
        return false;
    if (high)
        *number = (uint64_t)half << 32 | (*number & UINT32_MAX);
    else
        *number = (*number >> 32) << 32 | half;
    return true;
}

static bool read_seq(struct reader *r)
{
    uint64_t of_the_key_manager = 0; /* outside a context seq has nothing to do with packets */

    return set_half(r, r->in_replay ? &r->d.sa.seq : &of_the_key_manager, false);
}

static bool read_replay_seq(struct reader *r)
{
    return set_half(r, &r->d.sa.seq, false);
}

static bool read_seq_hi(struct reader *r)
{
    return set_half(r, &r->d.sa.seq, true);
}

static bool read_oseq(struct reader *r)
{
    return set_half(r, &r->d.sa.oseq, false);
}

static bool read_oseq_hi(struct reader *r)
{
    return set_half(r, &r->d.sa.oseq, true);
}

static bool read_bitmap(struct reader *r)
{
    r->d.n_bitmap = 1;
    return reader_u32(r, "a bitmap of 32 bits", &r->d.bitmap[0]);
}

static bool read_bitmap_length(struct reader *r)
{
    uint64_t n = 0;

    if (!reader_number(r, "at most 128 words of bitmap", XFRM_BITMAP_WORDS, &n))
        return false;
    r->d.n_bitmap = r->d.bitmap_left = (unsigned)n;
    return true;
}

bool reader_bitmap(struct reader *r)
{
    while (r->d.bitmap_left > 0 && reader_word(r)) {
        char *end;
        unsigned long word = strtoul(r->word, &end, 16);

        if (*end != '\0' || word > UINT32_MAX)
            return reader_fail(
                r, "expected %u more bitmap words of 8 hexadecimal digits, not %.60s",
                r->d.bitmap_left, r->word);
        r->d.bitmap[--r->d.bitmap_left] = (uint32_t)word;
    }
    return true;
}

bool reader_skip_below(struct reader *r)
{
    r->skip_below = r->indent;
    reader_skip_line(r);
    return true;
}

/* `ip -6 xfrm state add` in front of an SA */
static bool read_command(struct reader *r)
{
    while (reader_word(r))
        if (strcmp(r->word, "add") == 0 || strcmp(r->word, "update") == 0)
            return true;
    return reader_fail(r, "expected ip xfrm state add");
}

static bool read_nothing(struct reader *r)
{
    (void)r;
    return true;
}

static const struct keyword keywords[] = {
    {"src",            read_src          },
    {"dst",            read_dst          },
    {"proto",          read_proto        },
    {"spi",            read_spi          },
    {"reqid",          read_reqid        },
    {"mode",           read_mode         },
    {"replay-window",  read_window       },
    {"replay_window",  read_window       },
    {"flag",           read_flags        },
    {"enc",            read_enc          },
    {"auth",           read_auth         },
    {"auth-trunc",     read_auth_trunc   },
    {"aead",           read_aead         },
    {"encap",          read_encap        },
    {"sel",            read_sel          },
    {"anti-replay",    read_replay       },
    {"seq",            read_seq          },
    {"seq-hi",         read_seq_hi       },
    {"oseq",           read_oseq         },
    {"oseq-hi",        read_oseq_hi      },
    {"replay-seq",     read_replay_seq   },
    {"replay-seq-hi",  read_seq_hi       },
    {"replay-oseq",    read_oseq         },
    {"replay-oseq-hi", read_oseq_hi      },
    {"bitmap",         read_bitmap       },
    {"bitmap-length",  read_bitmap_length},
    {"ip",             read_command      },
    {"\\",             read_nothing      }, /* a command goes on on the next line */
    {"lifetime",       reader_skip_below },
    {"stats:",         reader_skip_below },
    {"lastused",       reader_skip_below },
    {"mark",           reader_skip_below },
    {"output-mark",    reader_skip_below },
    {"if_id",          reader_skip_below },
    {"tfcpad",         reader_skip_below },
    {"dir",            reader_skip_below },
    {"coa",            reader_skip_below },
    {"security",       reader_skip_below },
    {"offload",        reader_skip_below },
    {"crypto",         reader_skip_below },
    {"extra_flag",     reader_skip_below },
    {"limit",          reader_skip_below },
};

const struct keyword *keyword_find(const struct keyword *table, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(table[i].word, word) == 0)
            return &table[i];
    return NULL;
}

bool reader_field(struct reader *r)
{
    const struct keyword *k = NULL;

    if (r->in_sel)
        k = keyword_of_selector(r->word);
    if (k == NULL) {
        r->in_sel = false;
        k = keyword_find(keywords, sizeof(keywords) / sizeof(keywords[0]), r->word);
    }
    if (k == NULL && strncmp(r->word, "0x", 2) == 0)
        return reader_fail(r, "expected a word, not a number"); /* it may be a key */
    if (k == NULL)
        return reader_fail(r, "unknown word %.60s; expected what `ip xfrm state` prints",
                           r->word);
    if (!r->d.begun && k->read != read_src && k->read != read_command)
        return reader_fail(
            r, "expected an SA to begin with src ADDRESS dst ADDRESS, not with %.60s", r->word);
    return k->read(r);
}
