/* Verbs about incidents: incidents, silence, ack. What is open the daemon tells; the history is
 * read from the state on disk, which needs no daemon. */
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/state.h"
#include "base/units.h"
#include "ctl/ctl.h"
#include "ctl/json.h"
#include "ctl/term.h"
#include "ctl/verbs.h"

enum { HISTORY_S = 90 * 86400 };

/* ---- asking the daemon -------------------------------------------------------------------- */

static const char *doing_of(const struct ctl *ctl)
{
    static const char *const words[][2] = {{"incidents", "list incidents"}, {"ack", "acknowledge"}};
    for (size_t i = 0; i < TW_COUNT(words); i++)
        if (strcmp(ctl->verb->name, words[i][0]) == 0)
            return words[i][1];
    return ctl->end ? "end the silence" : ctl->verb->name;
}

/* Sends the request and gives it back; CTL_OK with an answer, or what went wrong was said. */
static int ask(const struct ctl *ctl, struct tw_buf *request, struct ctl_answer *answer)
{
    struct tw_error e = {""};
    int result = CTL_OK;
    if (ctl_ask(ctl->config, request, answer, &e) != 0) {
        ctl_complain("%s", e.text);
        result = CTL_SYSTEM;
    } else if (answer->code != 0) {
        ctl_complain_cannot(doing_of(ctl), answer->text);
        result = answer->code;
    }
    tw_buf_free(request);
    return result;
}

static int ask_and_say(const struct ctl *ctl, struct tw_buf *request)
{
    struct ctl_answer answer = {0};
    const int result = ask(ctl, request, &answer);
    if (result == CTL_OK) {
        char *text = tw_escape_new(answer.text, TW_ESCAPE_LINE, 0);
        printf("%s\n", text);
        free(text);
    }
    ctl_answer_free(&answer);
    return result;
}

static char *name_of(uid_t uid)
{
    const struct passwd *user = getpwuid(uid);
    return user ? tw_strdup(user->pw_name) : tw_format("uid %ld", (long)uid);
}

/* Who sits there: whoever logged in (proc(5), loginuid), or ran sudo; else as whom we run. */
static char *who_asks(void)
{
    char *text = NULL, *end;
    size_t length;
    long login = -1;
    if (tw_file_read(-1, "/proc/self/loginuid", 64, &text, &length, NULL) == 0)
        login = strtol(text, &end, 10);
    free(text);
    if (login > 0 && login < 4294967295L)
        return name_of((uid_t)login);
    const char *sudo = getenv("SUDO_USER");
    return sudo && *sudo ? tw_strndup(sudo, strnlen(sudo, TW_SILENCE_BY_MAX / 2))
                         : name_of(getuid());
}

/* ---- incidents ---------------------------------------------------------------------------- */

static struct tw_unit_text show_time(int64_t at_s)
{
    return at_s > 0 ? tw_time_show(at_s) : (struct tw_unit_text){"-"};
}

/* ok -> pending -> open -> recovering -> ok, as the manual has it. */
static const char *state_of(const struct tw_control_incident *row)
{
    if (row->closed_s && row->stage != TW_STAGE_CLOSING)
        return "ok";
    switch ((enum tw_stage)row->stage) {
    case TW_STAGE_PENDING:
        return "pending";
    case TW_STAGE_CLOSING:
        return "recovering";
    case TW_STAGE_FLAPPING:
        return "flapping";
    default:
        return "open";
    }
}

static const struct ctl_column of_incidents[] = {{"ID", 6},      {"STATE", 10}, {"LEVEL", 7},
                                                 {"OPENED", 19}, {"LASTED", 9}, {"WHAT", 0}};

static void print_incident(struct ctl_table *table, const struct tw_control_incident *row,
                           int64_t now_s)
{
    const int64_t end_s = row->closed_s ? row->closed_s : now_s;
    const enum ctl_colour colour =
        row->closed_s ? CTL_GREEN : ctl_level_colour((enum tw_level)row->level);
    struct tw_buf text = {0};
    ctl_table_add(table, CTL_PLAIN, "%" PRId64, row->id);
    ctl_table_add(table, colour, "%s", state_of(row));
    ctl_table_add(table, CTL_PLAIN, "%s", tw_level_name((enum tw_level)row->level));
    ctl_table_add(table, CTL_PLAIN, "%s", show_time(row->opened_s).text);
    ctl_table_add(table, CTL_PLAIN, "%s",
                  tw_duration_show(end_s > row->opened_s ? end_s - row->opened_s : 0).text);
    tw_buf_printf(&text, "%s: %s", row->aspect, row->text);
    if (row->opens)
        tw_buf_printf(&text, " [opened %" PRId64 " times]", row->opens);
    if (row->letters == 0)
        tw_buf_printf(&text, " [%s]", row->closed_s ? "came and went" : "not mailed");
    if (row->silenced_until_s)
        tw_buf_printf(&text, " [silenced until %s]", show_time(row->silenced_until_s).text);
    if (row->escalated_s)
        tw_buf_puts(&text, " [escalated]");
    if (row->acked_s)
        tw_buf_printf(&text, " [acknowledged by %s%s%s]", row->acked_by, *row->note ? ": " : "",
                      row->note);
    ctl_table_add(table, CTL_PLAIN, "%s", tw_buf_text(&text));
    ctl_table_row(table);
    tw_buf_free(&text);
}

static void put_text(struct tw_buf *out, const char *key, const char *text)
{
    ctl_json_text(out, key, text ? text : "");
}

static void put_incident(struct tw_buf *out, const struct tw_control_incident *row)
{
    tw_buf_puts(out, "{");
    ctl_json_number(out, "id", row->id);
    put_text(out, "aspect", row->aspect);
    put_text(out, "state", state_of(row));
    put_text(out, "level", tw_level_name((enum tw_level)row->level));
    ctl_json_time(out, "opened", row->opened_s);
    ctl_json_time(out, "closed", row->closed_s);
    put_text(out, "text", row->text);
    ctl_json_number(out, "letters", row->letters);
    ctl_json_number(out, "opens", row->opens);
    ctl_json_time(out, "escalated", row->escalated_s);
    ctl_json_time(out, "silenced_until", row->silenced_until_s);
    ctl_json_time(out, "acknowledged", row->acked_s);
    put_text(out, "acknowledged_by", row->acked_by);
    put_text(out, "note", row->note);
    tw_buf_puts(out, "}");
}

struct history {
    int64_t since_s;
    bool open_too;
    struct tw_control_incident *items, *open;
    size_t count, open_count;
    struct tw_buf trouble;
};

static void take_incident(void *context, const struct tw_state_incident *row)
{
    struct history *history = context;
    const bool wanted = row->closed_s ? row->closed_s >= history->since_s : history->open_too;
    if (!wanted || row->level < 0 || row->level > TW_LEVEL_UNKNOWN)
        return;
    struct tw_control_incident **list = row->closed_s ? &history->items : &history->open;
    size_t *count = row->closed_s ? &history->count : &history->open_count;
    /* Grown at powers of two. */
    if ((*count & (*count - 1)) == 0)
        *list = tw_realloc_array(*list, *count ? *count * 2 : 1, sizeof **list);
    (*list)[(*count)++] =
        (struct tw_control_incident){.id = row->id,
                                     .level = row->level,
                                     .stage = row->closed_s ? TW_STAGE_QUIET : TW_STAGE_OPEN,
                                     .opened_s = row->opened_s,
                                     .closed_s = row->closed_s,
                                     .letters = row->letters,
                                     .opens = row->opens,
                                     .escalated_s = row->escalated_s,
                                     .acked_s = row->acked_s,
                                     .aspect = tw_strdup(row->aspect),
                                     .text = tw_strdup(row->text),
                                     .acked_by = tw_strdup(row->acked_by),
                                     .note = tw_strdup(row->note)};
}

static void take_trouble(void *context, const char *text)
{
    struct history *history = context;
    tw_buf_printf(&history->trouble, "%s%s", history->trouble.len ? "; " : "", text);
}

static int read_history(const struct ctl *ctl, struct history *history)
{
    const struct tw_state_reader reader = {
        .incident = take_incident, .trouble = take_trouble, .context = history};
    struct tw_state *state = tw_state_open(ctl->config->state_dir, true, &reader);
    tw_state_close(&state, 0);
    if (history->trouble.len == 0)
        return CTL_OK;
    ctl_complain("cannot read the history: %s", tw_buf_text(&history->trouble));
    return CTL_SYSTEM;
}

static void free_rows(struct tw_control_incident *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(rows[i].aspect);
        free(rows[i].text);
        free(rows[i].acked_by);
        free(rows[i].note);
    }
    free(rows);
}

static void free_history(struct history *history)
{
    free_rows(history->items, history->count);
    free_rows(history->open, history->open_count);
    tw_buf_free(&history->trouble);
}

static void put_list(struct tw_buf *out, const char *key, const struct tw_control_incident *items,
                     size_t count)
{
    tw_buf_printf(out, "\"%s\": [", key);
    for (size_t i = 0; i < count; i++) {
        tw_buf_puts(out, i ? ",\n " : "\n ");
        put_incident(out, &items[i]);
    }
    tw_buf_puts(out, "]");
}

static void print_lists(const struct ctl *ctl, const struct ctl_answer *answer,
                        const struct history *history)
{
    const int64_t now_s = time(NULL);
    const struct tw_control_incident *open = history->open_too ? history->open : answer->incidents;
    const size_t open_count = history->open_too ? history->open_count : answer->incident_count;
    if (ctl->json) {
        struct tw_buf out = {0};
        tw_buf_puts(&out, "{");
        put_list(&out, "incidents", open, open_count);
        if (ctl->all) {
            tw_buf_puts(&out, ",\n");
            put_list(&out, "history", history->items, history->count);
        }
        tw_buf_puts(&out, "}\n");
        fwrite(out.data, 1, out.len, stdout);
        tw_buf_free(&out);
        return;
    }
    struct ctl_table table;
    ctl_table_begin(&table, of_incidents, TW_COUNT(of_incidents));
    if (open_count + history->count)
        ctl_table_titles(&table);
    for (size_t i = 0; i < history->count; i++)
        print_incident(&table, &history->items[i], now_s);
    for (size_t i = 0; i < open_count; i++)
        print_incident(&table, &open[i], now_s);
    ctl_table_end(&table);
    printf("%zu open incident%s", open_count, open_count == 1 ? "" : "s");
    if (ctl->all)
        printf(", %zu in the last 90 days that are over", history->count);
    printf("\n");
}

static int by_id(const void *a, const void *b)
{
    const struct tw_control_incident *x = a, *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

int ctl_incidents(const struct ctl *ctl)
{
    struct tw_buf request = {0};
    struct ctl_answer answer = {0};
    struct history history = {.since_s = time(NULL) - HISTORY_S};
    struct tw_frame_writer w = tw_frame_begin(&request, TW_CONTROL_INCIDENTS);
    tw_frame_end(&w);
    int result = ask(ctl, &request, &answer);
    history.open_too = result == CTL_SYSTEM; /* as the daemon left them */
    if (ctl->all && (result == CTL_OK || result == CTL_SYSTEM))
        result = read_history(ctl, &history);
    if (result == CTL_OK) {
        if (answer.incident_count)
            qsort(answer.incidents, answer.incident_count, sizeof *answer.incidents, by_id);
        print_lists(ctl, &answer, &history);
        result = history.open_too ? CTL_SYSTEM : answer.incident_count ? CTL_FAILED : CTL_OK;
    }
    free_history(&history);
    ctl_answer_free(&answer);
    return result;
}

/* ---- silence ------------------------------------------------------------------------------ */

static void print_silences(const struct ctl *ctl, const struct ctl_answer *answer)
{
    static const struct ctl_column columns[] = {{.width = 4}, {.width = 30}, {0}, {0}};
    struct ctl_table table;
    struct tw_buf out = {0};
    ctl_table_begin(&table, columns, TW_COUNT(columns));
    tw_buf_puts(&out, "[");
    for (size_t i = 0; i < answer->silence_count; i++) {
        const struct ctl_silence *row = &answer->silences[i];
        tw_buf_puts(&out, i ? ",\n {" : "\n {");
        ctl_json_number(&out, "id", row->id);
        put_text(&out, "pattern", row->pattern);
        ctl_json_time(&out, "from", row->from_s);
        ctl_json_time(&out, "until", row->until_s);
        put_text(&out, "by", row->by);
        put_text(&out, "note", row->note);
        tw_buf_puts(&out, "}");
        if (!ctl->json) {
            ctl_table_add(&table, CTL_PLAIN, "%" PRId64, row->id);
            ctl_table_add(&table, CTL_PLAIN, "%s", row->pattern);
            ctl_table_add(&table, CTL_PLAIN, "until %s", show_time(row->until_s).text);
            ctl_table_add(&table, CTL_PLAIN, "by %s%s%s", row->by, *row->note ? ": " : "",
                          row->note);
            ctl_table_row(&table);
        }
    }
    ctl_table_end(&table);
    tw_buf_puts(&out, "]\n");
    if (ctl->json)
        fputs(tw_buf_text(&out), stdout);
    else if (answer->silence_count == 0)
        printf("nothing is silenced\n");
    tw_buf_free(&out);
}

static int list_silences(const struct ctl *ctl)
{
    struct tw_buf request = {0};
    struct ctl_answer answer = {0};
    struct tw_frame_writer w = tw_frame_begin(&request, TW_CONTROL_INCIDENTS);
    tw_frame_end(&w);
    const int result = ask(ctl, &request, &answer);
    if (result == CTL_OK)
        print_silences(ctl, &answer);
    ctl_answer_free(&answer);
    return result;
}

static int end_silence(const struct ctl *ctl)
{
    struct tw_buf request = {0};
    if (!ctl->arguments[0] || ctl->arguments[1])
        return ctl_misuse(ctl, "end which silence? For example: toasterctl silence --end 3");
    char *by = who_asks();
    struct tw_frame_writer w = tw_frame_begin(&request, TW_CONTROL_UNSILENCE);
    tw_frame_put_text(&w, ctl->arguments[0]);
    tw_frame_put_text(&w, by);
    tw_frame_end(&w);
    free(by);
    return ask_and_say(ctl, &request);
}

static int check_length(const struct ctl *ctl, const char *what, const char *text, size_t max)
{
    if (strlen(text) <= max)
        return 0;
    ctl_complain("cannot %s: %s has at most %zu bytes", doing_of(ctl), what, max);
    return -1;
}

int ctl_silence(const struct ctl *ctl)
{
    char *const *arguments = ctl->arguments;
    struct tw_buf request = {0};
    struct tw_error e;
    int64_t length_s = 0;
    if (ctl->end)
        return end_silence(ctl);
    if (!arguments[0])
        return list_silences(ctl);
    if (!arguments[1] || (arguments[2] && arguments[3]))
        return ctl_misuse(ctl, "silence what, and for how long? For example: "
                               "toasterctl silence 'service.*' 2h \"upgrade\"");
    if (tw_duration_parse(arguments[1], &length_s, &e) != 0) {
        ctl_complain_cannot("silence", e.text);
        return CTL_USAGE;
    }
    if (length_s <= 0) {
        ctl_complain(
            "cannot silence for \"%s\": a silence lasts a while, and ends: write \"2h\" or "
            "\"3d\"",
            arguments[1]);
        return CTL_USAGE;
    }
    const char *note = arguments[2] ? arguments[2] : "";
    if (check_length(ctl, "a pattern", arguments[0], TW_SILENCE_PATTERN_MAX) != 0 ||
        check_length(ctl, "a note", note, TW_SILENCE_NOTE_MAX) != 0)
        return CTL_USAGE;
    char *by = who_asks();
    struct tw_frame_writer w = tw_frame_begin(&request, TW_CONTROL_SILENCE);
    tw_frame_put_text(&w, arguments[0]);
    tw_frame_put_number(&w, length_s);
    tw_frame_put_text(&w, by);
    tw_frame_put_text(&w, note);
    tw_frame_end(&w);
    free(by);
    return ask_and_say(ctl, &request);
}

/* ---- ack ---------------------------------------------------------------------------------- */

int ctl_ack(const struct ctl *ctl)
{
    char *const *arguments = ctl->arguments;
    struct tw_buf request = {0};
    if (!arguments[0] || (arguments[1] && arguments[2]))
        return ctl_misuse(
            ctl, "acknowledge what? For example: toasterctl ack 17 \"the disk is ordered\"");
    const char *note = arguments[1] ? arguments[1] : "";
    if (check_length(ctl, "an incident's number", arguments[0], TW_CONTROL_NAME_MAX) != 0 ||
        check_length(ctl, "a note", note, TW_SILENCE_NOTE_MAX) != 0)
        return CTL_USAGE;
    char *by = who_asks();
    struct tw_frame_writer w = tw_frame_begin(&request, TW_CONTROL_ACK);
    tw_frame_put_text(&w, arguments[0]);
    tw_frame_put_text(&w, by);
    tw_frame_put_text(&w, note);
    tw_frame_end(&w);
    free(by);
    return ask_and_say(ctl, &request);
}
