/* Packet captures through libpcap, and the IP packet behind each link layer's header.
 *
 * Invariant: what capture_next hands out as ip lies within the frame, is not empty and
 * begins with the version number 4 or 6.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/packet/pcap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <pcap/pcap.h>

#include "base/span.h"

enum {
    LINKTYPE_NUM_RAW = 101,
    SNAPLEN = 262144,
    ETHERTYPE_NUM_IPV4 = 0x0800,
    ETHERTYPE_NUM_IPV6 = 0x86dd,
    ETHERTYPE_NUM_VLAN = 0x8100,
    ETHERTYPE_NUM_QINQ = 0x88a8,
    VLAN_TAGS_MAX = 4
};

struct capture {
    pcap_t *pcap;
    struct cv_span (*strip)(struct cv_span frame);
    const char *name; /* the caller's */
    unsigned n;
};

/* ---- link layers ------------------------------------------------------------------ */

/* What is left of r, when it looks like IP. */
static struct cv_span ip_of(struct rd *r)
{
    struct cv_span ip = rd_rest(r);
    struct rd first = rd_init(ip);
    const uint8_t version = rd_u8(&first) >> 4;

    return version == 4 || version == 6 ? ip : (struct cv_span){0};
}

static struct cv_span behind_ethertype(struct rd *r)
{
    uint16_t type = rd_u16(r);

    /* IEEE 802.1Q: each tag is two octets, then the next type */
    for (unsigned i = 0; i < VLAN_TAGS_MAX; i++) {
        if (type != ETHERTYPE_NUM_VLAN && type != ETHERTYPE_NUM_QINQ)
            break;
        rd_u16(r);
        type = rd_u16(r);
    }
    if (type != ETHERTYPE_NUM_IPV4 && type != ETHERTYPE_NUM_IPV6)
        return (struct cv_span){0};
    return ip_of(r);
}

static struct cv_span strip_raw(struct cv_span frame)
{
    struct rd r = rd_init(frame);

    return ip_of(&r);
}

static struct cv_span strip_ethernet(struct cv_span frame)
{
    struct rd r = rd_init(frame);

    rd_take(&r, 12); /* addresses */
    return behind_ethertype(&r);
}

/* Linux cooked capture: the packet's type, the device's, address length, address */
static struct cv_span strip_sll(struct cv_span frame)
{
    struct rd r = rd_init(frame);

    rd_take(&r, 14);
    return behind_ethertype(&r);
}

/* Version 2 begins with the EtherType. */
static struct cv_span strip_sll2(struct cv_span frame)
{
    struct rd r = rd_init(frame);
    const uint16_t type = rd_u16(&r);

    rd_take(&r, 18);
    if (type != ETHERTYPE_NUM_IPV4 && type != ETHERTYPE_NUM_IPV6)
        return (struct cv_span){0};
    return ip_of(&r);
}

/* BSD loopback: an address family in some host's byte order, which IP's version repeats */
static struct cv_span strip_null(struct cv_span frame)
{
    struct rd r = rd_init(frame);

    rd_take(&r, 4);
    return ip_of(&r);
}

static struct cv_span (*find_strip(int datalink))(struct cv_span)
{
    static const struct {
        int datalink;
        struct cv_span (*strip)(struct cv_span);
    } links[] = {
        {DLT_RAW,          strip_raw     },
        {LINKTYPE_NUM_RAW, strip_raw     },
        {DLT_IPV4,         strip_raw     },
        {DLT_IPV6,         strip_raw     },
        {DLT_EN10MB,       strip_ethernet},
        {DLT_LINUX_SLL,    strip_sll     },
        {DLT_LINUX_SLL2,   strip_sll2    },
        {DLT_NULL,         strip_null    },
        {DLT_LOOP,         strip_null    },
    };

    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
        if (links[i].datalink == datalink)
            return links[i].strip;
    return NULL;
}

/* ---- reading ---------------------------------------------------------------------- */

struct capture *capture_read(FILE *stream, const char *name, struct problem *why)
{
    struct capture *c = calloc(1, sizeof(*c));
    char text[PCAP_ERRBUF_SIZE] = "out of memory";
    const char *link;

    if (c != NULL)
        c->pcap = pcap_fopen_offline(stream, text); /* owns the stream from here on */
    if (c == NULL || c->pcap == NULL) {
        problem_set(why, "%s: %s; expected a pcap or pcapng file", name, text);
        fclose(stream);
        free(c);
        return NULL;
    }
    c->name = name;
    c->strip = find_strip(pcap_datalink(c->pcap));
    if (c->strip == NULL) {
        link = pcap_datalink_val_to_name(pcap_datalink(c->pcap));
        problem_set(why, "%s: link type %d (%s); expected raw IP, Ethernet or Linux cooked",
                    name, pcap_datalink(c->pcap), link != NULL ? link : "unknown");
        capture_close(c);
        return NULL;
    }
    return c;
}

struct capture *capture_open(const char *name, struct problem *why)
{
    FILE *stream = strcmp(name, "-") == 0 ? stdin : fopen(name, "rb");

    if (stream == NULL) {
        problem_set(why, "%s: %s", name, strerror(errno));
        return NULL;
    }
    return capture_read(stream, name, why);
}

int capture_next(struct capture *c, struct capture_packet *out, struct problem *why)
{
    struct pcap_pkthdr *header;
    const u_char *data;
    int got = pcap_next_ex(c->pcap, &header, &data);

    if (got == PCAP_ERROR_BREAK)
        return 0;
    c->n++;
    if (got != 1) {
        problem_set(why, "%s: packet %u: %s", c->name, c->n, pcap_geterr(c->pcap));
        return -1;
    }
    out->time = header->ts;
    out->frame = span(data, header->caplen);
    out->ip = c->strip(out->frame);
    return 1;
}

void capture_close(struct capture *c)
{
    if (c == NULL)
        return;
    pcap_close(c->pcap);
    free(c);
}

/* ---- writing ---------------------------------------------------------------------- */

struct capture_out {
    pcap_t *pcap;
    pcap_dumper_t *dumper;
    const char *name;
};

struct capture_out *capture_create(const char *name, struct problem *why)
{
    struct capture_out *c = calloc(1, sizeof(*c));

    if (c != NULL)
        c->pcap = pcap_open_dead(DLT_RAW, SNAPLEN);
    if (c == NULL || c->pcap == NULL) {
        problem_set(why, "%s: out of memory", name);
        free(c);
        return NULL;
    }
    c->name = name;
    c->dumper = pcap_dump_open(c->pcap, name);
    if (c->dumper == NULL) {
        problem_set(why, "%s", pcap_geterr(c->pcap));
        pcap_close(c->pcap);
        free(c);
        return NULL;
    }
    return c;
}

void capture_put(struct capture_out *c, struct timeval time, struct cv_span ip)
{
    struct pcap_pkthdr header = {.ts = time};

    header.caplen = header.len = (bpf_u_int32)ip.n;
    pcap_dump((u_char *)c->dumper, &header, ip.p);
}

bool capture_finish(struct capture_out *c, struct problem *why)
{
    const bool good = pcap_dump_flush(c->dumper) == 0 && !ferror(pcap_dump_file(c->dumper));

    if (!good)
        problem_set(why, "%s: %s", c->name, strerror(errno));
    pcap_dump_close(c->dumper);
    pcap_close(c->pcap);
    free(c);
    return good;
}
