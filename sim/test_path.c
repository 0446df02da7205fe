/* A path that is narrower than it looked: what a router outside says reaches the sender inside
 * (RFC 4301 section 8.2).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/check.h"
#include "sim/duo.h"
#include "wire/ip.h"

enum { INNER = 1300, NARROW = 1200, QUOTED = 8, BUF = 2048 };

static void put_inner(struct cv_packet *pkt, const struct duo *d, uint8_t *buf)
{
    const struct ip_head head = {
        .src = d->dev->inner[0], .dst = d->gw->inner[0], .proto = 253, .ttl = 64, .df = true};

    *pkt = (struct cv_packet){.buf = buf, .cap = BUF, .off = CV_HEADROOM, .len = INNER};
    ip_put_head(cv_packet_data(pkt), &head, INNER - ip_head_len(CV_IPV4));
}

/* The router's message about a packet of the device's with this SPI. */
static struct cv_span put_report(const struct duo *d, uint32_t spi, uint8_t *out)
{
    const size_t ip = ip_head_len(CV_IPV4);
    const struct ip_head quoted = {
        .src = d->dev->v4, .dst = d->gw->v4, .proto = IPPROTO_NUM_ESP, .ttl = 60};
    const struct ip_head head = {
        .src = recipe_v4(8, 8, 8, 8), .dst = d->dev->v4, .proto = IPPROTO_NUM_ICMP, .ttl = 60};
    struct wr w = wr_init(out + ip, 128);

    wr_u32(&w, 3 << 24 | 4 << 16); /* fragmentation needed (RFC 1191) */
    wr_u32(&w, NARROW);
    ip_put_head(wr_reserve(&w, ip), &quoted, INNER);
    wr_u32(&w, spi);
    wr_u32(&w, 1);
    wr_patch_u16(&w, 2, ip_checksum(wr_done(&w)));
    ip_put_head(out, &head, w.n);
    return span(out, ip + w.n);
}

static void a_router_outside_makes_the_sender_inside_send_less(void **state)
{
    static uint8_t buf[BUF], icmp[256];
    struct duo *d = *state;
    struct cv_packet pkt;
    uint32_t spi;

    assert_true(duo_connect(d));
    spi = host_child_info(d->dev, host_child(d->dev)).spi_out;
    put_inner(&pkt, d, buf);
    cv_output(d->dev->engine, &pkt, 1, world_now(d->w));
    assert_int_equal(pkt.verdict, CV_TRANSMIT);

    assert_false(cv_icmp(d->dev->engine, put_report(d, spi + 1, icmp), world_now(d->w)));
    assert_true(cv_icmp(d->dev->engine, put_report(d, spi, icmp), world_now(d->w)));
    put_inner(&pkt, d, buf);
    cv_output(d->dev->engine, &pkt, 1, world_now(d->w));
    assert_int_equal(pkt.err, CV_ERR_TOO_BIG);
    assert_true(cv_too_big(d->dev->engine, &pkt));
    assert_int_equal(pkt.verdict, CV_DELIVER);

    world_run(d->w, 15 * 60 * 1000); /* by then it may be another path */
    put_inner(&pkt, d, buf);
    cv_output(d->dev->engine, &pkt, 1, world_now(d->w));
    assert_int_equal(pkt.verdict, CV_TRANSMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DUO(a_router_outside_makes_the_sender_inside_send_less),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
