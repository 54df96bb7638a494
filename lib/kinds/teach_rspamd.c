/* The backend `rspamd`: a POST to its controller for each message, through toaster-net.
 *
 * Learned: 200 and {"success":true}. Known already: 208 with "already learned as" the class that is
 * taught. What it knows as the other class it unlearns by itself, and answers 200. 204 says that it
 * wants nothing of this message (too few words; a condition: the one it comes with refuses what it
 * would already judge so with a certainty of 95 %), as 400 does of an empty one.
 *
 * 404 with "already learned as" is no answer: it gives that for every message, known or not, while
 * it cannot connect to a Redis at a socket in the file system. Only where its learn cache is an
 * SQLite file would it be one, but which it is cannot be told from here, and to believe it would
 * lose all that is taught in the meantime. (Not by asking /stat: that crashes such a controller.)
 * With a Redis at a port it then answers a status of 1, which is none in HTTP. A Redis that hangs,
 * or is full, it does not notice: it answers 200. Seen with rspamd 3.4. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/net.h"
#include "kinds/teacher.h"

#define KNOWN_AS "already learned as "
enum { WORDS_MAX = 200 };

struct rspamd {
    const struct tw_teacher_setup *setup;
    struct tw_net *net;
};

static int rspamd_check(const struct tw_teacher_config *config, struct tw_error *e)
{
    const char *host = strncmp(config->url, "http://", 7) == 0    ? config->url + 7
                       : strncmp(config->url, "https://", 8) == 0 ? config->url + 8
                                                                  : "";
    const size_t length = strlen(host);
    bool good = length > 0 && host[0] != '/' && host[0] != ':';
    for (size_t i = 0; i < length; i++)
        good = good && host[i] > ' ' && host[i] != 0x7f && !strchr("?#", host[i]);
    return good ? 0
                : tw_fail(e,
                          "url: \"%.200s\" is no place of rspamd's controller: write one like "
                          "\"http://127.0.0.1:11334\"",
                          config->url);
}

static void *rspamd_open(const struct tw_teacher_setup *setup, struct tw_teacher_failure *failure)
{
    struct tw_error e;
    struct tw_net *net = tw_net_open(&e);
    if (!net) {
        tw_teacher_fail(failure, "failed", "%s", e.text);
        return NULL;
    }
    struct rspamd *r = tw_alloc(sizeof *r);
    r->setup = setup;
    r->net = net;
    return r;
}

/* {"success":true}, however it is spaced. Headers that were cut off look like 200, too. */
static bool is_success(const char *body)
{
    static const char name[] = "\"success\"";
    const char *at = strstr(body, name);
    if (!at)
        return false;
    at += strlen(name);
    at += strspn(at, " \t\r\n:");
    return strncmp(at, "true", 4) == 0;
}

/* "already learned as CLASS" */
static bool is_known_as(const char *body, const char *class)
{
    const char *at = strstr(body, KNOWN_AS);
    return at && strncasecmp(at + strlen(KNOWN_AS), class, strlen(class)) == 0;
}

/* Nothing is lost: all that has no verdict is offered again. */
static int not_found(const struct tw_teacher_setup *setup, const struct tw_net_answer *answer,
                     struct tw_teacher_failure *failure)
{
    if (strstr(answer->body, KNOWN_AS))
        return tw_teacher_fail(
            failure, "down",
            "rspamd at %s cannot look up what it knows: it answers 404 and "
            "\"already learned\" without having looked. Does its Redis run? (With "
            "a learn cache in SQLite it always does so: keep that in Redis)",
            setup->url);
    if (strstr(answer->body, "classifier"))
        return tw_teacher_fail(failure, "refused",
                               "rspamd at %s has no statistics to be taught: its configuration "
                               "needs a classifier",
                               setup->url);
    return tw_teacher_fail(failure, "nonsense",
                           "at %s nothing learns (status 404): url must be the place of rspamd's "
                           "controller, mostly port 11334",
                           setup->url);
}

static int judge(const struct rspamd *r, const struct tw_lesson *lesson,
                 const struct tw_net_answer *answer, struct tw_teacher_failure *failure)
{
    const struct tw_teacher_setup *setup = r->setup;
    const char *class = lesson->spam ? "spam" : "ham";
    switch (answer->status) {
    case 200:
        if (!is_success(answer->body))
            break;
        setup->verdict(setup->context, TW_VERDICT_LEARNED);
        return 0;
    case 204:
    case 400:
        setup->verdict(setup->context, TW_VERDICT_REFUSED);
        return 0;
    case 208:
        if (!is_known_as(answer->body, class))
            break;
        setup->verdict(setup->context, TW_VERDICT_KNOWN);
        return 0;
    case 404:
        return not_found(setup, answer, failure);
    case 401:
    case 403:
        return tw_teacher_fail(failure, "refused",
                               "rspamd at %s refuses the password (status %" PRId64
                               "): password_file "
                               "must hold its enable_password",
                               setup->url, answer->status);
    default:
        break;
    }
    char *words = tw_escape_new(answer->body, TW_ESCAPE_LINE, WORDS_MAX);
    tw_teacher_fail(failure, answer->status >= 500 ? "failed" : "nonsense",
                    "rspamd at %s answers with status %" PRId64 ": %s", setup->url, answer->status,
                    words);
    free(words);
    return -1;
}

static const char *hint_of(const char *code, const char *text)
{
    if (strcmp(code, "down") == 0)
        return " (is it running, and is that its address?)";
    /* libcurl's words for a status that is none, as 1. */
    if (strstr(text, "Unsupported response code"))
        return " (rspamd answers so when it cannot connect to its Redis: does that run?)";
    return "";
}

/* It goes into a header, where a line's end would begin another. */
static bool is_sendable(const char *address)
{
    for (; *address; address++)
        if ((unsigned char)*address < ' ' || *address == 0x7f)
            return false;
    return true;
}

static int rspamd_teach(void *teacher, const struct tw_lesson *lesson,
                        struct tw_teacher_failure *failure)
{
    const struct rspamd *r = teacher;
    const struct tw_teacher_setup *setup = r->setup;
    if (setup->per_user && !is_sendable(lesson->address)) {
        setup->verdict(setup->context, TW_VERDICT_REFUSED);
        return 0;
    }
    const size_t length = strlen(setup->url);
    char *url = tw_format("%s%s%s", setup->url, setup->url[length - 1] == '/' ? "" : "/",
                          lesson->spam ? "learnspam" : "learnham");
    struct tw_net_request post = {.url = url,
                                  .timeout_ms = setup->max_time_ms,
                                  .body = lesson->bytes,
                                  .length = lesson->length};
    struct tw_net_answer answer;
    const char *code;
    struct tw_error e;
    tw_strings_add(&post.headers, "Content-Type: message/rfc822");
    if (setup->password) {
        char *header = tw_format("Password: %s", setup->password);
        tw_strings_add(&post.headers, header);
        free(header);
    }
    if (setup->per_user) {
        char *header = tw_format("Deliver-To: %s", lesson->address);
        tw_strings_add(&post.headers, header);
        free(header);
    }
    int result = tw_net_send(r->net, &post, setup->alive, setup->context, &answer, &code, &e);
    if (result != 0)
        tw_teacher_fail(failure, code, "rspamd's controller at %s: %s%s", setup->url, e.text,
                        hint_of(code, e.text));
    else
        result = judge(r, lesson, &answer, failure);
    free(answer.body);
    tw_strings_free(&post.headers);
    free(url);
    return result;
}

static void rspamd_close(void *teacher)
{
    struct rspamd *r = teacher;
    tw_net_close(&r->net);
    free(r);
}

const struct tw_teacher_kind tw_teacher_rspamd = {
    .name = "rspamd",
    .check = rspamd_check,
    .open = rspamd_open,
    .teach = rspamd_teach,
    .close = rspamd_close,
};
