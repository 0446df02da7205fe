/* redirect: which clients go to which other gateway (RFC 5685).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "ident/id.h"
#include "text/text.h"
#include "vici/inside.h"
#include "wire/ip.h"

/* All conditions that are given. */
struct chosen {
    const char *ike;
    int64_t ike_id; /* -1: not given */
    bool by_ip, by_id;
    struct cv_addr_range ip;
    struct cv_id id;
};

/* NULL, or what is wrong with the request. */
static const char *read_chosen(struct chosen *s, const struct node *req)
{
    const char *ip = vici_arg(req, "peer-ip"), *id = vici_arg(req, "peer-id");
    struct problem why;

    *s = (struct chosen){
        .ike = vici_arg(req, "ike"), .ike_id = -1, .by_ip = ip != NULL, .by_id = id != NULL};
    if (!vici_arg_number(req, "ike-id", 0, UINT32_MAX, &s->ike_id))
        return "ike-id is not a number in range";
    if (ip != NULL && !range_parse(&s->ip, ip))
        return "peer-ip is neither an address nor a range of them";
    if (id != NULL && !id_parse(&s->id, id, &why))
        return "peer-id is no identity";
    if (s->ike == NULL && s->ike_id < 0 && ip == NULL && id == NULL)
        return "missing redirect selector";
    return NULL;
}

static bool is_chosen(const struct chosen *s, const struct cv_ike_info *ike)
{
    return !ike->began && ike->state <= CV_IKE_REKEYING &&
           (s->ike_id < 0 || s->ike_id == ike->id) &&
           (s->ike == NULL || (ike->conn != NULL && strcmp(s->ike, ike->conn->name) == 0)) &&
           (!s->by_ip || range_has(&s->ip, &ike->remote.addr)) &&
           (!s->by_id || id_matches(&s->id, &ike->remote_id) != ID_NO);
}

static void answer(struct vici_client *c, unsigned matches, enum cv_err err)
{
    struct node *message = tree_new();
    const bool good = matches > 0 && err == CV_OK;

    tree_add_value(message, "success", good ? "yes" : "no");
    tree_add_valuef(message, "matches", "%u", matches);
    if (!good)
        tree_add_value(message, "errmsg",
                       matches == 0 ? "no matching SAs to redirect found" : cv_err_text(err));
    vici_answer(c, message);
}

void vici_cmd_redirect(struct vici_client *c, const struct node *req)
{
    struct cv_engine *e = daemon_engine(c->v->d);
    const char *text = vici_arg(req, "gateway"), *wrong;
    enum cv_err err, first = CV_OK;
    struct cv_ike_info ike;
    struct cv_id gateway;
    struct chosen s;
    unsigned n = 0;

    wrong = text == NULL || text[0] == '\0' ? "missing target gateway" : read_chosen(&s, req);
    if (wrong != NULL) {
        vici_answer_error(c, "%s", wrong);
        return;
    }
    gateway_parse(&gateway, text);
    for (uint32_t at = 0; cv_ike_next(e, &at, &ike);) {
        if (!is_chosen(&s, &ike))
            continue;
        n++;
        err = cv_redirect(e, ike.id, &gateway, daemon_now_ms(c->v->d));
        first = first != CV_OK ? first : err;
    }
    daemon_pump(c->v->d);
    answer(c, n, first);
}
