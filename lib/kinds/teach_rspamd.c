/* The backend `rspamd`: a POST to its controller for each message, through toaster-net.
 *
 * Learned: 200 and {"success":true}. Known already: 208, and 404 with older ones, with "already
 * learned as" the class that is taught. What it knows as the other class it unlearns by itself, and
 * answers 200. 204 says that it wants nothing of this message (too few words, a condition), as 400
 * does of one that it cannot read. Seen with rspamd 3.4. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/net.h"
#include "kinds/teacher.h"

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
    static const char words[] = "already learned as ";
    const char *at = strstr(body, words);
    return at && strncasecmp(at + strlen(words), class, strlen(class)) == 0;
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
    case 404:
        if (!is_known_as(answer->body, class))
            break;
        setup->verdict(setup->context, TW_VERDICT_KNOWN);
        return 0;
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

static int rspamd_teach(void *teacher, const struct tw_lesson *lesson,
                        struct tw_teacher_failure *failure)
{
    const struct rspamd *r = teacher;
    const struct tw_teacher_setup *setup = r->setup;
    const size_t length = strlen(setup->url);
    char *url = tw_format("%s%s%s", setup->url, setup->url[length - 1] == '/' ? "" : "/",
                          lesson->spam ? "learnspam" : "learnham");
    struct tw_net_post post = {.url = url,
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
                        strcmp(code, "down") == 0 ? " (is it running, and is that its address?)"
                                                  : "");
    else
        result = judge(r, lesson, &answer, failure);
    free(answer.body);
    tw_strings_free(&post.headers);
    free(url);
    return result;
}

static int rspamd_flush(void *teacher, struct tw_teacher_failure *failure)
{
    (void)teacher, (void)failure; /* each message has its verdict already */
    return 0;
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
    .flush = rspamd_flush,
    .close = rspamd_close,
};
