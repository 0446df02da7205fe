/* culvert check: everything that is wrong or weak in a configuration, at once, without root,
 * ports or a daemon.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cli/cli.h"
#include "config/config.h"
#include "kit/json.h"

/* What culvertd does with the file. */
enum verdict { LOADS, LOADS_LENIENT, LOADS_NOTHING };

static void print_people(const struct problems *found, const char *file, enum verdict verdict)
{
    for (size_t i = 0; i < found->n; i++) {
        printf("%s: ", found->v[i].is_error ? "error" : "warning");
        text_print(found->v[i].problem.text);
        putchar('\n');
    }
    if (found->n < (size_t)found->errors + found->warnings)
        printf("... and more: only the first %d are shown\n", PROBLEMS_MAX);
    printf("%s: %u error%s, %u warning%s%s\n", file, found->errors,
           found->errors == 1 ? "" : "s", found->warnings, found->warnings == 1 ? "" : "s",
           found->errors == 0 ? ""
           : verdict == LOADS ? "; what has none is loaded"
           : verdict == LOADS_LENIENT
               ? "; nothing of it is loaded, with --lenient what has none"
               : "; nothing of it is loaded");
}

static void print_finding(struct json *j, const struct finding *f)
{
    const struct problem *p = &f->problem;

    json_object(j, NULL);
    json_text(j, "level", f->is_error ? "error" : "warning");
    if (p->line > 0) {
        json_text_n(j, "file", p->text, p->file_n);
        json_number(j, "line", (uint64_t)p->line);
    }
    if (p->key_n > 0)
        json_text_n(j, "key", p->text + p->key_at, p->key_n);
    json_text(j, "text", p->text + p->what_at);
    json_end_object(j);
}

static void print_json(const struct problems *found, const char *file, enum verdict verdict)
{
    struct json j = {.out = stdout};

    json_object(&j, NULL);
    json_text(&j, "file", file);
    json_bool(&j, "loads", verdict == LOADS);
    json_bool(&j, "loads_lenient", verdict != LOADS_NOTHING);
    json_number(&j, "errors", found->errors);
    json_number(&j, "warnings", found->warnings);
    json_array(&j, "findings");
    for (size_t i = 0; i < found->n; i++)
        print_finding(&j, &found->v[i]);
    json_end_array(&j);
    json_end_object(&j);
    json_finish(&j);
}

enum cli_exit cli_check(const struct cli *cli)
{
    const char *file = cli->name != NULL ? cli->name : conf_default_file();
    struct problems found = {0}, again = {0};
    enum verdict verdict = LOADS;
    enum cli_exit code;

    if (file == NULL)
        return cli_fail("there is no /etc/culvert/culvert.conf: name a FILE");
    if (!conf_check(&(struct conf_source){.path = file}, &found))
        verdict = conf_check(&(struct conf_source){.path = file, .lenient = true}, &again)
                      ? LOADS_LENIENT
                      : LOADS_NOTHING;
    problems_free(&again);
    code = found.errors == 0 ? CLI_OK : CLI_FAILED;
    (cli->json ? print_json : print_people)(&found, file, verdict);
    problems_free(&found);
    return code;
}
