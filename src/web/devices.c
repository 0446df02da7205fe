/* Owns the devices of the API: lists by key, one by name, what may be changed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "enrol/admit.h"
#include "enrol/qr.h"
#include "web/inside.h"

enum { HOUR_S = 3600, CODE_HOURS = 24, CODE_HOURS_MAX = 24 * 365 };

/* ---- out ---- */

static void write_words(struct json *j, const char *name, const char *words)
{
    json_array(j, name);
    while (*words != '\0') {
        const size_t n = strcspn(words, " ");

        json_text_n(j, NULL, words, n);
        words += n + (words[n] == ' ');
    }
    json_end_array(j);
}

static void write_credential(struct json *j, const struct device *d)
{
    const bool cert = strncmp(d->credential, "cert:", 5) == 0;

    json_object(j, "credential");
    json_text(j, "kind", cert ? "certificate" : d->credential[0] != '\0' ? "psk" : "none");
    if (cert)
        json_text(j, "fingerprint", d->credential + 5);
    if (d->credential_end_s != 0)
        json_number(j, "ends", (uint64_t)d->credential_end_s);
    json_end_object(j);
}

static void write_presence(struct json *j, const struct device_presence *p)
{
    json_bool(j, "online", p->online);
    json_text(j, "gateway", p->gateway);
    json_text(j, "endpoint", p->endpoint);
    json_text(j, "inner_address", p->address);
    json_number(j, "since", (uint64_t)p->since_s);
    json_number(j, "seen", (uint64_t)p->seen_s);
    json_number(j, "rx_bytes", p->rx);
    json_number(j, "tx_bytes", p->tx);
    json_number(j, "rx_packets", p->rx_packets);
    json_number(j, "tx_packets", p->tx_packets);
    json_number(j, "drops", p->drops);
}

void device_write(struct json *j, const char *name, const struct device *d)
{
    json_object(j, name);
    json_text(j, "name", d->name);
    json_text(j, "identity", d->identity);
    json_text(j, "tenant", d->tenant);
    json_text(j, "profile", d->profile);
    json_text(j, "state", device_state_name(d->state));
    json_text(j, "address", d->address);
    json_text(j, "address6", d->address6);
    json_text(j, "hardware", d->hardware);
    write_words(j, "tags", d->tags);
    json_text(j, "notes", d->notes);
    json_number(j, "created", (uint64_t)d->created_s);
    json_number(j, "changed", (uint64_t)d->changed_s);
    write_credential(j, d);
    write_presence(j, &d->presence);
    json_end_object(j);
}

static void answer_device(struct call *c, unsigned status, const struct device *d)
{
    struct json j = call_json(c, status);

    device_write(&j, NULL, d);
    json_finish(&j);
}

/* ---- lists ---- */

/* Texts of the query, which the filter points to. */
struct wanted {
    char tenant[64], profile[64], tag[64], prefix[64], contains[128], state[16], online[8];
    char after[64];
    int64_t limit, silent_since, ends_before;
};

static bool read_wanted(struct call *c, struct wanted *w)
{
    *w = (struct wanted){.limit = 100};
    return call_text(c, "tenant", w->tenant, sizeof(w->tenant)) &&
           call_text(c, "profile", w->profile, sizeof(w->profile)) &&
           call_text(c, "tag", w->tag, sizeof(w->tag)) &&
           call_text(c, "prefix", w->prefix, sizeof(w->prefix)) &&
           call_text(c, "q", w->contains, sizeof(w->contains)) &&
           call_text(c, "state", w->state, sizeof(w->state)) &&
           call_text(c, "online", w->online, sizeof(w->online)) &&
           call_text(c, "after", w->after, sizeof(w->after)) &&
           call_number(c, "limit", 1, DEVICE_PAGE_MAX, &w->limit) &&
           call_number(c, "silent_since", 0, INT64_MAX, &w->silent_since) &&
           call_number(c, "ends_before", 0, INT64_MAX, &w->ends_before);
}

static bool set_filter(struct call *c, struct wanted *w, struct device_filter *f)
{
    if (c->who.tenant[0] != '\0')
        memcpy(w->tenant, c->who.tenant, sizeof(w->tenant));
    *f = (struct device_filter){.tenant = w->tenant,
                                .profile = w->profile,
                                .tag = w->tag,
                                .prefix = w->prefix,
                                .contains = w->contains,
                                .by_state = w->state[0] != '\0',
                                .online = strcmp(w->online, "yes") == 0,
                                .offline = strcmp(w->online, "no") == 0,
                                .never_seen = strcmp(w->online, "never") == 0,
                                .silent_since_s = w->silent_since,
                                .credential_before_s = w->ends_before};
    if (f->by_state && !device_state_of(w->state, &f->state)) {
        http_problem(c->res, 400, "'state' is to be active, suspended or revoked");
        return false;
    }
    if (w->online[0] != '\0' && !f->online && !f->offline && !f->never_seen) {
        http_problem(c->res, 400, "'online' is to be yes, no or never");
        return false;
    }
    return true;
}

static void write_each(void *ctx, const struct device *d)
{
    device_write(ctx, NULL, d);
}

void devices_get(struct call *c)
{
    struct device_page page = {0};
    struct wanted w;
    char next[64] = "";
    struct json j;

    if (!read_wanted(c, &w) || !set_filter(c, &w, &page.filter))
        return;
    page.after = w.after;
    page.limit = (unsigned)w.limit;
    j = call_json(c, 200);
    json_object(&j, NULL);
    json_array(&j, "devices");
    if (!call_ok(c, registry_device_list(c->r, &page, write_each, &j, next)))
        return; /* the body has been begun anew */
    json_end_array(&j);
    json_text(&j, "next", next);
    json_end_object(&j);
    json_finish(&j);
}

/* ---- in ---- */

struct draft {
    struct device d;
    char state[16], hours[8], code[8];
};

enum {
    GIVEN_CODE = 1 << 16,
    GIVEN_HOURS = 1 << 17,
    GIVEN_IDENTITY = 1 << 18,
    GIVEN_ADDRESS6 = 1 << 19
};

#define MEMBER(name, bit)                                                                      \
    {                                                                                          \
#name, bit, offsetof(struct draft, d.name), sizeof(((struct draft *)0)->d.name)        \
    }
static const struct body_key device_keys[] = {
    MEMBER(name, DEVICE_NAME),
    MEMBER(identity, GIVEN_IDENTITY),
    MEMBER(tenant, DEVICE_TENANT),
    MEMBER(profile, DEVICE_PROFILE),
    MEMBER(address, DEVICE_ADDRESS),
    MEMBER(address6, GIVEN_ADDRESS6),
    MEMBER(hardware, DEVICE_HARDWARE),
    MEMBER(tags, DEVICE_TAGS),
    MEMBER(notes, DEVICE_NOTES),
    {"state",                            DEVICE_STATE, offsetof(struct draft, state),                                      sizeof(((struct draft *)0)->state)},
    {"code",                                  GIVEN_CODE,                                         offsetof(struct draft,                   code), sizeof(((struct draft *)0)->code)},
    {"hours", GIVEN_HOURS,             offsetof(struct draft,                            hours),                                                            sizeof(((struct draft *)0)->hours)},
    {NULL,                            0,      0,0},
};

/* Reads the body over what is in the draft. */
static bool read_draft(struct call *c, struct draft *f, unsigned *given)
{
    struct node *body = call_body(c);
    bool good = body != NULL && call_read(c, body, device_keys, f, given);

    tree_free(body);
    if (good && (*given & DEVICE_STATE) != 0 && !device_state_of(f->state, &f->d.state)) {
        http_problem(c->res, 422, "'state' is to be active, suspended or revoked");
        return false;
    }
    if (good && !device_tags_sort(f->d.tags)) {
        http_problem(c->res, 422, "'tags' are too long");
        return false;
    }
    if (good && c->who.tenant[0] != '\0' && strcmp(f->d.tenant, c->who.tenant) != 0) {
        if ((*given & DEVICE_TENANT) == 0) {
            memcpy(f->d.tenant, c->who.tenant, sizeof(f->d.tenant));
            return true;
        }
        http_problem(c->res, 403, "this token is for devices of tenant '%s'", c->who.tenant);
        return false;
    }
    return good;
}

/* ---- codes ---- */

static bool write_qr(struct json *j, const char *text)
{
    char *svg = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&svg, &n);
    struct qr q;
    const bool good = out != NULL && qr_make(text, &q);

    if (good) {
        qr_svg(&q, out);
        qr_free(&q);
    }
    if (out != NULL)
        fclose(out);
    if (good)
        json_text_n(j, "qr", svg, n);
    wipe(svg, n);
    free(svg);
    return good;
}

/* Nothing is added that could not be told how to enrol. */
static bool has_gateway(struct call *c)
{
    char gateway[BUNDLE_HOST + 8];
    const enum registry_err err =
        registry_setting_get(c->r, "gateway", gateway, sizeof(gateway));

    if (err != REGISTRY_NONE)
        return call_ok(c, err);
    http_problem(c->res, 503, "the fleet has no gateway to enrol at yet: run culvert init");
    return false;
}

/* A member of an object that is open. */
static void write_enrolment(struct json *j, const struct bundle *b)
{
    char text[BUNDLE_TEXT];

    json_object(j, "enrolment");
    json_text(j, "bundle", bundle_text(text, b));
    json_number(j, "ends", (uint64_t)b->until_s);
    (void)write_qr(j, text);
    json_end_object(j);
    wipe(text, sizeof(text));
}

static bool hours_of(struct call *c, const struct draft *f, int64_t *out)
{
    char *end;

    *out = CODE_HOURS;
    if (f->hours[0] == '\0')
        return true;
    *out = strtol(f->hours, &end, 10);
    if (*end == '\0' && *out >= 1 && *out <= CODE_HOURS_MAX)
        return true;
    http_problem(c->res, 422, "'hours' is to be a number from 1 to %d", CODE_HOURS_MAX);
    return false;
}

/* ---- operations ---- */

/* Adds it, with what it enrols by in the same transaction, and answers. */
static void add(struct call *c, const struct draft *f, int64_t hours)
{
    const struct admission how = {.ends_s = c->req->now_s + hours * HOUR_S};
    const bool with_code = strcmp(f->code, "false") != 0;
    struct admitted a = {.device = f->d};
    struct json j;

    if (with_code && !has_gateway(c))
        return;
    if (!call_done(c, with_code ? admit_devices(c->r, &how, &a, 1)
                                : registry_device_add(c->r, &a.device, 1)))
        return;
    j = call_json(c, 201);
    http_add_field(c->res, "Location", "/api/v1/devices/%s", a.device.name);
    json_object(&j, NULL);
    device_write(&j, "device", &a.device);
    if (with_code)
        write_enrolment(&j, &a.bundle);
    json_end_object(&j);
    json_finish(&j);
    wipe(&a, sizeof(a));
}

static bool may_be_new(struct call *c, const struct draft *f, unsigned given, int64_t *hours)
{
    if (f->d.name[0] == '\0') {
        http_problem(c->res, 422, "'name' is missing");
        return false;
    }
    if ((given & DEVICE_STATE) != 0 && f->d.state == DEVICE_REVOKED) {
        http_problem(c->res, 422, "a new device is not revoked");
        return false;
    }
    return hours_of(c, f, hours);
}

void devices_post(struct call *c)
{
    struct draft f = {.code = ""};
    unsigned given;
    int64_t hours;

    if (read_draft(c, &f, &given) && may_be_new(c, &f, given, &hours))
        add(c, &f, hours);
}

void device_get(struct call *c)
{
    struct device d;

    if (call_device(c, c->req->words[0], &d))
        answer_device(c, 200, &d);
}

static unsigned fields_of(unsigned given)
{
    if (given & GIVEN_ADDRESS6)
        given |= DEVICE_ADDRESS;
    return given & (DEVICE_NAME | DEVICE_TENANT | DEVICE_PROFILE | DEVICE_STATE |
                    DEVICE_ADDRESS | DEVICE_HARDWARE | DEVICE_TAGS | DEVICE_NOTES);
}

static void set(struct call *c, struct draft *f, unsigned fields)
{
    struct device d;

    if ((fields != 0 && !call_done(c, registry_device_set(c->r, &f->d, fields))) ||
        !call_ok(c, registry_device_by_id(c->r, f->d.id, &d)))
        return;
    answer_device(c, 200, &d);
}

void device_patch(struct call *c)
{
    struct draft f = {.code = ""};
    unsigned given;

    if (!call_device(c, c->req->words[0], &f.d) || !read_draft(c, &f, &given))
        return;
    if (given & (GIVEN_IDENTITY | GIVEN_CODE | GIVEN_HOURS)) {
        http_problem(c->res, 422, "identity and code cannot be changed here");
        return;
    }
    set(c, &f, fields_of(given));
}

/* All that can be given is as the body says it, and empty where it is silent. */
void device_put(struct call *c)
{
    struct draft f = {.code = "false"};
    struct device old;
    unsigned given;
    int64_t hours;
    const enum registry_err err = registry_device_get(c->r, c->req->words[0], &old);

    snprintf(f.d.name, sizeof(f.d.name), "%.63s", c->req->words[0]);
    if (err == REGISTRY_OK && !call_device(c, c->req->words[0], &old))
        return;
    if (!read_draft(c, &f, &given))
        return;
    if (err == REGISTRY_OK) {
        f.d.id = old.id;
        if ((given & DEVICE_STATE) == 0)
            f.d.state = old.state;
        set(c, &f, fields_of(~0u));
    } else if (err != REGISTRY_NONE) {
        (void)call_ok(c, err);
    } else if (strcmp(f.d.name, c->req->words[0]) != 0) {
        http_problem(c->res, 422, "'name' is another one than the path's");
    } else if (may_be_new(c, &f, given, &hours)) {
        add(c, &f, hours);
    }
}

void device_delete(struct call *c)
{
    struct device d;

    if (call_device(c, c->req->words[0], &d) &&
        call_ok(c, registry_device_remove(c->r, d.name)))
        c->res->status = 204;
}

void device_code_post(struct call *c)
{
    struct draft f = {.code = ""};
    struct admitted a = {.secret = ""};
    struct device d;
    unsigned given = 0;
    int64_t hours;
    struct json j;

    if (!call_device(c, c->req->words[0], &d) ||
        (c->req->body.n > 0 && !read_draft(c, &f, &given)) || !hours_of(c, &f, &hours))
        return;
    if (d.state == DEVICE_REVOKED) {
        http_problem(c->res, 409, "the device is revoked: add it anew");
        return;
    }
    if (!has_gateway(c) ||
        !call_done(c, admit_again(c->r, d.name, c->req->now_s + hours * HOUR_S, &a)))
        return;
    j = call_json(c, 201);
    json_object(&j, NULL);
    write_enrolment(&j, &a.bundle);
    json_end_object(&j);
    json_finish(&j);
    wipe(&a, sizeof(a));
}
