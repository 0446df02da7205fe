/* Owns answers that go on (server-sent events): every half second the crew asks each what came.
 *
 * Invariant: a client that does not read has a bounded heap of octets, then its stream ends.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <event2/buffer.h>
#include <string.h>
#include <sys/socket.h>

#include "http/http_exchange.h"
#include "kit/clock.h"

enum { TURN_US = 500000, QUIET_MS = 15000, UNREAD_MAX = 262144 };
enum { OF_SOURCE_PART = 4 }; /* a quarter of all streams is one source's at most */

static void run(struct job *job)
{
    struct exchange *x = (struct exchange *)job;
    struct http_stream *s = &x->out.stream;

    x->ended = !s->more(s->ctx, &s->at, http_body(&x->out));
}

static void on_turn(evutil_socket_t fd, short what, void *ctx)
{
    struct http_server *h = ctx;

    (void)fd;
    (void)what;
    for (struct exchange *x = h->streams; x != NULL; x = x->next) {
        if (x->running || x->req == NULL)
            continue;
        x->running = true;
        x->job.run = run;
        crew_give(h->crew, &x->job);
    }
}

bool streams_init(struct http_server *h)
{
    const struct timeval each = {0, TURN_US};

    h->turn = event_new(h->base, -1, EV_PERSIST, on_turn, h);
    return h->turn != NULL && event_add(h->turn, &each) == 0;
}

static void leave(struct exchange *x)
{
    if (x->prev != NULL)
        x->prev->next = x->next;
    else
        x->of->streams = x->next;
    if (x->next != NULL)
        x->next->prev = x->prev;
    x->of->stats.streams--;
    x->from->streams--;
    exchange_free(x);
}

static void on_gone(struct evhttp_connection *connection, void *ctx)
{
    struct exchange *x = ctx;

    (void)connection;
    exchange_gone(x);
    if (!x->running)
        leave(x);
}

void stream_begin(struct exchange *x)
{
    struct http_server *h = x->of;

    x->from = source_at(&h->sources, x->visit->source);
    if (h->stats.streams >= h->s.max_streams ||
        x->from->streams >= (h->s.max_streams + OF_SOURCE_PART - 1) / OF_SOURCE_PART) {
        http_problem(&x->out, 503, "%u streams are open, %u of them yours: that is the limit",
                     h->stats.streams, x->from->streams);
        exchange_answer(x);
        return;
    }
    x->from->streams++;
    h->stats.streams++;
    h->stats.by_class[2]++;
    x->next = h->streams;
    if (x->next != NULL)
        x->next->prev = x;
    h->streams = x;
    x->said_ms = clock_now_ms();
    evhttp_connection_set_closecb(evhttp_request_get_connection(x->req), on_gone, x);
    exchange_put_head(x);
    evhttp_send_reply_start(x->req, 200, "OK");
}

/* The client went, or reads too slowly: either way the connection ends, and evhttp tells us. */
static void cut(struct exchange *x)
{
    (void)shutdown(bufferevent_getfd(x->visit->bev), SHUT_RDWR);
}

static void say(struct exchange *x, const char *text, size_t n)
{
    struct evbuffer *data = evbuffer_new();

    if (data == NULL)
        return;
    evbuffer_add(data, text, n);
    evhttp_send_reply_chunk(x->req, data);
    evbuffer_free(data);
    x->said_ms = clock_now_ms();
}

void stream_turned(struct exchange *x)
{
    static const char still_there[] = ":\n\n";

    x->running = false;
    http_response_finish(&x->out);
    if (x->req == NULL) {
        leave(x);
        return;
    }
    if (x->ended || evbuffer_get_length(bufferevent_get_output(x->visit->bev)) > UNREAD_MAX)
        cut(x);
    else if (x->out.n > 0)
        say(x, x->out.p, x->out.n);
    else if (clock_now_ms() - x->said_ms > QUIET_MS)
        say(x, still_there, sizeof(still_there) - 1);
    http_response_restart(&x->out);
}
