/* culvert packet open|seal|explain: every packet of a capture through the data plane.
 *
 * Needs no daemon and no privilege.  Time stands still: lifetimes play no part.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/packet/packet.h"

#include <stdlib.h>
#include <string.h>

#include <culvert/ipsec.h>

#include "base/secret.h"
#include "cli/packet/pcap.h"

enum verb { VERB_OPEN, VERB_SEAL, VERB_EXPLAIN, VERB_NONE };

enum { PORT_NAT_T = 4500 };

struct run {
    const struct cli *cli;
    enum verb verb;
    struct xfrm_list sas;
    struct planes planes;
    struct capture *in;
    struct capture_out *out;    /* NULL: nothing is written */
    uint32_t ports[65536 / 32]; /* UDP ports that carry ESP */
    struct packet_note note;
    uint8_t buf[FRAME_CAP];
    bool dropped; /* any packet */
};

/* ---- one packet ------------------------------------------------------------------- */

static void set_port(struct run *run, uint16_t port)
{
    if (port != 0)
        run->ports[port / 32] |= UINT32_C(1) << (port % 32);
}

static const struct xfrm_sa *find_sa(const struct run *run, const struct cv_packet *pkt,
                                     const struct frame *f)
{
    return planes_find(&run->planes, f->ah ? CV_PROTO_AH : CV_PROTO_ESP, f->spi,
                       &pkt->local.addr);
}

static void open_by(struct run *run, struct cv_packet *pkt, const struct frame *f,
                    const struct xfrm_sa *sa)
{
    run->note.spi = f->spi;
    run->note.sa = sa;
    planes_in(&run->planes, sa, pkt, f->seq_low, &run->note.seq);
}

/* SAs inside SAs, as far as they are in the file; the note is about the last one. */
static void open_inside(struct run *run, struct cv_packet *pkt)
{
    for (unsigned n = 1; n < CV_NESTED_MAX && pkt->verdict == CV_DELIVER; n++) {
        struct cv_packet inside = *pkt;
        const struct xfrm_sa *sa;
        struct frame f;

        if (!frame_enter(&f, &inside, run->ports))
            return;
        sa = find_sa(run, &inside, &f);
        if (sa == NULL)
            return;
        *pkt = inside;
        open_by(run, pkt, &f, sa);
    }
}

/* An IPsec packet of the network, as the daemon's sockets would bring it. */
static enum cv_err open_one(struct run *run, struct cv_packet *pkt, struct frame *f,
                            struct cv_span ip)
{
    struct packet_note *note = &run->note;
    const enum cv_err err = frame_read(f, pkt, ip, run->ports);

    note->len_in = f->len;
    if (err != CV_OK)
        return err;
    note->has_spi = note->has_seq = true;
    note->spi = f->spi;
    note->seq = f->seq_low;
    if (run->sas.n == 0)
        return CV_OK; /* explain without SAs */
    open_by(run, pkt, f, find_sa(run, pkt, f));
    open_inside(run, pkt);
    note->dummy = pkt->verdict == CV_TAKEN;
    return pkt->err;
}

/* An IP packet that a host wants to send. */
static enum cv_err seal_one(struct run *run, struct cv_packet *pkt, struct cv_span ip)
{
    struct packet_note *note = &run->note;
    struct ip_flow flow;
    enum cv_err err = ip.n == 0 ? CV_ERR_VERSION : ip_parse(&flow, ip);

    if (err == CV_OK) {
        note->len_in = flow.total_len;
        err = frame_copy(pkt, span(ip.p, flow.total_len));
    }
    if (err != CV_OK)
        return err;
    planes_out(&run->planes, pkt);
    note->sa = planes_sealed(&run->planes, pkt, &note->seq);
    note->has_spi = note->sa != NULL;
    note->spi = note->has_spi ? note->sa->spi : 0;
    if (pkt->verdict != CV_TRANSMIT)
        return pkt->err;
    note->has_seq = true;
    return cv_outer_put(pkt);
}

static void take_packet(struct run *run, const struct capture_packet *caught)
{
    struct cv_packet pkt = {.buf = run->buf, .cap = sizeof(run->buf)};
    struct packet_note *note = &run->note;
    struct ip_flow inner;
    struct frame f;

    *note = (struct packet_note){.n = note->n + 1, .len_in = caught->frame.n};
    note->verdict = run->verb == VERB_SEAL ? seal_one(run, &pkt, caught->ip)
                                           : open_one(run, &pkt, &f, caught->ip);
    if (run->verb == VERB_EXPLAIN)
        note->frame = &f;
    if (note->verdict == CV_OK && run->sas.n > 0 && !note->dummy) {
        const struct cv_span result = span(cv_packet_data(&pkt), pkt.len);

        note->len_out = result.n;
        if (run->out != NULL)
            capture_put(run->out, caught->time, result);
        if (run->verb != VERB_SEAL && ip_parse(&inner, result) == CV_OK)
            note->inner = &inner;
    }
    run->dropped = run->dropped || note->verdict != CV_OK;
    packet_print(note, run->cli->json);
}

/* ---- all of them ------------------------------------------------------------------ */

static bool take_all(struct run *run, struct problem *why)
{
    struct capture_packet caught;
    int got;

    while ((got = capture_next(run->in, &caught, why)) > 0)
        take_packet(run, &caught);
    return got == 0;
}

static bool prepare(struct run *run, struct problem *why)
{
    const struct cli *cli = run->cli;

    set_port(run, PORT_NAT_T);
    if (cli->sa_file != NULL) {
        if (!xfrm_read_file(&run->sas, cli->sa_file, why) ||
            !planes_open(&run->planes, &run->sas, run->verb == VERB_SEAL ? PLANE_OUT : PLANE_IN,
                         cli->sa_file, why))
            return false;
        for (size_t i = 0; i < run->sas.n; i++) {
            set_port(run, run->sas.sa[i].sport);
            set_port(run, run->sas.sa[i].dport);
        }
    }
    run->in = capture_open(cli->in_file, why);
    if (run->in == NULL)
        return false;
    if (cli->out_file != NULL) {
        run->out = capture_create(cli->out_file, why);
        return run->out != NULL;
    }
    return true;
}

static bool finish(struct run *run, struct problem *why)
{
    bool good = run->out == NULL || capture_finish(run->out, why);

    capture_close(run->in);
    planes_close(&run->planes);
    xfrm_free(&run->sas);
    wipe(run->buf, sizeof(run->buf)); /* what was inside the last packet */
    return good;
}

static enum verb read_verb(const char *word)
{
    static const char *const words[] = {"open", "seal", "explain"};

    for (unsigned i = 0; word != NULL && i < VERB_NONE; i++)
        if (strcmp(words[i], word) == 0)
            return (enum verb)i;
    return VERB_NONE;
}

static enum cli_exit usage(const char *what)
{
    cli_fail("%s (see culvert help)", what);
    return CLI_USAGE;
}

enum cli_exit cli_packet(const struct cli *cli)
{
    const enum verb verb = read_verb(cli->name);
    struct problem why = {.text = ""};
    struct run *run;
    bool good, dropped;

    if (verb == VERB_NONE)
        return usage("expected packet open, packet seal or packet explain");
    if (cli->in_file == NULL)
        return usage("missing --in CAPTURE");
    if (cli->sa_file == NULL && verb != VERB_EXPLAIN)
        return usage("missing --sa FILE");
    if (cli->out_file == NULL && verb != VERB_EXPLAIN)
        return usage("missing --out CAPTURE");
    run = calloc(1, sizeof(*run));
    if (run == NULL)
        return cli_fail("out of memory");
    run->cli = cli;
    run->verb = verb;
    good = prepare(run, &why) && take_all(run, &why);
    good = finish(run, &why) && good;
    dropped = run->dropped;
    free(run);
    if (!good) {
        cli_fail("%s", why.text);
        return CLI_USAGE;
    }
    return dropped ? CLI_FAILED : CLI_OK;
}
