/* SMTP, web hooks and pings. What only root can read is read first; then root is given up, and a
 * child with as few rights speaks to the server. */
#include "alert/netsend.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "alert/hook.h"
#include "alert/letter.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/net.h"
#include "base/passwords.h"
#include "base/priv.h"
#include "toaster/handover.h"

enum { TIMEOUT_MS = 40000, SHOWN_BYTES = 300, LEFT_BYTES = 300, SECRET_MIN = 6 };

/* ---- what is sent ------------------------------------------------------------------------- */

static void add_header(struct tw_net_request *request, const char *name, const char *value)
{
    char *header = tw_format("%s: %s", name, value);
    tw_strings_add(&request->headers, header);
    free(header);
}

static void make_post(struct tw_net_request *request, const char *text, size_t length,
                      struct tw_buf *body)
{
    struct tw_buf id = {0};
    request->method = TW_NET_POST;
    add_header(request, "Content-Type", "application/json");
    tw_letter_header(text, length, "Message-ID", &id);
    if (id.len)
        add_header(request, "Idempotency-Key", tw_buf_text(&id));
    tw_buf_free(&id);
    tw_hook_write(text, length, body);
}

/* ---- for whom ----------------------------------------------------------------------------- */

static int add_password(struct tw_net_request *request, const struct tw_transport_config *transport,
                        const char *path, struct tw_error *e)
{
    char *user, *password;
    if (!path || !*path)
        return 0;
    const int found = tw_passwords_find(path, transport->host, &user, &password, e);
    if (found <= 0)
        return found;
    if (strcmp(user, "-") == 0 && request->method != TW_NET_MAIL) {
        char *token = tw_format("Bearer %s", password);
        add_header(request, "Authorization", token);
        free(token);
        free(user);
        free(password);
        return 0;
    }
    request->user = user;
    request->password = password;
    return 0;
}

static int give_up_root(struct tw_error *e)
{
    const pid_t parent = getppid();
    uid_t uid;
    gid_t gid;
    if (geteuid() != 0)
        return 0;
    tw_priv_nobody(&uid, &gid);
    if (tw_priv_drop(uid, gid, e) != 0)
        return -1;
    /* The drop has cleared this: what is sent must not outlive who would else send it again. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    return getppid() == parent ? 0 : tw_fail(e, "whoever started this has ended");
}

/* ---- what came of it ---------------------------------------------------------------------- */

/* Does the answer repeat what may be a secret: a part of the URL behind the host. */
static bool repeats_secret(const char *url, const char *body)
{
    const char *rest = strstr(url, "://");
    rest = rest ? rest + 3 + strcspn(rest + 3, "/?#") : "";
    while (*rest) {
        rest += strspn(rest, "/?#&=");
        const size_t length = strcspn(rest, "/?#&=");
        char *part = tw_strndup(rest, length);
        const bool found = length >= SECRET_MIN && strstr(body, part);
        free(part);
        if (found)
            return true;
        rest += length;
    }
    return false;
}

static enum tw_delivery judge_http(const char *url, const struct tw_net_answer *answer,
                                   struct tw_error *e)
{
    const int64_t status = answer->status;
    const char *body = answer->body && !repeats_secret(url, answer->body) ? answer->body : "";
    if (status >= 200 && status < 300)
        return TW_DELIVERY_TAKEN;
    tw_fail(e, "it answers with status %d%s%.*s", (int)status, *body ? ": " : "", SHOWN_BYTES,
            body);
    if (status >= 300 && status < 400)
        tw_fail(e, "it answers with status %d: redirects are not followed, name the place itself",
                (int)status);
    const bool later = status == 408 || status == 425 || status == 429 || status >= 500;
    return later ? TW_DELIVERY_NOT_NOW : TW_DELIVERY_REFUSED;
}

/* Lines of who has not got it, and whether that may change: "WORD <ADDRESS> WHY". If there are more
 * to ask again than the answer has room for, all are: a second copy for some is better than none
 * for others. */
static enum tw_delivery judge_mail(const char *lines, struct tw_error *e)
{
    struct tw_buf left = {0}, why = {0};
    for (const char *at = lines; *at;) {
        const size_t length = strcspn(at, "\n");
        const char *address = memchr(at, '<', length);
        const char *end = address ? memchr(address, '>', (size_t)(at + length - address)) : NULL;
        if (end) {
            if (strncmp(at, "later ", 6) == 0)
                tw_buf_printf(&left, "%s%.*s", left.len ? " " : "", (int)(end - address - 1),
                              address + 1);
            tw_buf_printf(&why, "%s%.*s", why.len ? "; " : "", (int)(at + length - address),
                          address);
        }
        at += length + (at[length] == '\n');
    }
    enum tw_delivery result = left.len ? TW_DELIVERY_PARTLY : TW_DELIVERY_TAKEN;
    if (left.len > LEFT_BYTES) {
        result = TW_DELIVERY_NOT_NOW;
        tw_fail(e, "many are put off, and all are asked again: %.400s", tw_buf_text(&why));
    } else if (left.len) {
        tw_fail(e, "%s\nnot for all: %.160s", tw_buf_text(&left), tw_buf_text(&why));
    } else if (why.len) {
        tw_fail(e, "not for all: %.400s", tw_buf_text(&why));
    }
    tw_buf_free(&left);
    tw_buf_free(&why);
    return result;
}

static enum tw_delivery send_it(const struct tw_net_request *request, struct tw_error *e)
{
    struct tw_net_answer answer = {0};
    struct tw_error why;
    const char *code = "";
    struct tw_net *net = tw_net_open(e);
    if (!net)
        return TW_DELIVERY_NOT_NOW;
    enum tw_delivery result = TW_DELIVERY_TAKEN;
    if (tw_net_send(net, request, NULL, NULL, &answer, &code, &why) != 0) {
        tw_fail(e, "%s", why.text);
        const bool refused = strcmp(code, "refused") == 0 || strcmp(code, "rejected") == 0;
        result = refused ? TW_DELIVERY_REFUSED : TW_DELIVERY_NOT_NOW;
    } else if (request->method != TW_NET_MAIL) {
        result = judge_http(request->url, &answer, e);
    } else {
        result = judge_mail(answer.body ? answer.body : "", e);
    }
    tw_net_close(&net);
    free(answer.body);
    return result;
}

enum tw_delivery tw_netsend(const struct tw_transport_config *transport,
                            const struct tw_transport_needs *needs, const char *text, size_t length,
                            struct tw_error *e)
{
    struct tw_buf body = {0};
    struct tw_net_request request = {
        .url = transport->text, .ca_file = needs->ca_file, .timeout_ms = TIMEOUT_MS};
    if (transport->type == TW_TRANSPORT_SMTP)
        tw_handover_mail(&request, needs->to, needs->host, text, length, &body);
    else if (transport->type == TW_TRANSPORT_HOOK)
        make_post(&request, text, length, &body);
    else
        request.method = TW_NET_GET;
    request.body = tw_buf_text(&body);
    request.length = body.len;
    enum tw_delivery result = TW_DELIVERY_NOT_NOW;
    if (add_password(&request, transport, needs->passwords, e) == 0 && give_up_root(e) == 0)
        result = send_it(&request, e);
    free((char *)(uintptr_t)request.user);
    free((char *)(uintptr_t)request.password);
    tw_strings_free(&request.headers);
    tw_buf_free(&body);
    return result;
}
