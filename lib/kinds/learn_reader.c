/* A learn run with one owner's rights.
 *
 * Mailboxes are looked into one after another, and what they offer is gathered to a batch. Then the
 * directories that hold something of it are read once more, and each message is opened and handed
 * over by its descriptor. A message is marked in the ledger when the filter has confirmed it, and
 * the ledgers of a batch are written when all of it is: whatever dies in between, what was not
 * confirmed is offered again. */
#include "kinds/learn_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/gentle.h"
#include "base/mem.h"
#include "kinds/learn_scan.h"
#include "kinds/teaching.h"
#include "toaster/beneath.h"

enum {
    BATCH_MAX = 10000,    /* messages: a crash may cost so many once more */
    BATCH_MIN = 200,      /* a start of the filter's program costs as much as some fifty */
    BATCH_SECONDS = 60,   /* worth of `rate` */
    LEDGER_MAX = 1000000, /* entries that a batch keeps in memory */
    GUESS_MS = 100,       /* a message, until it was measured */
    NAP_MS = 500,
    LOAD_EVERY_MS = 5000,
    REFUSED_MAX = 20,    /* with none accepted: it is not the messages */
    PATIENCE_MS = 30000, /* beyond max_time: the teacher itself hangs */
};

struct in_flight {
    struct tw_learn_scan *scan;
    struct tw_learn_pick *pick;
};

struct reader {
    const struct tw_learn_task *task;
    const struct tw_learn_settings *settings;
    bool by_class;
    struct tw_learn_view view;
    struct tw_voice voice;
    struct tw_rounds rounds;
    struct tw_pupil pupil;
    struct tw_learn_sum sum;
    struct tw_learn_scan **batch;
    size_t batch_count, batch_room, batch_picks, batch_entries;
    struct in_flight *flight; /* what was handed over, in order */
    size_t handed, answered, flight_room;
    struct in_flight *refused; /* marked when the filter has accepted some other */
    size_t refused_count;
    int64_t accepted;
    int64_t message_ms; /* that one takes */
    int64_t free_ms;    /* when the next may be given, by `rate` */
    int64_t loaded_ms;  /* when the load was looked at last */
    char *last, *batch_last;
    bool failed, over;
};

static void count(struct reader *r, enum tw_learn_figure figure, int64_t more)
{
    r->sum.figures[figure] += more;
}

/* ---- answers ------------------------------------------------------------------------------ */

static void accept(struct reader *r, const struct in_flight *f, enum tw_learn_figure figure)
{
    tw_learn_scan_mark(f->scan, f->pick, false);
    count(r, figure, 1);
    r->accepted++;
}

static void refuse(struct reader *r, const struct in_flight *f)
{
    count(r, TW_LEARN_REFUSED, 1);
    r->refused = tw_realloc_array(r->refused, r->refused_count + 1, sizeof *r->refused);
    r->refused[r->refused_count++] = *f;
}

static void on_taught(void *context, enum tw_taught taught)
{
    struct reader *r = context;
    if (r->answered == r->handed)
        return; /* it answers what nobody has asked */
    const struct in_flight *f = &r->flight[r->answered++];
    switch (taught) {
    case TW_TAUGHT_LEARNED:
        accept(r, f,
               f->pick->class == TW_LEARN_SPAM ? TW_LEARN_SPAM_LEARNED : TW_LEARN_HAM_LEARNED);
        break;
    case TW_TAUGHT_KNOWN:
        accept(r, f, TW_LEARN_KNOWN);
        break;
    case TW_TAUGHT_REFUSED:
        refuse(r, f);
        break;
    case TW_TAUGHT_OURS:
        tw_learn_scan_mark(f->scan, f->pick, true);
        count(r, TW_LEARN_OURS, 1);
        break;
    default:
        count(r, TW_LEARN_VANISHED, 1);
    }
}

static void on_alive(void *context)
{
    struct reader *r = context;
    tw_voice_say(&r->voice);
}

static void fail(struct reader *r, const char *code, const char *text)
{
    r->failed = true;
    tw_learn_put_filter(&r->voice.out, code, text);
}

/* ---- gently ------------------------------------------------------------------------------- */

/* Until then, or the end of the time. */
static void nap_until(struct reader *r, int64_t until_ms)
{
    const int64_t end_ms = r->task->child.end_ms;
    for (int64_t now_ms = tw_clock_ms(); now_ms < until_ms; now_ms = tw_clock_ms()) {
        if (now_ms >= end_ms) {
            r->over = true;
            return;
        }
        const int64_t left_ms = until_ms - now_ms < NAP_MS ? until_ms - now_ms : NAP_MS;
        const struct timespec nap = {left_ms / 1000, left_ms % 1000 * 1000000};
        nanosleep(&nap, NULL);
        tw_voice_say(&r->voice);
    }
}

static bool is_loaded(const struct reader *r)
{
    double load[1];
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return r->settings->max_load >= 0 && getloadavg(load, 1) == 1 &&
           load[0] * 100 > (double)r->settings->max_load * (double)(cores > 0 ? cores : 1);
}

/* Waits while the machine has too much to do. Looks every few seconds only. */
static void give_way(struct reader *r)
{
    const int64_t began_ms = tw_clock_ms();
    if (r->loaded_ms && began_ms - r->loaded_ms < LOAD_EVERY_MS)
        return;
    r->loaded_ms = began_ms;
    if (!is_loaded(r))
        return;
    if (r->answered < r->handed && tw_pupil_flush(&r->pupil) != 0) {
        fail(r, r->pupil.code, r->pupil.text);
        return;
    }
    while (is_loaded(r) && !r->over)
        nap_until(r, tw_clock_ms() + LOAD_EVERY_MS);
    r->loaded_ms = tw_clock_ms();
    count(r, TW_LEARN_PAUSED_S, (r->loaded_ms - began_ms) / 1000);
}

static int64_t at_rate_ms(const struct reader *r, int64_t messages)
{
    return r->settings->rate > 0 ? messages * 1000 / r->settings->rate : 0;
}

/* ---- handing over ------------------------------------------------------------------------- */

static void fly(struct reader *r, struct tw_learn_scan *scan, struct tw_learn_pick *pick)
{
    if (r->handed == r->flight_room) {
        r->flight_room = r->flight_room ? 2 * r->flight_room : 64;
        r->flight = tw_realloc_array(r->flight, r->flight_room, sizeof *r->flight);
    }
    r->flight[r->handed++] = (struct in_flight){scan, pick};
}

static void hand_over(struct reader *r, struct tw_learn_scan *scan, struct tw_learn_pick *pick,
                      int fd)
{
    if (!r->by_class) {
        give_way(r);
        nap_until(r, r->free_ms);
        const int64_t now_ms = tw_clock_ms();
        r->free_ms = (r->free_ms > now_ms ? r->free_ms : now_ms) + at_rate_ms(r, 1);
    }
    if (r->failed || r->over)
        return;
    fly(r, scan, pick);
    count(r, TW_LEARN_OFFERED, 1);
    if (tw_pupil_hand(&r->pupil, fd, pick->class == TW_LEARN_SPAM, pick->forget,
                      scan->mailbox.address) != 0)
        fail(r, r->pupil.code, r->pupil.text);
    else if (r->accepted == 0 && r->refused_count >= REFUSED_MAX)
        fail(r, "refused", "the filter refuses every message");
}

/* Would what was handed over take longer than there is time? */
static bool is_late(const struct reader *r)
{
    const int64_t left_ms = r->task->child.end_ms - tw_clock_ms();
    return left_ms <= 0 ||
           (r->by_class && r->message_ms * (int64_t)(r->handed - r->answered) > left_ms);
}

/* A tw_learn_found. What cannot be opened has gone or was renamed: the next look will tell. */
static bool on_found(void *context, struct tw_learn_scan *scan, struct tw_learn_pick *pick, int dir,
                     const char *name)
{
    struct reader *r = context;
    struct stat st;
    const int fd = tw_beneath_open(dir, name, O_RDONLY, true);
    if (fd < 0)
        return true;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == r->view.uid &&
        tw_learn_key_of(name, &st).file == pick->key.file)
        hand_over(r, scan, pick, fd);
    close(fd);
    tw_voice_say(&r->voice);
    r->over = r->over || is_late(r);
    return !r->failed && !r->over;
}

/* ---- batches ------------------------------------------------------------------------------ */

/* So many messages may be handed over at once. */
static size_t batch_limit(const struct reader *r)
{
    int64_t limit = r->by_class ? BATCH_MAX : 1;
    if (r->by_class && r->settings->rate > 0) {
        const int64_t by_rate = r->settings->rate * BATCH_SECONDS;
        const int64_t least = by_rate > BATCH_MIN ? by_rate : BATCH_MIN;
        limit = least < limit ? least : limit;
    }
    return (size_t)limit;
}

static void mark_refused(struct reader *r)
{
    for (size_t i = 0; i < r->refused_count && r->accepted; i++)
        tw_learn_scan_mark(r->refused[i].scan, r->refused[i].pick, true);
    free(r->refused);
    r->refused = NULL;
    r->refused_count = 0;
}

static void save(struct reader *r, struct tw_learn_scan *scan)
{
    tw_learn_scan_save(scan);
    tw_problems_put(&r->voice.out, TW_CHILD_PROBLEM, &scan->problems);
    tw_learn_scan_clear(scan);
    free(scan);
}

static void save_batch(struct reader *r)
{
    mark_refused(r);
    for (size_t i = 0; i < r->batch_count; i++)
        save(r, r->batch[i]);
    if (r->view.index)
        tw_mailindex_flush(r->view.index);
    r->batch_count = r->batch_picks = r->batch_entries = 0;
    r->handed = r->answered = 0;
    if (r->failed || r->over)
        return;
    free(r->last);
    r->last = tw_strdup(r->batch_last);
}

/* Spam of all mailboxes, then ham: the filter's program is started once for each. */
static void teach_batch(struct reader *r)
{
    if (r->batch_picks && !r->failed && !r->over) {
        give_way(r);
        for (size_t i = 0; i < r->batch_count; i++)
            tw_learn_scan_save(r->batch[i]);
        tw_mailindex_flush(r->view.index);
        const int64_t began_ms = tw_clock_ms();
        for (int class = 0; class < TW_LEARN_CLASSES; ++class)
            for (size_t i = 0; i < r->batch_count; i++)
                if (!r->failed && !r->over)
                    tw_learn_find(r->batch[i], (enum tw_learn_class) class, on_found, r);
        if (!r->failed && r->handed && tw_pupil_flush(&r->pupil) != 0)
            fail(r, r->pupil.code, r->pupil.text);
        const int64_t messages = (int64_t)r->handed;
        if (messages > BATCH_MIN / 4)
            r->message_ms = (tw_clock_ms() - began_ms) / messages + 1;
        if (r->by_class && messages && !r->failed && !r->over)
            r->free_ms = began_ms + at_rate_ms(r, messages);
    }
    save_batch(r);
    if (r->by_class && !r->failed)
        nap_until(r, r->free_ms);
}

/* ---- all mailboxes ------------------------------------------------------------------------ */

static void count_scan(struct reader *r, const struct tw_learn_scan *scan)
{
    count(r, TW_LEARN_MAILBOXES, 1);
    count(r, TW_LEARN_MISSING, scan->missing);
    int64_t left_out = 0;
    for (size_t i = 0; i < scan->folder_count; i++) {
        const struct tw_learn_folder *f = &scan->folders[i];
        if (f->class == TW_LEARN_NONE)
            continue;
        count(r, f->looked ? TW_LEARN_FOLDERS : TW_LEARN_SKIPPED, 1);
        count(r, TW_LEARN_MORE, f->more);
        r->batch_entries += f->ledger.count;
    }
    for (size_t i = 0; i < TW_LEARN_CLASSES; i++)
        left_out += scan->left_out[i];
    count(r, TW_LEARN_SAMPLED, left_out > 0);
    count(r, TW_LEARN_LEFT_OUT, left_out);
}

/* Where addresses are given to programs and put into headers. */
static bool is_plain(const char *address)
{
    for (const unsigned char *at = (const unsigned char *)address; *at; at++)
        if (*at <= ' ' || *at == 0x7f || *at == '/')
            return false;
    return address[0] != '-';
}

static void take_mailbox(struct reader *r, struct tw_mailbox *mailbox)
{
    struct tw_learn_scan *scan = tw_alloc(sizeof *scan);
    *scan = (struct tw_learn_scan){.view = &r->view, .mailbox = *mailbox};
    if (!is_plain(mailbox->address)) {
        scan->path = tw_mailbox_path(&scan->mailbox);
        tw_problems_add(&scan->problems, "bad-user", scan->path, 0);
    } else {
        tw_learn_scan(scan);
    }
    count_scan(r, scan);
    free(r->batch_last);
    r->batch_last = tw_strdup(scan->mailbox.address);
    if (scan->pick_count == 0) {
        const bool alone = r->batch_count == 0;
        save(r, scan);
        if (alone) {
            free(r->last);
            r->last = tw_strdup(r->batch_last);
            r->batch_entries = 0;
        }
        return;
    }
    if (r->batch_count == r->batch_room) {
        r->batch_room = r->batch_room ? 2 * r->batch_room : 16;
        r->batch = tw_realloc_array(r->batch, r->batch_room, sizeof(struct tw_learn_scan *));
    }
    r->batch[r->batch_count++] = scan;
    r->batch_picks += scan->pick_count;
}

static void walk(struct reader *r)
{
    struct tw_mailbox mailbox;
    while (!r->failed && !r->over && !r->voice.failed && tw_rounds_next(&r->rounds, &mailbox)) {
        take_mailbox(r, &mailbox);
        if (r->batch_picks >= batch_limit(r) || r->batch_entries > LEDGER_MAX)
            teach_batch(r);
        tw_voice_say(&r->voice);
    }
    teach_batch(r);
    if (r->over || r->rounds.over)
        tw_child_put_at(&r->voice.out, r->last ? r->last : r->task->child.after);
}

/* What was not met for long is dropped only if all was gone over. */
static void close_index(struct reader *r)
{
    const struct tw_child_task *task = &r->task->child;
    const bool all = !r->failed && !r->over && !r->rounds.over && !task->after && !task->upto;
    const int64_t before_s = all ? r->view.now_s - 2 * TW_KNOWN_FULL_S : 0;
    tw_child_close_index(&r->view.index, r->view.job, before_s, &r->voice);
}

int tw_learn_read(void *task, int fd, struct tw_error *e)
{
    const struct tw_learn_task *t = task;
    const struct tw_learn_settings *settings = t->child.run->settings;
    struct tw_folder_names *folders = tw_learn_folders(settings);
    struct reader r = {.task = t,
                       .settings = settings,
                       .by_class = tw_teacher_find(settings->backend)->by_class,
                       .voice = tw_voice(fd),
                       .message_ms = GUESS_MS};
    r.view = (struct tw_learn_view){.settings = settings,
                                    .folders = folders,
                                    .rule = tw_learn_rule_hash(settings),
                                    .job = t->child.run->name,
                                    .uid = t->child.owner->uid,
                                    .now_s = t->child.run->now_s,
                                    .places = t->child.run->places,
                                    .alive = on_alive,
                                    .context = &r};
    r.pupil = (struct tw_pupil){.fd = t->teacher,
                                .patience_ms = settings->max_time_s * 1000 + PATIENCE_MS,
                                .taught = on_taught,
                                .alive = on_alive,
                                .context = &r};
    tw_gentle();
    r.view.index = tw_child_open_index(&t->child, &r.voice);
    /* Without a ledger everything would be offered again each night: then rather nothing. */
    if (r.view.index) {
        tw_rounds_begin(&r.rounds, &t->child, &r.voice);
        walk(&r);
        tw_rounds_end(&r.rounds);
        close_index(&r);
    }
    tw_learn_put_totals(&r.voice.out, &r.sum);
    tw_pupil_free(&r.pupil);
    tw_learn_sum_free(&r.sum);
    tw_folder_names_free(&folders);
    free(r.batch);
    free(r.flight);
    free(r.last);
    free(r.batch_last);
    return tw_voice_said(&r.voice, e);
}
