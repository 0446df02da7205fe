/* Owns children sections: what a Child SA protects, how, and for how long.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "config/inside.h"
#include "text/text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum {
    REKEY_DEFAULT_S = 3600,
    ACTION_UNSET = 0xff,   /* not in the file */
    WINDOW_DEFAULT = 1024, /* packets; strongSwan's 32 drops what one reordering link does */
    WINDOW_MAX = 4096
};

/* of a child_draft, besides cv_mode */
enum { MODE_PASS = 128, MODE_DROP };

struct ts_configs {
    struct cv_ts_config *v;
    unsigned n;
};

struct child_draft {
    struct conf_proposals esp, ah;
    struct ts_configs local_ts, remote_ts;
    struct cv_lifetime life; /* CONF_UNSET until settled */
    uint8_t mode, start_action, dpd_action, close_action, fragment_after;
    uint32_t reqid, replay_window, priority, padding;
    uint64_t inactivity;
    const char *updown, *interface;
    bool hostaccess, copy_df, minimal_esp, nested;
};

/* ---- values ----------------------------------------------------------------- */

/* "default" stands for all default proposals. */
static bool add_proposal(struct conf_reader *r, const struct node *n, struct conf_proposals *p,
                         enum cv_protocol protocol, const char *text)
{
    const struct cv_proposal *defaults;
    struct problem why;

    if (strcmp(text, "default") == 0) {
        unsigned count = proposal_defaults(&defaults, protocol);

        memcpy(p->v + p->n, defaults, count * sizeof(*defaults));
        p->n += count;
        return true;
    }
    if (!proposal_parse(&p->v[p->n], protocol, text, &why))
        return problem_at(r->why, n, "%s", why.text);
    p->n++;
    return true;
}

bool take_proposals(struct conf_reader *r, const struct node *n, void *field, const void *arg)
{
    struct conf_proposals *p = field;
    const enum cv_protocol *protocol = arg;
    const struct cv_proposal *defaults;
    unsigned each = proposal_defaults(&defaults, *protocol);
    struct conf_texts texts;

    if (!take_texts(r, n, &texts, NULL))
        return false;
    if (texts.n == 0)
        return problem_at(r->why, n, "expected a proposal");
    *p = (struct conf_proposals){.v = mem_take(r->mem, texts.n * each + 1, sizeof(*p->v))};
    for (unsigned i = 0; i < texts.n; i++)
        if (!add_proposal(r, n, p, *protocol, texts.v[i]))
            return false;
    return true;
}

void conf_default_proposals(struct conf_reader *r, struct conf_proposals *p,
                            enum cv_protocol protocol)
{
    const struct cv_proposal *defaults;

    if (p->n > 0)
        return;
    p->n = proposal_defaults(&defaults, protocol);
    p->v = mem_take(r->mem, p->n, sizeof(*p->v));
    memcpy(p->v, defaults, p->n * sizeof(*p->v));
}

static bool take_ts(struct conf_reader *r, const struct node *n, void *field, const void *arg)
{
    struct ts_configs *ts = field;
    struct conf_texts texts;
    struct problem why;

    (void)arg;
    if (!take_texts(r, n, &texts, NULL))
        return false;
    if (texts.n > CV_TS_MAX)
        return problem_at(r->why, n, "%u traffic selectors; at most %d are possible", texts.n,
                          CV_TS_MAX);
    *ts = (struct ts_configs){.v = mem_take(r->mem, texts.n, sizeof(*ts->v)), .n = texts.n};
    for (unsigned i = 0; i < texts.n; i++)
        if (!ts_parse(&ts->v[i], texts.v[i], &why))
            return problem_at(r->why, n, "%s", why.text);
    return true;
}

/* Not given: whatever address the side has. */
static void default_ts(struct conf_reader *r, struct ts_configs *ts)
{
    if (ts->n > 0)
        return;
    *ts = (struct ts_configs){.v = mem_take(r->mem, 1, sizeof(*ts->v)), .n = 1};
    ts->v[0].dynamic = true;
    ts->v[0].ts.port_hi = 65535;
}

static bool take_mode(struct conf_reader *r, const struct node *n, void *field, const void *arg)
{
    static const struct conf_choice modes[] = {
        {"tunnel",          CV_TUNNEL   },
        {"transport",       CV_TRANSPORT},
        {"transport_proxy", UINT8_MAX   },
        {"beet",            UINT8_MAX   },
        {"pass",            MODE_PASS   },
        {"drop",            MODE_DROP   },
        {NULL,              0           },
    };
    uint8_t *mode = field;

    (void)arg;
    if (!take_choice(r, n, mode, modes))
        return false;
    if (*mode == UINT8_MAX)
        return problem_unsupported(
            r->why, n,
            "mode '%s' is not supported; expected tunnel, transport, pass or "
            "drop",
            n->value);
    return true;
}

/* One action, or trap and start together, with '|' or ',' between; arg: the words. */
static bool take_actions(struct conf_reader *r, const struct node *n, void *field,
                         const void *arg)
{
    const char *text = conf_text(r, n), *at = text;
    uint8_t all = CV_ACTION_NONE, one;

    if (text == NULL || strpbrk(text, "|,") == NULL)
        return text != NULL && take_choice(r, n, field, arg);
    for (bool more = true; more; more = *at++ != '\0') {
        size_t len = strcspn(at, "|,");
        char word[16];

        snprintf(word, sizeof(word), "%.*s", (int)(len < 15 ? len : 15), at + strspn(at, " "));
        word[strcspn(word, " |,")] = '\0';
        if (!conf_choose(r, n, word, arg, &one))
            return false;
        if ((one & (CV_ACTION_TRAP | CV_ACTION_START)) == 0)
            return problem_at(r->why, n, "only trap and start go together, not '%s'", text);
        all |= one;
        at += len;
    }
    *(uint8_t *)field = all;
    return true;
}

static bool take_interface(struct conf_reader *r, const struct node *n, void *field,
                           const void *arg)
{
    return take_idle(r, n, NULL, arg) && take_text(r, n, field, NULL);
}

/* A number that charon takes and that is more than we have: ours is as good. */
static bool take_capped(struct conf_reader *r, const struct node *n, void *field,
                        const void *arg)
{
    const struct conf_range *range = arg;
    uint32_t *v = field;

    if (!take_number(r, n, v, NULL))
        return false;
    if (*v > range->max) {
        problem_at(r->why, n, "%u is more than there can be; it is %u", *v,
                   (unsigned)range->max);
        conf_warning(r);
        *v = (uint32_t)range->max;
    }
    return true;
}

/* Octets, or "mtu", which is what asks for more than any path carries. */
static bool take_padding(struct conf_reader *r, const struct node *n, void *field,
                         const void *arg)
{
    const char *text = conf_text(r, n);
    uint32_t *padding = field;

    (void)arg;
    if (text == NULL)
        return false;
    if (strcmp(text, "mtu") == 0)
        *padding = CV_TFC_MTU;
    else if (!take_number(r, n, padding, NULL))
        return problem_at(r->why, n, "expected octets, or mtu, not '%s'", text);
    if (*padding > CV_TFC_MTU)
        *padding = CV_TFC_MTU;
    return true;
}

/* ---- keys ------------------------------------------------------------------- */

static const struct conf_choice start_actions[] = {
    {"none",    CV_ACTION_NONE },
    {"trap",    CV_ACTION_TRAP },
    {"start",   CV_ACTION_START},
    {"clear",   CV_ACTION_NONE }, /* the older words, which charon still takes */
    {"route",   CV_ACTION_TRAP },
    {"restart", CV_ACTION_START},
    {NULL,      0              },
};

static const struct conf_choice dpd_actions[] = {
    {"clear",   CV_ACTION_CLEAR},
    {"trap",    CV_ACTION_TRAP },
    {"restart", CV_ACTION_START},
    {"none",    CV_ACTION_CLEAR}, /* what it means in strongSwan */
    {"start",   CV_ACTION_START},
    {"route",   CV_ACTION_TRAP },
    {NULL,      0              },
};

static const struct conf_choice fragmentations[] = {
    {"before", false},
    {"after",  true },
    {NULL,     0    },
};

static const enum cv_protocol esp = CV_PROTO_ESP, ah = CV_PROTO_AH;
static const struct conf_range priorities = {0, POLICY_FIXED_MAX}, windows = {0, WINDOW_MAX};
static const char *const auto_or_no[] = {"no", "auto", NULL}, *const outside[] = {"out", NULL};
static const struct conf_idle of_hardware = {auto_or_no, "packets are sealed in user space"};
static const struct conf_idle of_cpus = {conf_only_no, "one Child SA serves all CPUs"};
static const struct conf_idle of_forward = {conf_only_no,
                                            "forwarded packets need no policy of their own"};
static const struct conf_idle of_ipcomp = {conf_only_no, "packets are not compressed"};
static const struct conf_idle of_ecn = {conf_only_yes, "congestion marks are always copied"};
static const struct conf_idle of_dscp = {outside, "the DSCP is copied to the outside alone"};
static const struct conf_idle of_interface = {
    NULL, "what the selectors name is protected whatever interface it leaves by"};
static const char *const only_system[] = {"system", NULL};

/* clang-format off */
#define FIELD(name) offsetof(struct child_draft, name)
static const struct conf_key keys[] = {
    {"esp_proposals",    take_proposals, FIELD(esp),                 &esp},
    {"ah_proposals",     take_proposals, FIELD(ah),                  &ah},
    {"local_ts",         take_ts,        FIELD(local_ts),            NULL},
    {"remote_ts",        take_ts,        FIELD(remote_ts),           NULL},
    {"mode",             take_mode,      FIELD(mode),                NULL           },
    {"start_action",     take_actions,   FIELD(start_action),        start_actions  },
    {"dpd_action",       take_actions,   FIELD(dpd_action),          dpd_actions    },
    {"close_action",     take_actions,   FIELD(close_action),        start_actions  },
    {"rekey_time",       take_time,      FIELD(life.rekey_s),        NULL           },
    {"life_time",        take_time,      FIELD(life.hard_s),         NULL           },
    {"rand_time",        take_time,      FIELD(life.rand_s),         NULL           },
    {"rekey_bytes",      take_bytes,     FIELD(life.rekey_bytes),    NULL           },
    {"life_bytes",       take_bytes,     FIELD(life.hard_bytes),     NULL           },
    {"rand_bytes",       take_bytes,     FIELD(life.rand_bytes),     NULL           },
    {"rekey_packets",    take_count,     FIELD(life.rekey_packets),  NULL           },
    {"life_packets",     take_count,     FIELD(life.hard_packets),   NULL           },
    {"rand_packets",     take_count,     FIELD(life.rand_packets),   NULL           },
    {"replay_window",    take_capped,    FIELD(replay_window),       &windows       },
    {"updown",           take_text,      FIELD(updown),              NULL           },
    {"hostaccess",       take_bool,      FIELD(hostaccess),          NULL           },
    {"reqid",            take_number,    FIELD(reqid),               NULL           },
    {"inactivity",       take_time,      FIELD(inactivity),          NULL           },
    {"priority",         take_capped,    FIELD(priority),            &priorities    },
    {"sha256_96",        take_only,      0,                          conf_only_no   },
    {"policies",         take_only,      0,                          conf_only_yes  },
    {"policies_fwd_out", take_idle,      0,                          &of_forward    },
    {"ipcomp",           take_idle,      0,                          &of_ipcomp     },
    {"mark_in",          take_only,      0,                          conf_only_zero },
    {"mark_in_sa",       take_only,      0,                          conf_only_no   },
    {"mark_out",         take_only,      0,                          conf_only_zero },
    {"set_mark_in",      take_only,      0,                          conf_only_zero },
    {"set_mark_out",     take_only,      0,                          conf_only_zero },
    {"if_id_in",         take_only,      0,                          conf_only_zero },
    {"if_id_out",        take_only,      0,                          conf_only_zero },
    {"tfc_padding",      take_padding,   FIELD(padding),             NULL           },
    {"hw_offload",       take_idle,      0,                          &of_hardware   },
    {"copy_df",          take_bool,      FIELD(copy_df),             NULL           },
    {"fragmentation",    take_choice,    FIELD(fragment_after),      fragmentations },
    {"minimal_esp",      take_bool,      FIELD(minimal_esp),         NULL           },
    {"nested",           take_bool,      FIELD(nested),              NULL           },
    {"copy_ecn",         take_idle,      0,                          &of_ecn        },
    {"copy_dscp",        take_idle,      0,                          &of_dscp       },
    {"label_mode",       take_only,      0,                          only_system    },
    {"label",            take_foreign,   0,                          NULL           },
    {"interface",        take_interface, FIELD(interface),           &of_interface  },
    {"per_cpu_sas",      take_idle,      0,                          &of_cpus       },
};
/* clang-format on */

const struct conf_table conf_child_table = {.keys = keys, .n_keys = COUNT(keys)};

/* ---- lifetimes -------------------------------------------------------------- */

static uint64_t below(uint64_t hard)
{
    return hard / 11 * 10 + hard % 11 * 10 / 11;
}

/* One kind of lifetime as strongSwan completes it: the hard limit is 10 % above the rekey
 * limit, the random part is the difference; a hard limit alone gives the rekey limit, and so
 * does one that would come first. */
static void settle(struct conf_reader *r, const struct node *section, const char *unit,
                   uint64_t *rekey, uint64_t *hard, uint64_t *rnd, uint64_t fallback)
{
    if (*rekey == CONF_UNSET)
        *rekey = *hard != CONF_UNSET ? below(*hard) : fallback;
    if (*hard == CONF_UNSET)
        *hard = *rekey + *rekey / 10;
    if (*hard != 0 && *rekey > *hard) {
        *rekey = below(*hard);
        problem_at(r->why, section, "life_%s is less than rekey_%s, which is %llu here", unit,
                   unit, (unsigned long long)*rekey);
        conf_warning(r);
    }
    if (*rnd == CONF_UNSET)
        *rnd = *hard > *rekey && *hard - *rekey < *rekey ? *hard - *rekey : *rekey / 10;
    if (*rekey == 0)
        *rnd = 0;
    if (*rnd > *rekey) {
        problem_at(r->why, section, "rand_%s is more than rekey_%s, and as much as that here",
                   unit, unit);
        conf_warning(r);
        *rnd = *rekey;
    }
}

static void settle_all(struct conf_reader *r, const struct node *section, struct cv_lifetime *l)
{
    settle(r, section, "time", &l->rekey_s, &l->hard_s, &l->rand_s, REKEY_DEFAULT_S);
    settle(r, section, "bytes", &l->rekey_bytes, &l->hard_bytes, &l->rand_bytes, 0);
    settle(r, section, "packets", &l->rekey_packets, &l->hard_packets, &l->rand_packets, 0);
}

/* One Child SA is ESP or AH; the proposals end up in one list. */
static bool one_protocol(struct conf_reader *r, const struct node *section,
                         struct child_draft *d)
{
    if (d->ah.n == 0)
        return true;
    if (d->esp.n > 0)
        return problem_unsupported(
            r->why, section,
            "esp_proposals and ah_proposals in one child are not supported: "
            "make two children, the inner one with nested = yes");
    d->esp = d->ah;
    return true;
}

static bool check_esp_keys(struct conf_reader *r, const struct node *section,
                           const struct child_draft *d)
{
    if (d->minimal_esp && d->ah.n > 0)
        return problem_at(r->why, section, "minimal_esp is for ESP, not for ah_proposals");
    if (d->padding != 0 && d->ah.n > 0)
        return problem_at(r->why, section, "tfc_padding is for ESP, not for ah_proposals");
    if (d->minimal_esp && d->padding != 0)
        return problem_at(r->why, section,
                          "minimal_esp and tfc_padding contradict each other: choose one");
    return true;
}

/* ---- the section ------------------------------------------------------------ */

static const struct child_draft defaults = {
    .life = {CONF_UNSET, CONF_UNSET, CONF_UNSET, CONF_UNSET, CONF_UNSET, CONF_UNSET, CONF_UNSET,
             CONF_UNSET, CONF_UNSET},
    .dpd_action = ACTION_UNSET,
    .close_action = ACTION_UNSET,
    .replay_window = WINDOW_DEFAULT,
    .copy_df = true,
};

/* What is to be up from the start is to be up again, unless the file says otherwise. */
static void default_actions(struct child_draft *d)
{
    const uint8_t again = d->start_action & CV_ACTION_START;

    if (d->dpd_action == ACTION_UNSET)
        d->dpd_action = again != 0 ? again : (uint8_t)CV_ACTION_CLEAR;
    if (d->close_action == ACTION_UNSET)
        d->close_action = again;
}

const struct cv_child_config *conf_read_child(struct conf_reader *r, const struct node *section)
{
    struct cv_child_config *out = mem_take(r->mem, 1, sizeof(*out));
    struct child_conf *host = mem_take(r->mem, 1, sizeof(*host));
    struct child_draft d = defaults;

    if (section->kind != NODE_SECTION) {
        problem_at(r->why, section, "expected a section: '%s { }'", section->name);
        return NULL;
    }
    if (!conf_read(r, section, &conf_child_table, &d))
        return NULL;
    settle_all(r, section, &d.life);
    if (!one_protocol(r, section, &d) || !check_esp_keys(r, section, &d))
        return NULL;
    default_actions(&d);
    conf_default_proposals(r, &d.esp, CV_PROTO_ESP);
    default_ts(r, &d.local_ts);
    default_ts(r, &d.remote_ts);
    host->updown = (char *)(uintptr_t)d.updown;
    host->hostaccess = d.hostaccess;
    host->interface = d.interface;
    host->priority = d.priority;
    if (d.mode >= MODE_PASS)
        host->shunt = d.mode == MODE_PASS ? SHUNT_PASS : SHUNT_DROP;
    *out = (struct cv_child_config){
        .name = mem_take_text(r->mem, section->name),
        .proposals = d.esp.v,
        .n_proposals = d.esp.n,
        .local_ts = d.local_ts.v,
        .n_local_ts = d.local_ts.n,
        .remote_ts = d.remote_ts.v,
        .n_remote_ts = d.remote_ts.n,
        .mode = d.mode < MODE_PASS ? d.mode : (uint8_t)CV_TUNNEL,
        .clear_df = !d.copy_df,
        .fragment_after = d.fragment_after,
        .minimal_esp = d.minimal_esp,
        .tfc = (uint16_t)d.padding,
        .nested = d.nested,
        .start_action = d.start_action,
        .dpd_action = d.dpd_action,
        .close_action = d.close_action,
        .reqid = d.reqid,
        .replay_window = d.replay_window,
        .life = d.life,
        .inactivity_s = d.inactivity,
        .host = host,
    };
    return out;
}
