/* Problems of a task. */
#include "kinds/problems.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { TEXTS_KEPT = 5, SORTS_MAX = 64 };

void tw_problems_add(struct tw_problems *problems, const char *code, const char *text, int64_t more)
{
    size_t i = 0;
    while (i < problems->count && strcmp(problems->sorts[i].code, code) != 0)
        i++;
    if (i == problems->count && i == SORTS_MAX)
        return;
    if (i == problems->count) {
        problems->sorts = tw_realloc_array(problems->sorts, i + 1, sizeof *problems->sorts);
        problems->sorts[problems->count++] = (struct tw_problem_sort){.code = tw_strdup(code)};
    }
    problems->sorts[i].count += 1 + more;
    if (problems->sorts[i].texts.count < TEXTS_KEPT)
        tw_strings_add(&problems->sorts[i].texts, text);
}

void tw_problems_tell(void *problems, const char *code, const char *text)
{
    tw_problems_add(problems, code, text, 0);
}

void tw_problems_free(struct tw_problems *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        free(problems->sorts[i].code);
        tw_strings_free(&problems->sorts[i].texts);
    }
    free(problems->sorts);
    *problems = (struct tw_problems){0};
}

int64_t tw_problems_total(const struct tw_problems *problems)
{
    int64_t total = 0;
    for (size_t i = 0; i < problems->count; i++)
        total += problems->sorts[i].count;
    return total;
}

/* ---- frames ------------------------------------------------------------------------------- */

void tw_problem_put(struct tw_buf *out, uint8_t type, const char *code, const char *text,
                    int64_t more)
{
    struct tw_frame_writer w = tw_frame_begin(out, type);
    tw_frame_put_text(&w, code);
    tw_frame_put_bytes(&w, text, strnlen(text, TW_PROBLEM_TEXT_MAX));
    tw_frame_put_number(&w, more);
    tw_frame_end(&w);
}

void tw_problems_put(struct tw_buf *out, uint8_t type, const struct tw_problems *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        const struct tw_problem_sort *sort = &problems->sorts[i];
        tw_problem_put(out, type, sort->code, sort->texts.items[0], sort->count - 1);
    }
}

int tw_problem_take(struct tw_problems *problems, struct tw_frame *frame)
{
    char *code = tw_frame_text(frame, TW_PROBLEM_CODE_MAX);
    char *text = tw_frame_text(frame, TW_PROBLEM_TEXT_MAX);
    const int64_t before = tw_problems_total(problems);
    int64_t total = before;
    tw_frame_add_count(frame, &total);
    const bool good = tw_frame_done(frame);
    if (good)
        tw_problems_add(problems, code, text, total - before);
    free(code);
    free(text);
    return good ? 0 : -1;
}

/* ---- findings ----------------------------------------------------------------------------- */

static const struct tw_problem_sort *find(const struct tw_problems *problems, const char *code)
{
    for (size_t i = 0; i < problems->count; i++)
        if (strcmp(problems->sorts[i].code, code) == 0)
            return &problems->sorts[i];
    return NULL;
}

static void keep_texts(const struct tw_problem_sort *sort, const char *aspect,
                       struct tw_strings *lines)
{
    for (size_t i = 0; i < sort->texts.count; i++) {
        char *line = tw_format("%s %s", aspect, sort->texts.items[i]);
        tw_strings_add(lines, line);
        free(line);
    }
}

void tw_problems_report(const struct tw_run *run, const struct tw_problems *problems,
                        const struct tw_problem_rule *rules, size_t rule_count, const char *aspect,
                        const char *well, struct tw_strings *lines)
{
    struct tw_buf text = {0};
    const char *code = "ok";
    enum tw_level level = TW_LEVEL_OK;
    int64_t others = 0;
    for (size_t i = 0; i < rule_count; i++) {
        const struct tw_problem_sort *sort = find(problems, rules[i].code);
        if (!sort || strcmp(rules[i].aspect, aspect) != 0)
            continue;
        keep_texts(sort, aspect, lines);
        if (level == TW_LEVEL_OK || (level == TW_LEVEL_WARN && rules[i].level == TW_LEVEL_FAIL)) {
            others += level != TW_LEVEL_OK;
            level = rules[i].level;
            code = rules[i].code;
            tw_buf_clear(&text);
            tw_buf_puts(&text, sort->texts.items[0]);
            others += sort->count - 1;
        } else {
            others += sort->count;
        }
    }
    if (others)
        tw_buf_printf(&text, " (and %" PRId64 " more)", others);
    tw_report(run, level, aspect, code, "%s", level == TW_LEVEL_OK ? well : tw_buf_text(&text));
    tw_buf_free(&text);
}

static const struct tw_problem_rule of_mailboxes[] = {
    {"no-assign", "mailboxes", TW_LEVEL_FAIL},   {"no-domain", "mailboxes", TW_LEVEL_FAIL},
    {"no-users", "mailboxes", TW_LEVEL_FAIL},    {"cannot-open", "mailboxes", TW_LEVEL_FAIL},
    {"cannot-look", "mailboxes", TW_LEVEL_FAIL}, {"bad-assign", "mailboxes", TW_LEVEL_WARN},
    {"bad-user", "mailboxes", TW_LEVEL_WARN},    {"root-domain", "mailboxes", TW_LEVEL_WARN},
    {"refused-uid", "mailboxes", TW_LEVEL_WARN}, {"shared", "mailboxes", TW_LEVEL_WARN},
    {"too-many", "mailboxes", TW_LEVEL_WARN},    {"missing", "mailboxes", TW_LEVEL_WARN},
    {"link", "mailboxes", TW_LEVEL_WARN},        {"no-maildir", "mailboxes", TW_LEVEL_WARN},
};

void tw_problems_report_mailboxes(const struct tw_run *run, const struct tw_problems *problems,
                                  struct tw_strings *lines)
{
    tw_problems_report(run, problems, of_mailboxes, TW_COUNT(of_mailboxes), "mailboxes",
                       "all are where they should be", lines);
}

void tw_report_mailboxes(const struct tw_run *run, const struct tw_mailbox_tally *tally,
                         const char *summary)
{
    const struct tw_sources *sources = run->places->sources;
    if (!sources->vpopmail && sources->glob.count == 0 && !sources->passwd)
        tw_report(run, TW_LEVEL_FAIL, "", "no-sources",
                  "the section mailboxes of the configuration names no source of mailboxes");
    else if (tally->mailboxes == 0 && tally->cut)
        tw_report(run, TW_LEVEL_WARN, "", "no-time",
                  "the window ended before any mailbox was looked at");
    else if (tally->mailboxes == 0 && tally->prevented)
        tw_report(run, TW_LEVEL_NONE, "", "none", "nothing was looked at");
    else if (tally->mailboxes == 0)
        tw_report(run, TW_LEVEL_FAIL, "", "no-mailboxes", "there is no mailbox at all");
    else if (tally->missing == tally->mailboxes)
        tw_report(run, TW_LEVEL_FAIL, "", "no-mailboxes",
                  "none of %" PRId64 " mailboxes is where it should be", tally->mailboxes);
    else
        tw_report(run, TW_LEVEL_OK, "", "ok", "%s", summary);
}
