/* The keywords of a selector, the packets that may be inside an SA.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli/packet/xfrm_read.h"
#include "text/text.h"
#include "wire/ip.h"

static bool set_range(struct reader *r, struct cv_ts *ts)
{
    struct cv_addr_range range;

    if (!reader_need(r, "ADDRESS/PREFIX"))
        return false;
    if (!range_parse(&range, r->word) || range.family == CV_ANY_FAMILY)
        return reader_fail(r, "expected ADDRESS/PREFIX, not %.60s", r->word);
    ts->family = range.family;
    memcpy(ts->lo, range.lo, sizeof(ts->lo));
    memcpy(ts->hi, range.hi, sizeof(ts->hi));
    return true;
}

static bool sel_src(struct reader *r)
{
    return set_range(r, &r->d.sa.from);
}

static bool sel_dst(struct reader *r)
{
    return set_range(r, &r->d.sa.to);
}

static bool sel_proto(struct reader *r)
{
    static const struct {
        const char *name;
        uint8_t number;
    } names[] = {
        {"icmp",      IPPROTO_NUM_ICMP  },
        {"tcp",       IPPROTO_NUM_TCP   },
        {"udp",       IPPROTO_NUM_UDP   },
        {"ipv6-icmp", IPPROTO_NUM_ICMPV6},
        {"icmpv6",    IPPROTO_NUM_ICMPV6},
        {"sctp",      132               },
    };
    uint64_t number = 0;
    const char *back = r->p;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (reader_accept(r, names[i].name))
            number = names[i].number;
    if (number == 0 && r->p == back &&
        !reader_number(r, "a protocol: tcp, udp, icmp, or its number", 255, &number))
        return false;
    r->d.sa.from.proto = r->d.sa.to.proto = (uint8_t)number;
    return true;
}

static bool set_port(struct reader *r, struct cv_ts *ts)
{
    uint16_t port;

    if (!reader_u16(r, "a port", &port))
        return false;
    ts->port_lo = ts->port_hi = port;
    return true;
}

static bool sel_sport(struct reader *r)
{
    return set_port(r, &r->d.sa.from);
}

static bool sel_dport(struct reader *r)
{
    return set_port(r, &r->d.sa.to);
}

/* ICMP's type and code stand in both port ranges (RFC 4301 section 4.4.1.1). */
static void set_icmp(struct xfrm_sa *sa, unsigned lo, unsigned hi)
{
    sa->from.port_lo = sa->to.port_lo = (uint16_t)lo;
    sa->from.port_hi = sa->to.port_hi = (uint16_t)hi;
}

static bool sel_type(struct reader *r)
{
    uint64_t type = 0;

    if (!reader_number(r, "an ICMP type", 255, &type))
        return false;
    set_icmp(&r->d.sa, (unsigned)type << 8, (unsigned)type << 8 | 0xff);
    return true;
}

static bool sel_code(struct reader *r)
{
    unsigned type = r->d.sa.from.port_lo & 0xff00U;
    uint64_t code = 0;

    if (!reader_number(r, "an ICMP code", 255, &code))
        return false;
    set_icmp(&r->d.sa, type | (unsigned)code, type | (unsigned)code);
    return true;
}

static const struct keyword sel_keywords[] = {
    {"src",   sel_src          },
    {"dst",   sel_dst          },
    {"proto", sel_proto        },
    {"sport", sel_sport        },
    {"dport", sel_dport        },
    {"type",  sel_type         },
    {"code",  sel_code         },
    {"dev",   reader_skip_below},
    {"uid",   reader_skip_below},
};

const struct keyword *keyword_of_selector(const char *word)
{
    return keyword_find(sel_keywords, sizeof(sel_keywords) / sizeof(sel_keywords[0]), word);
}
