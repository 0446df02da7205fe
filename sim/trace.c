/* Datagrams in words.  See trace.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER = 28 }; /* octets of an IKE header */

void trace_init(struct trace *t)
{
    *t = (struct trace){.live = getenv("CULVERT_TRACE") != NULL};
    t->line = sim_alloc(TRACE_LINES * sizeof(*t->line));
}

void trace_free(struct trace *t)
{
    free(t->line);
    t->line = NULL;
}

void trace_line(struct trace *t, uint64_t now_ms, const char *text)
{
    char *line = t->line[t->n++ % TRACE_LINES];

    snprintf(line, TRACE_WIDTH, "%7u.%03u %s", (unsigned)(now_ms / 1000),
             (unsigned)(now_ms % 1000), text);
    if (t->live)
        fprintf(stderr, "%s\n", line);
}

void trace_dump(const struct trace *t)
{
    uint64_t from = t->n > TRACE_LINES ? t->n - TRACE_LINES : 0;

    if (t->live)
        return;
    for (uint64_t i = from; i < t->n; i++)
        fprintf(stderr, "%s\n", t->line[i % TRACE_LINES]);
}

/* ---- words --------------------------------------------------------------------- */

static uint32_t be(const uint8_t *p, unsigned n)
{
    uint32_t v = 0;

    for (unsigned i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

static const char *payload_name(uint8_t type)
{
    static const char *const names[] = {"SA",   "KE", "IDi",    "IDr", "CERT", "CERTREQ",
                                        "AUTH", "N",  "Notify", "D",   "V",    "TSi",
                                        "TSr",  "SK", "CP",     "EAP"};

    if (type == 53)
        return "SKF";
    return type >= 33 && type <= 48 ? names[type - 33] : "?";
}

static const char *notify_name(uint32_t type)
{
    static const struct {
        uint32_t type;
        const char *name;
    } names[] = {
        {1,     "UNSUPPORTED_CRITICAL_PAYLOAD"},
        {4,     "INVALID_IKE_SPI"             },
        {5,     "INVALID_MAJOR_VERSION"       },
        {7,     "INVALID_SYNTAX"              },
        {9,     "INVALID_MESSAGE_ID"          },
        {11,    "INVALID_SPI"                 },
        {14,    "NO_PROPOSAL_CHOSEN"          },
        {17,    "INVALID_KE_PAYLOAD"          },
        {24,    "AUTHENTICATION_FAILED"       },
        {35,    "NO_ADDITIONAL_SAS"           },
        {36,    "INTERNAL_ADDRESS_FAILURE"    },
        {38,    "TS_UNACCEPTABLE"             },
        {43,    "TEMPORARY_FAILURE"           },
        {40,    "UNACCEPTABLE_ADDRESSES"      },
        {41,    "UNEXPECTED_NAT_DETECTED"     },
        {44,    "CHILD_SA_NOT_FOUND"          },
        {16384, "INITIAL_CONTACT"             },
        {16388, "NATD_S"                      },
        {16389, "NATD_D"                      },
        {16390, "COOKIE"                      },
        {16391, "TRANSPORT"                   },
        {16393, "REKEY_SA"                    },
        {16396, "MOBIKE"                      },
        {16397, "ADDITIONAL_V4"               },
        {16398, "ADDITIONAL_V6"               },
        {16399, "NO_ADDITIONAL"               },
        {16400, "UPDATE"                      },
        {16401, "COOKIE2"                     },
        {16402, "NO_NATS"                     },
        {16406, "REDIRECTS"                   },
        {16407, "REDIRECT"                    },
        {16408, "REDIRECTED_FROM"             },
        {16418, "CHILDLESS"                   },
        {16430, "FRAG"                        },
        {16431, "HASHES"                      },
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].type == type)
            return names[i].name;
    }
    return NULL;
}

static void append(char *out, size_t cap, const char *word)
{
    size_t n = strlen(out);

    if (n < cap)
        snprintf(out + n, cap - n, "%s%s", n == 0 ? "" : " ", word);
}

static void describe_notify(char *out, size_t cap, const uint8_t *p, size_t n)
{
    char word[48];
    uint32_t type = n >= 8 ? be(p + 6, 2) : 0;
    const char *name = notify_name(type);

    if (name != NULL)
        snprintf(word, sizeof(word), "N(%s)", name);
    else
        snprintf(word, sizeof(word), "N(%u)", (unsigned)type);
    append(out, cap, word);
}

static void describe_chain(char *out, size_t cap, uint8_t type, struct cv_span s)
{
    while (type != 0 && s.n >= 4) {
        size_t n = be(s.p + 2, 2);
        char word[48];

        if (n < 4 || n > s.n) {
            append(out, cap, "(broken)");
            return;
        }
        if (type == 41) {
            describe_notify(out, cap, s.p, n);
        } else if (type == 42 && n >= 12) {
            snprintf(word, sizeof(word), "D(%08x%s)", (unsigned)be(s.p + 8, 4),
                     n > 12 ? ",.." : "");
            append(out, cap, word);
        } else {
            append(out, cap, type == 40 ? "Nonce" : type == 42 ? "D" : payload_name(type));
        }
        if (type == 46 || type == 53)
            return;
        type = s.p[0];
        s = (struct cv_span){s.p + n, s.n - n};
    }
}

void trace_seal(struct trace *t, struct cv_span aad, struct cv_span plain)
{
    struct trace_sealed *s = &t->sealed[t->n_sealed % TRACE_SEALED];

    if (aad.n < HEADER + 4 || aad.p[17] != 0x20)
        return; /* ESP */
    t->n_sealed++;
    memcpy(s->header, aad.p, HEADER);
    s->text[0] = '\0';
    if (aad.p[16] == 53) {
        snprintf(s->text, sizeof(s->text), "fragment %u/%u",
                 (unsigned)be(aad.p + HEADER + 4, 2), (unsigned)be(aad.p + HEADER + 6, 2));
        return;
    }
    if (plain.n > 0)
        describe_chain(s->text, sizeof(s->text), aad.p[HEADER], plain);
    if (s->text[0] == '\0')
        snprintf(s->text, sizeof(s->text), "(empty)");
}

static const char *inside(const struct trace *t, struct cv_span ike)
{
    unsigned n = t->n_sealed < TRACE_SEALED ? t->n_sealed : TRACE_SEALED;

    for (unsigned i = 0; i < n; i++) {
        const struct trace_sealed *s = &t->sealed[(t->n_sealed - 1 - i) % TRACE_SEALED];

        if (memcmp(s->header, ike.p, HEADER) == 0)
            return s->text;
    }
    return "";
}

struct cv_span trace_ike(const struct datagram *d)
{
    static const uint8_t marker[4] = {0};
    size_t skip = d->carrier == CV_UDP_4500 ? 4 : 0;

    if (d->carrier != CV_UDP_500 && d->carrier != CV_UDP_4500)
        return (struct cv_span){0};
    if (d->n < skip + HEADER || memcmp(d->data, marker, skip) != 0)
        return (struct cv_span){0};
    return (struct cv_span){d->data + skip, d->n - skip};
}

static const char *exchange_name(uint8_t exchange)
{
    static const char *const names[] = {"IKE_SA_INIT", "IKE_AUTH", "CREATE_CHILD_SA",
                                        "INFORMATIONAL"};

    return exchange >= 34 && exchange <= 37 ? names[exchange - 34] : "?";
}

static void describe(char *out, size_t cap, const struct trace *t, const struct datagram *d)
{
    struct cv_span ike = trace_ike(d);

    if (ike.n == 0 && d->n == 1 && d->data[0] == 0xff) {
        snprintf(out, cap, "keepalive");
        return;
    }
    if (ike.n == 0 && d->n >= 8) {
        snprintf(out, cap, "%s %08x #%u, %zu octets",
                 d->carrier == CV_UDP_4500 ? "UDP ESP" : "ESP", (unsigned)be(d->data, 4),
                 (unsigned)be(d->data + 4, 4), d->n);
        return;
    }
    if (ike.n == 0) {
        snprintf(out, cap, "%zu octets of something", d->n);
        return;
    }
    snprintf(out, cap, "%s %s %u [%04x/%04x]%s:", exchange_name(ike.p[18]),
             ike.p[19] & 0x20 ? "response" : "request", (unsigned)be(ike.p + 20, 4),
             (unsigned)be(ike.p, 2), (unsigned)be(ike.p + 8, 2),
             d->carrier == CV_UDP_4500 ? " 4500" : "");
    if (ike.p[16] == 46 || ike.p[16] == 53)
        append(out, cap, inside(t, ike));
    else
        describe_chain(out, cap, ike.p[16], (struct cv_span){ike.p + HEADER, ike.n - HEADER});
}

static void address(char *out, size_t cap, const struct net *net, const struct cv_endpoint *e)
{
    uint32_t i = net_find(net, &e->addr);

    if (i != UINT32_MAX)
        snprintf(out, cap, "%s", net->ports[i].name);
    else if (e->addr.family == CV_IPV6)
        snprintf(out, cap, "..%02x%02x:%u", e->addr.b[14], e->addr.b[15], e->port);
    else
        snprintf(out, cap, "%u.%u.%u.%u:%u", e->addr.b[0], e->addr.b[1], e->addr.b[2],
                 e->addr.b[3], e->port);
}

void trace_datagram(struct trace *t, const struct net *net, const struct datagram *d,
                    const char *fate)
{
    char from[32], to[32], what[140], line[TRACE_WIDTH + 60];

    if (t->ike_only && trace_ike(d).n == 0)
        return;
    address(from, sizeof(from), net, &d->src);
    address(to, sizeof(to), net, &d->dst);
    what[0] = '\0';
    describe(what, sizeof(what), t, d);
    snprintf(line, sizeof(line), "%s -> %s  %s%s%s%s", from, to, what, fate[0] ? "  *" : "",
             fate, fate[0] ? "*" : "");
    trace_line(t, net->agenda->now_ms, line);
}
