/* The header lines that name incidents. */
#include "alert/told.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alert/message.h"
#include "base/escape.h"
#include "base/mem.h"

#define DETAIL "X-Toaster-Watcher-Incident"
#define ALL "X-Toaster-Watcher-Told"

enum {
    TEXT_MAX = 300,
    NAME_MAX = 300,
    LINE_COLUMNS = 70,
    SET_MAX = 64 * 1024,
    SPAN_MAX = 1000000,
    COPIED_MAX = 64 * 1024
};

const char *tw_told_name(enum tw_told_state state)
{
    static const char *const names[TW_TOLD_STATES] = {"failed", "flapping", "recovered",
                                                      "reminder"};
    return names[state];
}

static enum tw_told_state state_of(const struct tw_letter_entry *entry)
{
    if (entry->recovered)
        return TW_TOLD_RECOVERED;
    if (entry->reminder)
        return TW_TOLD_REMINDER;
    return entry->flapping ? TW_TOLD_FLAPPING : TW_TOLD_FAILED;
}

/* ---- writing ------------------------------------------------------------------------------ */

static void add_detail(struct tw_buf *out, const struct tw_letter_entry *entry)
{
    tw_buf_printf(
        out, DETAIL ": %" PRId64 " %s %s %" PRId64 " %" PRId64 "\n ", entry->id,
        tw_told_name(state_of(entry)),
        tw_level_name(entry->level == TW_LEVEL_UNKNOWN ? TW_LEVEL_UNKNOWN : TW_LEVEL_FAIL),
        entry->opened_s, entry->closed_s);
    tw_escape(out, entry->aspect, strlen(entry->aspect), TW_ESCAPE_ASCII, NAME_MAX);
    const char *text = entry->text + strspn(entry->text, " \t");
    if (*text) {
        tw_buf_puts(out, "\n ");
        tw_escape(out, text, strlen(text), TW_ESCAPE_ASCII, TEXT_MAX);
    }
    tw_buf_puts(out, "\n");
}

static int by_number(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* Numbers that follow each other are one span; lines are folded. */
static void add_set(struct tw_buf *out, enum tw_told_state state, int64_t *ids, size_t count)
{
    qsort(ids, count, sizeof *ids, by_number);
    const size_t start = out->len;
    size_t line = start;
    tw_buf_printf(out, ALL ": %s ", tw_told_name(state));
    for (size_t i = 0, next; i < count && out->len - start < SET_MAX; i = next) {
        for (next = i + 1; next < count && ids[next] <= ids[next - 1] + 1;)
            next++;
        if (out->len - line > LINE_COLUMNS) {
            tw_buf_puts(out, "\n ");
            line = out->len;
        }
        tw_buf_printf(out, "%" PRId64, ids[i]);
        if (ids[next - 1] > ids[i])
            tw_buf_printf(out, "-%" PRId64, ids[next - 1]);
        tw_buf_puts(out, next < count ? "," : "");
    }
    tw_buf_puts(out, "\n");
}

void tw_told_write(const struct tw_letter *letter, struct tw_buf *out)
{
    int64_t *ids = tw_alloc((letter->entry_count + 1) * sizeof *ids);
    for (size_t i = 0, shown = 0; i < letter->entry_count && shown < TW_TOLD_DETAILED; i++) {
        if (letter->entries[i].id <= 0)
            continue;
        add_detail(out, &letter->entries[i]);
        shown++;
    }
    for (int state = 0; state < TW_TOLD_STATES; state++) {
        size_t count = 0;
        for (size_t i = 0; i < letter->entry_count; i++)
            if (letter->entries[i].id > 0 && (int)state_of(&letter->entries[i]) == state)
                ids[count++] = letter->entries[i].id;
        if (count)
            add_set(out, (enum tw_told_state)state, ids, count);
    }
    free(ids);
}

struct copy {
    struct tw_buf *out;
    const char *name;
    size_t *left; /* NULL: no bound */
};

static void copy_header(void *context, const char *value)
{
    const struct copy *copy = context;
    if (copy->left && *copy->left == 0)
        return;
    if (copy->left)
        (*copy->left)--;
    tw_buf_printf(copy->out, "%s:", copy->name);
    size_t column = 0;
    for (const char *at = value; *at;) { /* folded anew, at blanks and commas */
        const char *ends = copy->left ? " " : " ,";
        size_t word = strcspn(at, ends) + (at[strcspn(at, ends)] == ',');
        if (column + word > LINE_COLUMNS || column == 0) {
            at += strspn(at, " ");
            if (!*at)
                break;
            word = strcspn(at, ends) + (at[strcspn(at, ends)] == ',');
            tw_buf_puts(copy->out, column ? "\n " : " ");
            column = 0;
        } else if (at[-1] == ' ') {
            tw_buf_puts(copy->out, " ");
        }
        tw_buf_add(copy->out, at, word);
        column += word + 1;
        at += word + (at[word] == ' ');
    }
    tw_buf_puts(copy->out, "\n");
}

void tw_told_copy(const char *text, size_t length, size_t *detailed, struct tw_buf *out)
{
    size_t left = *detailed < TW_TOLD_DETAILED ? TW_TOLD_DETAILED - *detailed : 0;
    const size_t before = left;
    struct copy copy = {out, DETAIL, &left};
    tw_message_each_header(text, length, DETAIL, copy_header, &copy);
    *detailed += before - left;
    if (out->len > COPIED_MAX)
        return; /* whoever reads so many needs no more of them */
    copy = (struct copy){out, ALL, NULL};
    tw_message_each_header(text, length, ALL, copy_header, &copy);
}

/* ---- reading ------------------------------------------------------------------------------ */

static bool find_state(const char *word, size_t length, enum tw_told_state *state)
{
    for (int i = 0; i < TW_TOLD_STATES; i++) {
        const char *name = tw_told_name((enum tw_told_state)i);
        if (strlen(name) == length && strncmp(name, word, length) == 0) {
            *state = (enum tw_told_state)i;
            return true;
        }
    }
    return false;
}

struct reading {
    void (*told)(void *context, const struct tw_told *told);
    void (*span)(void *context, enum tw_told_state state, int64_t first, int64_t last);
    void *context;
    size_t count;
};

/* The next word, cut off; "" at the end. */
static char *take_word(char **at)
{
    char *word = *at + strspn(*at, " ");
    *at = word + strcspn(word, " ");
    if (**at)
        *(*at)++ = '\0';
    return word;
}

static int64_t number(const char *word)
{
    char *end;
    const int64_t n = strtoll(word, &end, 10);
    return end != word && !*end && n < INT64_MAX ? n : -1;
}

static void read_detail(void *context, const char *value)
{
    struct reading *reading = context;
    char *copy = tw_strdup(value), *at = copy;
    struct tw_told told = {.id = number(take_word(&at))};
    const char *state = take_word(&at), *level = take_word(&at);
    told.opened_s = number(take_word(&at));
    told.closed_s = number(take_word(&at));
    told.aspect = take_word(&at);
    told.text = at;
    told.level = strcmp(level, "unknown") == 0 ? TW_LEVEL_UNKNOWN : TW_LEVEL_FAIL;
    const bool known = strcmp(level, "fail") == 0 || strcmp(level, "unknown") == 0;
    if (known && told.id > 0 && told.opened_s >= 0 && told.closed_s >= 0 && *told.aspect &&
        find_state(state, strlen(state), &told.state)) {
        reading->count++;
        reading->told(reading->context, &told);
    }
    free(copy);
}

size_t tw_told_each(const char *text, size_t length,
                    void (*each)(void *context, const struct tw_told *told), void *context)
{
    struct reading reading = {.told = each, .context = context};
    tw_message_each_header(text, length, DETAIL, read_detail, &reading);
    return reading.count;
}

static void read_set(void *context, const char *value)
{
    struct reading *reading = context;
    enum tw_told_state state;
    const size_t word = strcspn(value, " ");
    if (!find_state(value, word, &state))
        return;
    for (const char *at = value + word; *at;) {
        char *end;
        const int64_t first = strtoll(at, &end, 10);
        const int64_t last = *end == '-' ? strtoll(end + 1, &end, 10) : first;
        if (end == at || first <= 0 || last < first || last - first > SPAN_MAX)
            return;
        reading->count += (size_t)(last - first) + 1;
        if (reading->span)
            reading->span(reading->context, state, first, last);
        at = end + strspn(end, ", ");
        if (at == end && *at)
            return;
    }
}

size_t tw_told_ids(const char *text, size_t length,
                   void (*each)(void *context, enum tw_told_state state, int64_t first,
                                int64_t last),
                   void *context)
{
    struct reading reading = {.span = each, .context = context};
    tw_message_each_header(text, length, ALL, read_set, &reading);
    return reading.count;
}
