/* culvert log: the lines the daemon remembers, then those that come.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "kit/json.h"

static int64_t time_of(const struct node *line)
{
    const char *at = tree_get(line, "time", NULL);

    return at != NULL ? strtoll(at, NULL, 10) : (int64_t)time(NULL);
}

static void print_text(const struct node *line)
{
    time_t at = (time_t)time_of(line);
    const char *conn = tree_get(line, "ikesa-name", NULL);
    const char *ike = tree_get(line, "ikesa-uniqueid", NULL);
    char when[32] = "";
    struct tm tm;

    if (localtime_r(&at, &tm) != NULL)
        (void)strftime(when, sizeof(when), "%b %d %H:%M:%S", &tm);
    printf("%s [%s] ", when, tree_get(line, "group", "?"));
    if (ike != NULL)
        printf("<%s|%s> ", conn != NULL ? conn : "", ike);
    text_print(tree_get(line, "msg", ""));
    putchar('\n');
}

static void print_json(const struct node *line)
{
    struct json j = {.out = stdout, .compact = true};
    char text[TEXT_TIME];

    json_object(&j, NULL);
    json_text(&j, "time", text_time(text, time_of(line)));
    for (const struct node *n = line->first; n != NULL; n = n->next)
        if (n->kind == NODE_VALUE && strcmp(n->name, "time") != 0)
            json_node(&j, n);
    json_end_object(&j);
    json_finish(&j);
}

static void print_line(void *ctx, const struct node *line)
{
    const struct cli *cli = ctx;

    if (cli->json)
        print_json(line);
    else
        print_text(line);
    fflush(stdout);
}

enum cli_exit cli_log(const struct cli *cli)
{
    struct cli copy = *cli;
    struct vici_hearer hear = {"log", print_line, &copy};
    enum cli_exit code;
    struct vici_link *l = cli_connect(cli, &code);
    struct problem why = {0};
    struct node *answer;

    if (l == NULL)
        return code;
    answer = vici_call(l, "get-log", NULL, &hear, &why);
    tree_free(answer);
    if (answer == NULL || (!cli->no_follow && !vici_follow(l, &hear, &why)))
        code = cli_fail("%s", why.text);
    vici_close(l);
    return code;
}
