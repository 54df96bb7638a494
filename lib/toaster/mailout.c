/* One message on its way out. Knows the rights that it is done with and what the ends of programs
 * and the words of toaster-net mean; how it is done is handover.c's. */
#include "toaster/mailout.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/net.h"
#include "base/priv.h"
#include "base/url.h"
#include "toaster/handover.h"

enum {
    ADDRESS_MAX = 254, /* RFC 5321, 4.5.3.1.3, without < > */
    ALIVE_MS = 1000,
    SPARE = 16, /* signs of life while toaster-net is late */
    ANSWER_MAX = sizeof(struct tw_error) + 1,
    BAD_MESSAGE = 100, /* qmail's ends */
    TRY_LATER = 111,
    TEMP_FAIL = 75, /* sendmail's, of sysexits.h */
};

struct errand {
    const struct tw_mailout *mailout;
    const char *text;
    size_t length;
    int fd; /* in the child: to the parent */
    int64_t told_ms;
};

/* ---- in the child ------------------------------------------------------------------------- */

static enum tw_mailout_result by_program(const struct errand *errand, const struct tw_strings *to,
                                         struct tw_error *e)
{
    const struct tw_mailout *mailout = errand->mailout;
    const char *option = mailout->way == TW_MAILOUT_SENDMAIL ? "-i" : "-a";
    int code;
    if (tw_handover_program(mailout->place, option, to, errand->text, errand->length, &code, e) ==
        0)
        return TW_MAILOUT_TAKEN;
    if (code == BAD_MESSAGE)
        return TW_MAILOUT_REFUSED;
    return code == TRY_LATER || (code == TEMP_FAIL && mailout->way == TW_MAILOUT_SENDMAIL)
               ? TW_MAILOUT_PUT_OFF
               : TW_MAILOUT_FAILED;
}

/* Of "<ADDRESS>: WHY" the reason: there is one address only. */
static void keep_reason(const char *address, struct tw_error *e)
{
    const size_t length = strlen(address);
    if (e->text[0] == '<' && strncmp(e->text + 1, address, length) == 0 &&
        strncmp(e->text + 1 + length, ">: ", 3) == 0)
        tw_fail(e, "%s", e->text + 1 + length + 3);
}

/* A dot, which the parent passes over. */
static void say_alive(void *context)
{
    struct errand *errand = context;
    const int64_t now_ms = tw_clock_ms();
    if (!errand->mailout->alive || now_ms - errand->told_ms < ALIVE_MS)
        return;
    errand->told_ms = now_ms;
    (void)tw_write_all(errand->fd, ".", 1);
}

static enum tw_mailout_result by_smtp(struct errand *errand, const struct tw_strings *to,
                                      struct tw_error *e)
{
    const struct tw_mailout *mailout = errand->mailout;
    struct tw_buf body = {0};
    struct tw_net_answer answer = {0};
    const char *code = "";
    /* A little less than we have, so that it can still say what it was waiting for. */
    struct tw_net_request request = {.url = mailout->place,
                                     .timeout_ms = mailout->timeout_ms - mailout->timeout_ms / 10};
    struct tw_net *net = tw_net_open(e);
    if (!net)
        return TW_MAILOUT_FAILED;
    tw_handover_mail(&request, to, mailout->hello, errand->text, errand->length, &body);
    enum tw_mailout_result result = TW_MAILOUT_TAKEN;
    if (tw_net_send(net, &request, say_alive, errand, &answer, &code, e) != 0) {
        keep_reason(mailout->to, e);
        result = strcmp(code, "rejected") == 0  ? TW_MAILOUT_REFUSED
                 : strcmp(code, "refused") == 0 ? TW_MAILOUT_UNWELCOME
                 : strcmp(code, "later") == 0   ? TW_MAILOUT_PUT_OFF
                                                : TW_MAILOUT_FAILED;
    }
    tw_net_close(&net);
    free(answer.body);
    tw_strings_free(&request.headers);
    tw_buf_free(&body);
    return result;
}

/* Answers with the result as a byte and the error's text. */
static int work(void *context, int fd, struct tw_error *e)
{
    struct errand *errand = context;
    errand->fd = fd;
    struct tw_strings to = {0};
    struct tw_buf answer = {0};
    struct tw_error why = {""};
    tw_strings_add(&to, errand->mailout->to);
    const char result =
        (char)(errand->mailout->way == TW_MAILOUT_SMTP ? by_smtp(errand, &to, &why)
                                                       : by_program(errand, &to, &why));
    tw_buf_add(&answer, &result, 1);
    tw_buf_puts(&answer, why.text);
    const int written = tw_write_all(fd, answer.data, answer.len);
    tw_buf_free(&answer);
    tw_strings_free(&to);
    return written == 0 ? 0 : tw_fail_errno(e, "cannot write to a pipe");
}

/* ---- who asks ----------------------------------------------------------------------------- */

/* Dots, the result, and why if it is not TAKEN. -1: nonsense. */
static int read_answer(const char *text, size_t length, enum tw_mailout_result *result,
                       struct tw_error *e)
{
    size_t at = 0;
    while (at < length && text[at] == '.')
        at++;
    if (at == length || text[at] < TW_MAILOUT_TAKEN || text[at] > TW_MAILOUT_UNWELCOME)
        return -1;
    *result = (enum tw_mailout_result)text[at];
    if (*result != TW_MAILOUT_TAKEN)
        tw_fail(e, "%s", text + at + 1);
    return 0;
}

enum tw_mailout_result tw_mailout_send(const struct tw_mailout *mailout, const char *text,
                                       size_t length, struct tw_error *e)
{
    struct errand errand = {.mailout = mailout, .text = text, .length = length};
    struct tw_priv_task task = {.stay = mailout->way != TW_MAILOUT_SMTP || geteuid() != 0,
                                .work = work,
                                .context = &errand,
                                .max =
                                    ANSWER_MAX + SPARE + (size_t)(mailout->timeout_ms / ALIVE_MS),
                                .timeout_ms = mailout->timeout_ms,
                                .beat = mailout->alive,
                                .beat_context = mailout->context};
    enum tw_mailout_result result = TW_MAILOUT_FAILED;
    char *answer = NULL;
    size_t answered = 0;
    struct tw_error why;
    if (tw_mailout_check_address(mailout->to, e) != 0)
        return TW_MAILOUT_FAILED;
    tw_priv_nobody(&task.uid, &task.gid);
    if (tw_priv_run(&task, &answer, &answered, &why) != 0) {
        tw_fail(e, "cannot hand it to %s: %s", mailout->place, why.text);
    } else if (read_answer(answer, answered, &result, e) != 0) {
        tw_fail(e, "cannot hand it to %s: a child speaks nonsense", mailout->place);
    }
    free(answer);
    return result;
}

int tw_mailout_check_address(const char *address, struct tw_error *e)
{
    const char *at = strchr(address, '@');
    const size_t length = strlen(address);
    bool good = at && at != address && at[1] && !strchr(at + 1, '@') && address[0] != '-';
    for (const char *c = address; *c; c++)
        if (*c <= 0x20 || *c >= 0x7f || strchr("<>(),;:\\\"[]", *c))
            good = false;
    if (length > ADDRESS_MAX)
        return tw_fail(e, "an address of %zu bytes: no more than %d may be", length, ADDRESS_MAX);
    return good ? 0 : tw_fail(e, "\"%s\" is no address: write user@domain", address);
}

char *tw_mailout_url(const char *text, struct tw_error *e)
{
    static const char *const schemes[] = {"smtp://", "smtps://", NULL};
    char *host = NULL, *shown = NULL;
    char *url = strstr(text, "://") ? tw_strdup(text) : tw_format("smtp://%s", text);
    const char *rest = strstr(url, "://") + 3;
    int result = tw_url_parse(url, schemes, &host, &shown, e);
    if (result == 0 && rest[strcspn(rest, "/?#")])
        result = -1;
    /* What stands before an "@" may be a password. */
    const char *at = strrchr(text, '@');
    if (result != 0)
        tw_fail(e, "\"%s%.200s\" is no server: write HOST or HOST:PORT", at ? "..." : "",
                at ? at : text);
    free(host);
    free(shown);
    if (result == 0)
        return url;
    free(url);
    return NULL;
}
