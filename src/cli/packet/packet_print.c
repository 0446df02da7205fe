/* One line for each packet of `culvert packet`, for people or for programs.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "cli/packet/packet.h"
#include "kit/json.h"
#include "text/text.h"

enum { TEXT_MAX = 200, ADDR_MAX = 64 };

/* ---- parts ------------------------------------------------------------------------ */

static const char *protocol_name(uint8_t proto, char out[16])
{
    switch (proto) {
    case IPPROTO_NUM_ICMP:
        return "ICMP";
    case IPPROTO_NUM_TCP:
        return "TCP";
    case IPPROTO_NUM_UDP:
        return "UDP";
    case IPPROTO_NUM_ESP:
        return "ESP";
    case IPPROTO_NUM_AH:
        return "AH";
    case IPPROTO_NUM_ICMPV6:
        return "ICMPv6";
    default:
        snprintf(out, 16, "protocol %u", proto);
        return out;
    }
}

/* "10.0.0.1 > 10.0.0.2 TCP 40000 > 443, 84 octets" */
static void flow_text(char out[TEXT_MAX], const struct ip_flow *flow)
{
    char src[ADDR_MAX], dst[ADDR_MAX], name[16], ports[32] = "";

    addr_format(src, sizeof(src), &flow->src);
    addr_format(dst, sizeof(dst), &flow->dst);
    if (flow->ports_known &&
        (flow->proto == IPPROTO_NUM_ICMP || flow->proto == IPPROTO_NUM_ICMPV6))
        snprintf(ports, sizeof(ports), " type %u code %u", (unsigned)flow->dport >> 8,
                 flow->dport & 0xffU);
    else if (flow->ports_known)
        snprintf(ports, sizeof(ports), " %u > %u", flow->sport, flow->dport);
    snprintf(out, TEXT_MAX, "%s > %s %s%s, %zu octets", src, dst,
             protocol_name(flow->proto, name), ports, flow->total_len);
}

/* "line 1, ESP tunnel AES_CBC-128/HMAC_SHA1_96" */
static void sa_text(char out[TEXT_MAX], const struct xfrm_sa *sa)
{
    const struct cv_suite *suite = &sa->suite;
    char bits[16] = "";

    if (suite->encr_bits > 0)
        snprintf(bits, sizeof(bits), "-%u", suite->encr_bits);
    snprintf(out, TEXT_MAX, "line %u, %s %s %s%s%s%s%s", sa->line,
             sa->protocol == CV_PROTO_AH ? "AH" : "ESP",
             sa->mode == CV_TUNNEL ? "tunnel" : "transport",
             suite->encr != 0 ? name_encr(suite->encr) : "", bits,
             suite->encr != 0 && suite->integ != 0 ? "/" : "",
             suite->integ != 0 ? name_integ(suite->integ) : "",
             suite->esn == CV_ESN_YES ? "/ESN" : "");
}

static const char *kind_of(const struct frame *f)
{
    if (f->ah)
        return "AH";
    if (f->esp)
        return f->udp ? "ESP in UDP" : "ESP";
    return "neither ESP nor AH";
}

/* ---- for programs ----------------------------------------------------------------- */

static void json_explained(struct json *j, const struct packet_note *note)
{
    char text[TEXT_MAX];

    json_text(j, "kind", kind_of(note->frame));
    if (note->frame->parsed == CV_OK) {
        flow_text(text, &note->frame->flow);
        json_text(j, "outside", text);
    }
    if (note->sa != NULL) {
        sa_text(text, note->sa);
        json_text(j, "sa", text);
    }
    if (note->inner != NULL) {
        flow_text(text, note->inner);
        json_text(j, "inside", text);
    }
}

static void print_json(const struct packet_note *note)
{
    struct json j = {.out = stdout, .compact = true};

    json_object(&j, NULL);
    json_number(&j, "n", note->n);
    json_text(&j, "verdict", cv_err_name(note->verdict));
    if (note->has_spi)
        json_number(&j, "spi", note->spi);
    else
        json_null(&j, "spi");
    if (note->has_seq)
        json_number(&j, "seq", note->seq);
    else
        json_null(&j, "seq");
    json_number(&j, "len_in", note->len_in);
    json_number(&j, "len_out", note->len_out);
    if (note->frame != NULL)
        json_explained(&j, note);
    json_end_object(&j);
    json_finish(&j);
}

/* ---- for people ------------------------------------------------------------------- */

static void print_explained(const struct packet_note *note)
{
    char text[TEXT_MAX];

    if (note->frame->parsed == CV_OK) {
        flow_text(text, &note->frame->flow);
        printf(": %s", text);
    }
    printf("; %s", kind_of(note->frame));
    if (note->sa != NULL) {
        sa_text(text, note->sa);
        printf("; SA of %s", text);
    }
}

void packet_print(const struct packet_note *note, bool json)
{
    char text[TEXT_MAX];

    if (json) {
        print_json(note);
        return;
    }
    printf("%" PRIu64 " %s", note->n, cv_err_name(note->verdict));
    if (note->has_spi)
        printf(" spi 0x%08" PRIx32, note->spi);
    if (note->has_seq)
        printf(" seq %" PRIu64, note->seq);
    printf(" len %zu", note->len_in);
    if (note->len_out > 0)
        printf(" -> %zu", note->len_out);
    if (note->frame != NULL)
        print_explained(note);
    if (note->inner != NULL) {
        flow_text(text, note->inner);
        printf("; inside %s", text);
    }
    if (note->dummy)
        fputs("; a dummy packet", stdout);
    if (note->verdict != CV_OK)
        printf(": %s", cv_err_text(note->verdict));
    putchar('\n');
}
