/* Log lines for VICI clients: the log event for who asked for it, control-log for who waits for
 * a command about that IKE SA, and the recent past for get-log, which is ours.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "kit/log.h"
#include "vici/inside.h"

enum { LEVEL_MAX = 1 }; /* finer ones would fill every client's buffer */

static struct node *line_tree(int level, enum log_group group, uint32_t ike, const char *conn,
                              const char *text)
{
    struct node *s = tree_new();

    tree_add_value(s, "group", log_group_name(group));
    tree_add_valuef(s, "level", "%d", level);
    if (ike != 0 && conn != NULL && conn[0] != '\0')
        tree_add_value(s, "ikesa-name", conn);
    if (ike != 0)
        tree_add_valuef(s, "ikesa-uniqueid", "%" PRIu32, ike);
    tree_add_value(s, "msg", text);
    return s;
}

/* While a command makes its first engine call the number of its IKE SA is not known yet. */
static bool concerns(const struct vici_client *c, int level, uint32_t ike)
{
    const struct vici_work *w = &c->work;

    if (w->hear == NULL || level > w->log_level || ike == 0)
        return false;
    if (w->calling || ike == w->ike)
        return true;
    for (unsigned i = 0; i < w->n_targets; i++)
        if (ike == w->targets[i].ike || (w->targets[i].ike == 0 && ike == w->targets[i].id))
            return true;
    return false;
}

void vici_log_line(void *vici, int level, enum log_group group, uint32_t ike, const char *conn,
                   const char *text)
{
    struct vici *v = vici;
    struct node *line = line_tree(level, group, ike, conn, text);

    for (struct vici_client *c = v->clients; c != NULL; c = c->next)
        if (concerns(c, level, ike))
            vici_tell(c, VICI_EV_CONTROL_LOG, line);
    if (level <= LEVEL_MAX)
        vici_tell_all(v, VICI_EV_LOG, line);
    tree_free(line);
}

/* The lines the daemon remembers, as log events with the time they were written at. */
static bool more_log(struct vici_client *c)
{
    uint64_t at = c->work.at;
    const struct log_line *line = daemon_next_line(c->v->d, &at);
    struct node *message;

    if (line == NULL)
        return false;
    c->work.at = (uint32_t)at;
    if (line->level > LEVEL_MAX)
        return true;
    message = line_tree(line->level, line->group, line->ike, line->conn, line->text);
    tree_add_valuef(message, "time", "%" PRId64, line->unix_ms / 1000);
    vici_tell(c, VICI_EV_LOG, message);
    tree_free(message);
    return true;
}

void vici_cmd_get_log(struct vici_client *c, const struct node *req)
{
    (void)req;
    vici_stream(c, more_log);
}

/* ---- levels ----------------------------------------------------------------- */

/* "ike", as the configuration has it. */
static const char *word_of(char out[8], unsigned g)
{
    const char *name = log_group_name((enum log_group)g);
    size_t n = 0;

    for (; n < 7 && name[n] != '\0'; n++)
        out[n] = (char)tolower((unsigned char)name[n]);
    out[n] = '\0';
    return out;
}

static bool is_group(const char *name)
{
    char word[8];

    for (unsigned g = 0; g < LOG_GROUPS; g++)
        if (strcmp(name, word_of(word, g)) == 0)
            return true;
    return strcmp(name, "default") == 0;
}

/* All groups, and then those that are named. */
static bool read_levels(const struct node *req, uint8_t levels[LOG_GROUPS])
{
    char word[8];

    for (const struct node *n = req->first; n != NULL; n = n->next)
        if (!is_group(n->name))
            return false;
    for (unsigned g = 0; g < LOG_GROUPS; g++) {
        int64_t level = levels[g];

        if (!vici_arg_number(req, "default", 0, LOG_LEVEL_MAX, &level) ||
            !vici_arg_number(req, word_of(word, g), 0, LOG_LEVEL_MAX, &level))
            return false;
        levels[g] = (uint8_t)level;
    }
    return true;
}

void vici_cmd_log_levels(struct vici_client *c, const struct node *req)
{
    uint8_t levels[LOG_GROUPS];
    struct node *answer, *s;
    char word[8];

    daemon_log_levels(c->v->d, levels);
    if (!read_levels(req, levels)) {
        vici_answer_error(c,
                          "expected a level from 0 to 4 for default, dmn, mgr, ike, chd, net, "
                          "knl, cfg or esp");
        return;
    }
    if (req->first != NULL) {
        daemon_set_log_levels(c->v->d, levels);
        daemon_log(c->v->d, 1, LOG_CFG, 0, "log levels are others from now on, by command");
    }
    answer = tree_new();
    tree_add_value(answer, "success", "yes");
    s = tree_add_section(answer, "levels");
    for (unsigned g = 0; g < LOG_GROUPS; g++)
        tree_add_valuef(s, word_of(word, g), "%u", levels[g]);
    vici_answer(c, answer);
}
