/* Owns the culvert section: the daemon's own settings, with strongswan.conf's names where
 * there is one.
 *
 * Every table of the engine follows from max_devices, the number of devices that are
 * connected at one time; each can also be set by itself.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "config/conf_settings.h"
#include "text/text.h"

#ifndef CULVERT_SCRIPTS /* the build says where they are installed */
#define CULVERT_SCRIPTS "/usr/libexec/culvert"
#endif
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct settings_draft {
    bool follow_redirects;
    struct daemon_settings s;
    struct cv_limits given; /* 0: follows from max_devices and the file */
    uint32_t max_devices, mtu, log_level, retransmit_ms, retransmit_limit_ms, half_open_ms;
    uint32_t keepalive_ms, fragment_size, base_pct, cookie_threshold, block_threshold, tries;
    uint32_t answer_ms;
    const char *tun_name, *user, *dns, *save_keys, *renew, *registry, *gateway;
};

/* ---- values ----------------------------------------------------------------- */

/* Thousandths of a decimal number: "1.8" is 1800.  False when it is none or too large. */
static bool parse_thousandths(const char *text, uint32_t *out)
{
    uint64_t v = 0;
    unsigned digits = 0, decimals = 0;
    bool point = false;

    for (; *text != '\0'; text++) {
        if (*text == '.' && !point) {
            point = true;
            continue;
        }
        if (*text < '0' || *text > '9' || decimals == 3 || digits == 12)
            return false;
        v = v * 10 + (uint64_t)(*text - '0');
        digits++;
        decimals += point;
    }
    for (; decimals < 3; decimals++)
        v *= 10;
    *out = (uint32_t)v;
    return digits > 0 && v < UINT32_MAX;
}

/* Seconds with decimals, as milliseconds. */
static bool take_seconds(struct conf_reader *r, const struct node *n, void *field,
                         const void *arg)
{
    const char *text = conf_text(r, n);
    size_t len = text != NULL ? strlen(text) : 0;
    char number[32];

    (void)arg;
    if (text == NULL)
        return false;
    if (len > 0 && text[len - 1] == 's')
        len--;
    if (len < sizeof(number)) {
        memcpy(number, text, len);
        number[len] = '\0';
        if (parse_thousandths(number, field))
            return true;
    }
    return problem_at(r->why, n, "expected seconds like 2 or 0.5, not '%s'", text);
}

/* A time in words, "20s" or "1m", as milliseconds. */
static bool take_span(struct conf_reader *r, const struct node *n, void *field, const void *arg)
{
    uint64_t s;

    if (!take_time(r, n, &s, arg))
        return false;
    if (s > UINT32_MAX / 1000)
        return problem_at(r->why, n, "expected a time of at most 49 days");
    *(uint32_t *)field = (uint32_t)s * 1000;
    return true;
}

/* Octets within bounds; 0 is what happens without the key. */
static bool take_sized(struct conf_reader *r, const struct node *n, void *field,
                       const void *arg)
{
    const char *text = conf_text(r, n);

    if (text != NULL && strcmp(text, "0") == 0)
        return true;
    return take_number(r, n, field, arg);
}

static bool take_percent(struct conf_reader *r, const struct node *n, void *field,
                         const void *arg)
{
    const char *text = conf_text(r, n);
    uint32_t v;

    (void)arg;
    if (text == NULL)
        return false;
    if (!parse_thousandths(text, &v) || v < 1000 || v > 10000)
        return problem_at(r->why, n, "expected a factor from 1 to 10 like 1.8, not '%s'", text);
    *(uint32_t *)field = v / 10;
    return true;
}

/* An absolute path, or none. */
static bool take_script(struct conf_reader *r, const struct node *n, void *field,
                        const void *arg)
{
    const char *text = conf_text(r, n);

    if (text == NULL)
        return false;
    if (strcmp(text, "none") == 0) {
        *(const char **)field = NULL;
        return true;
    }
    if (text[0] != '/' || strchr(text, '\'') != NULL)
        return problem_at(r->why, n, "expected the path of a script, or none, not '%s'", text);
    return take_text(r, n, field, arg);
}

/* Addresses of ours, one of each family. */
static bool take_addrs(struct conf_reader *r, const struct node *n, void *field,
                       const void *arg)
{
    struct own_addrs *out = field;
    struct conf_texts texts = {0};
    struct cv_addr addr;

    (void)arg;
    if (!take_texts(r, n, &texts, NULL))
        return false;
    for (unsigned i = 0; i < texts.n; i++) {
        struct cv_addr *to = &out->v4;

        if (!addr_parse(&addr, texts.v[i]))
            return problem_at(r->why, n, "expected an address like 10.99.0.1, not '%s'",
                              texts.v[i]);
        if (addr.family == CV_IPV6)
            to = &out->v6;
        if (to->family != 0)
            return problem_at(r->why, n, "one address of each family is possible");
        *to = addr;
    }
    return true;
}

/* The name that the kernel will give, or a pattern with one %d. */
static bool take_device(struct conf_reader *r, const struct node *n, void *field,
                        const void *arg)
{
    const char *text = conf_text(r, n), *percent;

    if (text == NULL)
        return false;
    percent = strchr(text, '%');
    if (strlen(text) > 15 || strpbrk(text, "/ ") != NULL ||
        (percent != NULL && (percent[1] != 'd' || strchr(percent + 1, '%') != NULL)))
        return problem_at(
            r->why, n, "expected a network device name of at most 15 letters, not '%s'", text);
    return take_text(r, n, field, arg);
}

/* ---- keys ------------------------------------------------------------------- */

static const struct conf_range devices = {1, 4000000};
static const struct conf_range table_sizes = {1, 16000000};
static const struct conf_range message_sizes = {1280, 65535};
static const struct conf_range effect_sizes = {16, 1000000};
static const struct conf_range mtus = {576, 65535};
static const struct conf_range fragments = {576, 65535};
static const struct conf_range levels = {0, 4};
static const struct conf_range try_counts = {1, 100};
static const struct conf_range thread_counts = {0, 64};
static const struct conf_range queue_sizes = {1, 1000000};

static const struct conf_range delays = {0, 10000};

static const struct conf_choice cleartexts[] = {
    {"drop", true },
    {"pass", false},
    {NULL,   0    },
};

static const struct conf_choice backends[] = {
    {"best",    false},
    {"openssl", true },
    {NULL,      0    },
};

static const struct conf_choice exits[] = {
    {"block", true },
    {"pass",  false},
    {NULL,    0    },
};

/* clang-format off */
#define FIELD(name) offsetof(struct settings_draft, name)
static const struct conf_key keys[] = {
    {"max_devices",        take_number,  FIELD(max_devices),          &devices      },
    {"ike_sas",            take_number,  FIELD(given.ike_sas),        &table_sizes  },
    {"child_sas",          take_number,  FIELD(given.child_sas),      &table_sizes  },
    {"connections",        take_number,  FIELD(given.conns),          &table_sizes  },
    {"handshakes",         take_number,  FIELD(given.handshakes),     &table_sizes  },
    {"messages",           take_number,  FIELD(given.messages),       &table_sizes  },
    {"message_size",       take_number,  FIELD(given.message_size),   &message_sizes},
    {"effects",            take_number,  FIELD(given.effects),        &effect_sizes },
    {"policies",           take_number,  FIELD(given.policies),       &table_sizes  },
    {"port",               take_port,    FIELD(s.port),               NULL          },
    {"port_nat_t",         take_port,    FIELD(s.port_nat_t),         NULL          },
    {"tun_name",           take_device,  FIELD(tun_name),             NULL          },
    {"tun_addrs",          take_addrs,   FIELD(s.tun_addrs),          NULL         },
    {"tun_mtu",            take_number,  FIELD(mtu),                  &mtus         },
    {"log_level",          take_number,  FIELD(log_level),            &levels       },
    {"save_keys",          take_text,    FIELD(save_keys),            NULL          },
    {"install_routes",     take_bool,    FIELD(s.install_routes),     NULL          },
    {"install_virtual_ip", take_bool,    FIELD(s.install_virtual_ip), NULL          },
    {"offload",            take_bool,    FIELD(s.offload),            NULL          },
    {"cleartext",          take_choice,  FIELD(s.drop_cleartext),     cleartexts    },
    {"on_exit",            take_choice,  FIELD(s.block_on_exit),      exits        },
    {"dns",                take_script,  FIELD(dns),                  NULL          },
    {"renew",              take_text,    FIELD(renew),                NULL         },
    {"user",               take_text,    FIELD(user),                 NULL          },
    {"registry",           take_text,    FIELD(registry),             NULL          },
    {"gateway",            take_text,    FIELD(gateway),              NULL          },
    {"follow_redirects",   take_bool,    FIELD(follow_redirects),     NULL          },
    {"strict",             take_bool,    FIELD(s.strict),             NULL          },
    {"cache_crls",         take_bool,    FIELD(s.cache_crls),         NULL          },
    {"fragment_size",      take_number,  FIELD(fragment_size),        &fragments    },
    {"crypto",             take_choice,  FIELD(s.openssl_alone),      backends      },
    {"sign_threads",       take_number,  FIELD(s.sign_threads),       &thread_counts},
    {"sign_queue",         take_number,  FIELD(s.sign_queue),         &queue_sizes  },
    {"retransmit_timeout", take_seconds, FIELD(retransmit_ms),        NULL          },
    {"retransmit_tries",   take_number,  FIELD(tries),                &try_counts   },
    {"retransmit_base",    take_percent, FIELD(base_pct),             NULL          },
    {"retransmit_limit",   take_seconds, FIELD(retransmit_limit_ms),  NULL          },
    {"half_open_timeout",  take_seconds, FIELD(half_open_ms),         NULL          },
    {"answer_timeout",     take_seconds, FIELD(answer_ms),            NULL          },
    {"keep_alive",         take_seconds, FIELD(keepalive_ms),         NULL          },
    {"cookie_threshold",   take_number,  FIELD(cookie_threshold),     NULL          },
    {"block_threshold",    take_number,  FIELD(block_threshold),      NULL          },
};
/* clang-format on */

/* What strongswan.conf has of these. */
static const struct conf_key charon_keys[] = {
    {"retransmit_timeout",  take_seconds, FIELD(retransmit_ms),        NULL       },
    {"retransmit_tries",    take_number,  FIELD(tries),                &try_counts},
    {"retransmit_base",     take_percent, FIELD(base_pct),             NULL       },
    {"retransmit_limit",    take_seconds, FIELD(retransmit_limit_ms),  NULL       },
    {"half_open_timeout",   take_seconds, FIELD(half_open_ms),         NULL       },
    {"keep_alive",          take_span,    FIELD(keepalive_ms),         NULL       },
    {"cookie_threshold",    take_number,  FIELD(cookie_threshold),     NULL       },
    {"block_threshold",     take_number,  FIELD(block_threshold),      NULL       },
    {"fragment_size",       take_sized,   FIELD(fragment_size),        &fragments },
    {"port",                take_port,    FIELD(s.port),               NULL       },
    {"port_nat_t",          take_port,    FIELD(s.port_nat_t),         NULL       },
    {"install_routes",      take_bool,    FIELD(s.install_routes),     NULL       },
    {"install_virtual_ip",  take_bool,    FIELD(s.install_virtual_ip), NULL       },
    {"send_delay",          take_number,  FIELD(s.delay.ms),           &delays    },
    {"send_delay_type",     take_number,  FIELD(s.delay.exchange),     NULL       },
    {"send_delay_request",  take_bool,    FIELD(s.delay.requests),     NULL       },
    {"send_delay_response", take_bool,    FIELD(s.delay.responses),    NULL       },
};

static const char *const inside[] = {"log", NULL};
static const struct conf_table table = {
    .keys = keys, .n_keys = COUNT(keys), .sections = inside};
static const struct conf_table charon_table = {.keys = charon_keys,
                                               .n_keys = COUNT(charon_keys)};

static const struct settings_draft defaults = {
    .follow_redirects = true,
    .s = {.port = 500,
          .port_nat_t = 4500,
          .install_routes = true,
          .install_virtual_ip = true,
          .offload = true,
          .drop_cleartext = true,
          .sign_threads = 1,
          .sign_queue = 1024,
          .delay = {.requests = true, .responses = true}},
    .mtu = 1400,
    .log_level = 1,
    .retransmit_ms = 2000,
    .tries = 5,
    .base_pct = 180,
    .half_open_ms = 30000,
    .answer_ms = 30000,
    .keepalive_ms = 20000,
    .fragment_size = 1280,
    .cookie_threshold = 10,
    .block_threshold = 0,
    .tun_name = "culvert%d",
    .dns = CULVERT_SCRIPTS "/dns",
};

/* ---- log levels ------------------------------------------------------------- */

/* As strongSwan's filelog has them: default, then what differs from it. */
struct log_draft {
    uint32_t standard, level[LOG_GROUPS];
};

#define AS_STANDARD UINT32_MAX

/* clang-format off */
#define LEVEL(group) offsetof(struct log_draft, level[group])
static const struct conf_key log_keys[] = {
    {"default", take_number, offsetof(struct log_draft, standard), &levels},
    {"dmn",     take_number, LEVEL(LOG_DMN),                       &levels},
    {"mgr",     take_number, LEVEL(LOG_MGR),                       &levels},
    {"ike",     take_number, LEVEL(LOG_IKE),                       &levels},
    {"chd",     take_number, LEVEL(LOG_CHD),                       &levels},
    {"net",     take_number, LEVEL(LOG_NET),                       &levels},
    {"knl",     take_number, LEVEL(LOG_KNL),                       &levels},
    {"cfg",     take_number, LEVEL(LOG_CFG),                       &levels},
    {"esp",     take_number, LEVEL(LOG_ESP),                       &levels},
};
/* clang-format on */

static const struct conf_table log_table = {.keys = log_keys, .n_keys = COUNT(log_keys)};

static bool read_levels(struct conf_reader *r, const struct node *section, uint32_t standard,
                        uint8_t out[LOG_GROUPS])
{
    const struct node *log = section == NULL ? NULL : tree_find(section, "log");
    struct log_draft l = {.standard = standard};

    for (int g = 0; g < LOG_GROUPS; g++)
        l.level[g] = AS_STANDARD;
    if (log != NULL && !conf_read(r, log, &log_table, &l))
        return false;
    for (int g = 0; g < LOG_GROUPS; g++)
        out[g] = (uint8_t)(l.level[g] == AS_STANDARD ? l.standard : l.level[g]);
    return true;
}

/* ---- tables ----------------------------------------------------------------- */

enum { DEVICES_DEFAULT = 1000, DEVICES_MAX = 4000000 };

static uint32_t or_given(uint32_t given, uint32_t follows)
{
    return given != 0 ? given : follows;
}

static uint32_t clamp(uint32_t v, uint32_t min, uint32_t max)
{
    return v < min ? min : v > max ? max : v;
}

void conf_size_tables(struct daemon_settings *s, uint32_t n_conns, uint32_t n_policies)
{
    const struct cv_limits *given = &s->given;
    struct cv_limits *l = &s->limits;
    const uint32_t n =
        s->max_devices != 0 ? s->max_devices : clamp(n_conns, DEVICES_DEFAULT, DEVICES_MAX);
    const uint32_t handshakes =
        given->handshakes != 0 ? given->handshakes : clamp(n / 8, 32, 8192);

    /* A rekey or a reconnect has the old and the new SA for a moment; a file that is read again
     * may have more in it, and VICI brings some. */
    *l = (struct cv_limits){.ike_sas = or_given(given->ike_sas, n + n / 8 + 16),
                            .child_sas = or_given(given->child_sas, 2 * n + 32),
                            .handshakes = handshakes,
                            .messages = or_given(given->messages, 8 * handshakes + n / 4),
                            .message_size = or_given(given->message_size, 16384),
                            .effects = or_given(given->effects, 256)};
    l->conns = or_given(given->conns,
                        clamp(n > n_conns ? n : n_conns + n_conns / 8, 256, DEVICES_MAX));
    l->policies = or_given(given->policies, n + n / 8 + n_policies + 1024);
    s->engine.limits = *l;
}

/* 0 switches off here, and asks for the default there. */
static uint32_t off_when_zero(uint32_t v)
{
    return v == 0 ? UINT32_MAX : v;
}

bool conf_read_settings(struct conf_reader *r, const struct node *section,
                        struct daemon_settings *out)
{
    struct settings_draft d = defaults;
    const struct node *charon;

    for (unsigned i = 0; (charon = conf_charon_section(r, i)) != NULL; i++)
        conf_read_known(r, charon, &charon_table, &d);
    if (section != NULL && !conf_read(r, section, &table, &d))
        return false;
    if (d.s.port == d.s.port_nat_t)
        return problem_at(r->why, section, "port and port_nat_t must differ");
    if (d.retransmit_ms == 0 || d.half_open_ms == 0 || d.answer_ms == 0)
        return problem_at(r->why, section,
                          "retransmit_timeout, half_open_timeout and answer_timeout must not "
                          "be 0");
    d.s.given = d.given;
    d.s.max_devices = d.max_devices;
    conf_size_tables(&d.s, 0, 0);
    d.s.engine.fragment_size = (uint16_t)d.fragment_size;
    d.s.engine.ignore_redirects = !d.follow_redirects;
    d.s.engine.retransmit_ms = d.retransmit_ms;
    d.s.engine.retransmit_tries = d.tries;
    d.s.engine.retransmit_base_pct = (uint16_t)d.base_pct;
    d.s.engine.retransmit_limit_ms = d.retransmit_limit_ms;
    d.s.engine.half_open_ms = d.half_open_ms;
    d.s.engine.answer_ms = d.answer_ms;
    d.s.engine.keepalive_ms = off_when_zero(d.keepalive_ms);
    d.s.engine.cookie_threshold = off_when_zero(d.cookie_threshold);
    d.s.engine.block_threshold = off_when_zero(d.block_threshold);
    d.s.tun_mtu = d.mtu;
    if (!read_levels(r, section, d.log_level, d.s.log_levels))
        return false;
    d.s.tun_name = mem_text(d.tun_name);
    d.s.user = mem_text(d.user);
    d.s.registry = mem_text(d.registry);
    d.s.gateway = mem_text(d.gateway);
    d.s.save_keys = mem_text(d.save_keys);
    d.s.dns = mem_text(d.dns);
    d.s.renew = mem_text(d.renew);
    *out = d.s;
    return true;
}
