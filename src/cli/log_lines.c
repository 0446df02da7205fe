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

/* One of "ike=3,net=2", or a level alone for all groups; each once. */
static bool read_level(struct node *request, const char *text, size_t n)
{
    char word[32], *level;
    const char *name = "default";

    if (n == 0 || n >= sizeof(word))
        return false;
    memcpy(word, text, n);
    word[n] = '\0';
    level = strchr(word, '=');
    if (level != NULL) {
        *level++ = '\0';
        name = word;
    }
    if (*name == '\0' || tree_find(request, name) != NULL)
        return false;
    tree_add_value(request, name, level != NULL ? level : word);
    return true;
}

/* As the daemon takes it; NULL: it is nothing of that kind. */
static struct node *read_levels(const char *text)
{
    struct node *request = tree_new();

    while (text != NULL) {
        const size_t n = strcspn(text, ",");

        if (!read_level(request, text, n)) {
            tree_free(request);
            return NULL;
        }
        text = text[n] == ',' ? text + n + 1 : NULL;
    }
    return request;
}

static void print_levels(const struct cli *cli, const struct node *levels)
{
    struct json j = {.out = stdout, .compact = cli->json_lines};

    if (cli->json)
        json_object(&j, NULL);
    for (const struct node *n = levels->first; n != NULL; n = n->next) {
        if (cli->json)
            json_number(&j, n->name, strtoull(n->value, NULL, 10));
        else
            printf("%s%s=%s", n == levels->first ? "" : ",", n->name, n->value);
    }
    if (!cli->json) {
        putchar('\n');
        return;
    }
    json_end_object(&j);
    json_finish(&j);
}

static enum cli_exit log_levels(const struct cli *cli)
{
    struct node *request = read_levels(cli->level), *answer;
    const struct node *levels;
    struct problem why = {0};
    struct vici_link *l;
    enum cli_exit code;

    if (request == NULL) {
        cli_fail("--level takes levels from 0 to 4, of all groups or as GROUP=LEVEL,..., not "
                 "%s (see culvert help log)",
                 cli->level);
        return CLI_USAGE;
    }
    l = cli_connect(cli, &code);
    if (l == NULL) {
        tree_free(request);
        return code;
    }
    answer = vici_call(l, "log-levels", request, NULL, &why);
    tree_free(request);
    levels = answer != NULL ? tree_find(answer, "levels") : NULL;
    if (levels != NULL)
        print_levels(cli, levels);
    else
        code = cli_fail("%s", why.text);
    tree_free(answer);
    vici_close(l);
    return code;
}

static enum cli_exit follow(const struct cli *cli)
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

enum cli_exit cli_log(const struct cli *cli)
{
    return cli->levels ? log_levels(cli) : follow(cli);
}
