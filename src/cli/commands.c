/* Owns the table of subcommands and what they say of themselves.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"

#include <string.h>

/* Those of every command come last. */
static const struct {
    char letter;
    const char *text;
} options[] = {
    {'v', "  -v, --verbose      a page for each connection and each tunnel\n"                 },
    {'p',
     "  --peer TEXT        those with TEXT in name, identity or address; with '*' a pattern\n"},
    {'d', "  --down             those that are not up, and devices that have an address of a\n"
          "                     pool and are away\n"                                 },
    {'S',
     "  --sort COLUMN      by name (default), identity, address, state, since, seen, bytes\n"
     "                     or drops\n"                                                        },
    {'w', "  --watch[=SECONDS]  again every 2 seconds, or as many\n"                          },
    {'t', "  --timeout SECONDS  give up after that time (default 60; 0: never)\n"             },
    {'f', "  --force            do not wait for the peer's answer\n"                          },
    {'n', "  --no-follow        only the lines there are\n"                                   },
    {'L',
     "  --level[=LEVELS]   say what the daemon writes, or change it until its next reload:\n"
     "                     2, or ike=3,net=2 (dmn mgr ike chd net knl cfg esp; 0 to 4)\n"     },
    {'s', "  --sa FILE          the SAs, as `ip xfrm state` prints them\n"                    },
    {'i', "  --in CAPTURE       the packets, a pcap file\n"                                   },
    {'o', "  --out CAPTURE      where the packets that come out go\n"                         },
    {'j', "  -j, --json         output for programs\n"                                        },
    {'l', "  --json-lines       the same, one object a line\n"                                },
    {'r', "  --run-dir DIR      where the daemon's socket is (default $CULVERT_RUN_DIR, else\n"
          "                     /run/culvert)\n"                                     },
    {'h', "  -h, --help         this text\n"                                                  },
};

static const struct command commands[] = {
    {"status",  MAY_NAME,  cli_status,  "vpdSwjlrh",
     "usage: culvert status [NAME] [OPTION...]\n\n"
     "A line for each peer: name, identity, address, state, since when, when it was last "
     "heard,\n"
     "octets in and out, drops.  NAME: those of a connection, a child, or CONNECTION/CHILD.\n"},
    {"up",      MUST_NAME, cli_up,      "trh",
     "usage: culvert up NAME [OPTION...]\n\n"
     "Starts a connection's children, or one child, and waits until it is up.\n"              },
    {"down",    MUST_NAME, cli_down,    "tfrh",
     "usage: culvert down NAME|#ID [OPTION...]\n\n"
     "Ends the tunnels of a connection, a child, or the SA of that number.\n"                 },
    {"log",     NO_NAME,   cli_log,     "nLjlrh",
     "usage: culvert log [OPTION...]\n\n"
     "The daemon's recent log lines, then new ones as they come.\n"                           },
    {"check",   MAY_NAME,  cli_check,   "jh",
     "usage: culvert check [FILE] [OPTION...]\n\n"
     "Everything that is wrong or weak in a configuration; needs neither root nor a daemon.\n"
     "FILE: default is the one that culvertd reads.\n"                                        },
    {"packet",  MAY_NAME,  cli_packet,  "siojlh",
     "usage: culvert packet open|seal|explain --sa FILE --in CAPTURE [--out CAPTURE]\n\n"
     "IPsec packets of a pcap file, with the SAs that `ip xfrm state` printed; no daemon.\n"  },
    {"version", NO_NAME,   cli_version, "jlrh",
     "usage: culvert version [OPTION...]\n\n"
     "The versions of this command and of the running daemon.\n"                              },
};

static const struct verb verbs[] = {
    {"api",     cli_api    },
    {"bench",   cli_bench  },
    {"ca",      cli_ca     },
    {"device",  cli_device },
    {"profile", cli_profile},
    {"tenant",  cli_tenant },
    {"events",  cli_events },
    {"top",     cli_top    },
    {"webhook", cli_webhook},
    {"backup",  cli_backup },
    {"restore", cli_restore},
    {"init",    cli_init   },
    {"join",    cli_join   },
    {"renew",   cli_renew  },
    {"web",     cli_web    },
};

const struct verb *verb_find(const char *name)
{
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (strcmp(name, verbs[i].name) == 0)
            return &verbs[i];
    return NULL;
}

enum cli_exit verb_help(const struct verb *v)
{
    char name[32], help[] = "--help", *argv[] = {name, help, NULL};

    (void)snprintf(name, sizeof(name), "%s", v->name);
    return v->run(2, argv);
}

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(name, commands[i].name) == 0)
            return &commands[i];
    return NULL;
}

void command_help(const struct command *c)
{
    fputs(c->help, stdout);
    putchar('\n');
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (strchr(c->options, options[i].letter) != NULL)
            fputs(options[i].text, stdout);
}

void commands_help(FILE *out)
{
    fputs("usage: culvert COMMAND [OPTION...]\n"
          "\n"
          "  status [NAME]      peers, a line each: who is up, since when, traffic, drops\n"
          "  up NAME            start a connection's children, or one child\n"
          "  down NAME|#ID      end a connection, a child, or the SA of that number\n"
          "  log                the daemon's recent log lines, then new ones as they come\n"
          "  check [FILE]       everything that is wrong or weak in a configuration\n"
          "  packet WHAT        IPsec packets of a capture: open, seal or explain them\n"
          "  bench WHAT         what culvert costs on this machine: esp\n"
          "  init               make this host the gateway of a fleet\n"
          "  ca VERB            the fleet's authority: crl\n"
          "  device VERB        the fleet's devices: add, code, list, show, suspend, resume,\n"
          "                     revoke, rename, move, tag, note, remove\n"
          "  profile VERB       what devices share: list, show, add, set, remove\n"
          "  tenant VERB        whose they are: the same\n"
          "  events             what happened in the fleet, and what happens\n"
          "  top                the devices with the most traffic\n"
          "  webhook VERB       who is told of events: list, add, remove\n"
          "  backup FILE        a copy of the fleet's registry\n"
          "  restore FILE       puts one back\n"
          "  join BUNDLE        make this host a device of a fleet\n"
          "  renew              renew this device's certificate when it is due\n"
          "  web link           a link that opens the fleet's page once\n"
          "  api token VERB     tokens for programs: add, list, revoke\n"
          "  version            versions of this command and of the running daemon\n"
          "  help [COMMAND]     this text, or a command's; so does COMMAND --help\n"
          "\n"
          "NAME is a connection, a child, or CONNECTION/CHILD.\n"
          "\n"
          "  --run-dir DIR      where the daemon's socket is (default $CULVERT_RUN_DIR, else\n"
          "                     /run/culvert)\n"
          "  -V, --version      this command's version\n"
          "\n"
          "exit status: 0 done, 1 failed (packet: one was dropped; check: errors were found),\n"
          "2 wrong usage (packet: or wrong input), 3 the daemon is not running\n",
          out);
}
