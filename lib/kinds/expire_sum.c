/* Sums of a run, and the frames that they travel in. */
#include "kinds/expire_sum.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { CHUNK_INODES = 8192 };

/* ---- sums --------------------------------------------------------------------------------- */

static void add(struct tw_expire_amount *to, const struct tw_expire_amount *more)
{
    to->count += more->count;
    to->bytes += more->bytes;
}

void tw_expire_amounts_add(struct tw_expire_amount *to, const struct tw_expire_amount *more)
{
    for (size_t class = 0; class < TW_EXPIRE_CLASSES; ++class)
        add(&to[class], &more[class]);
}

struct tw_expire_amount tw_expire_amounts_all(const struct tw_expire_amount *amounts)
{
    struct tw_expire_amount all = {0, 0};
    for (size_t class = 0; class < TW_EXPIRE_CLASSES; ++class)
        add(&all, &amounts[class]);
    return all;
}

struct tw_expire_domain *tw_expire_sum_domain(struct tw_expire_sum *sum, const char *name)
{
    size_t low = 0, high = sum->domain_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (strcmp(sum->domains[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < sum->domain_count && strcmp(sum->domains[low].name, name) == 0)
        return &sum->domains[low];
    sum->domains = tw_realloc_array(sum->domains, sum->domain_count + 1, sizeof *sum->domains);
    memmove(sum->domains + low + 1, sum->domains + low,
            (sum->domain_count - low) * sizeof *sum->domains);
    sum->domain_count++;
    sum->domains[low] = (struct tw_expire_domain){.name = tw_strdup(name)};
    return &sum->domains[low];
}

int64_t tw_expire_domain_due(const struct tw_expire_domain *domain)
{
    int64_t due = 0;
    for (size_t class = 0; class < TW_EXPIRE_TMP; ++class)
        due += domain->due[class].count;
    return due;
}

int64_t tw_expire_sum_messages(const struct tw_expire_sum *sum)
{
    int64_t messages = 0;
    for (size_t i = 0; i < sum->domain_count; i++)
        messages += sum->domains[i].messages;
    return messages;
}

struct tw_expire_amount tw_expire_sum_class(const struct tw_expire_sum *sum, size_t class)
{
    struct tw_expire_amount amount = {0, 0};
    for (size_t i = 0; i < sum->domain_count; i++)
        add(&amount, &sum->domains[i].due[class]);
    return amount;
}

void tw_expire_sum_free(struct tw_expire_sum *sum)
{
    for (size_t i = 0; i < sum->domain_count; i++)
        free(sum->domains[i].name);
    free(sum->domains);
    tw_problems_free(&sum->problems);
    *sum = (struct tw_expire_sum){0};
}

/* ---- written ------------------------------------------------------------------------------ */

static void put_amounts(struct tw_frame_writer *w, const struct tw_expire_amount *amounts)
{
    for (size_t class = 0; class < TW_EXPIRE_CLASSES; ++class) {
        tw_frame_put_number(w, amounts[class].count);
        tw_frame_put_number(w, amounts[class].bytes);
    }
}

void tw_expire_put_domain(struct tw_buf *out, const struct tw_expire_domain *domain)
{
    struct tw_frame_writer w = tw_frame_begin(out, TW_EXPIRE_DOMAIN);
    tw_frame_put_text(&w, domain->name);
    tw_frame_put_number(&w, domain->mailboxes);
    tw_frame_put_number(&w, domain->messages);
    put_amounts(&w, domain->due);
    tw_frame_end(&w);
}

void tw_expire_put_totals(struct tw_buf *out, const struct tw_expire_sum *sum)
{
    struct tw_frame_writer w = tw_frame_begin(out, TW_EXPIRE_TOTALS);
    tw_frame_put_number(&w, sum->mailboxes);
    tw_frame_put_number(&w, sum->missing);
    tw_frame_put_number(&w, sum->folders);
    tw_frame_put_number(&w, sum->skipped);
    tw_frame_put_number(&w, sum->scanned);
    tw_frame_put_number(&w, sum->kept);
    tw_frame_put_number(&w, sum->unlearned);
    tw_frame_end(&w);
}

void tw_expire_put_gone(struct tw_buf *out, const struct tw_expire_sum *sum)
{
    for (size_t i = 0; i < sum->domain_count; i++) {
        struct tw_frame_writer of = tw_frame_begin(out, TW_EXPIRE_GONE_OF);
        tw_frame_put_text(&of, sum->domains[i].name);
        tw_frame_put_number(&of, sum->domains[i].gone.count);
        tw_frame_put_number(&of, sum->domains[i].gone.bytes);
        tw_frame_end(&of);
    }
    struct tw_frame_writer w = tw_frame_begin(out, TW_EXPIRE_GONE);
    put_amounts(&w, sum->gone);
    tw_frame_put_number(&w, sum->errors);
    tw_frame_put_number(&w, sum->left);
    tw_frame_end(&w);
}

void tw_expire_put_due(struct tw_buf *out, const struct tw_mailbox *mailbox, const char *folder,
                       enum tw_mail_dir dir, const struct tw_inodes *inodes)
{
    for (size_t at = 0; at < inodes->count; at += CHUNK_INODES) {
        const size_t left = inodes->count - at, count = left < CHUNK_INODES ? left : CHUNK_INODES;
        struct tw_frame_writer w = tw_frame_begin(out, TW_EXPIRE_DUE);
        tw_frame_put_text(&w, mailbox->address);
        tw_frame_put_text(&w, mailbox->base->path);
        tw_frame_put_text(&w, mailbox->below);
        tw_frame_put_text(&w, folder);
        tw_frame_put_number(&w, dir);
        tw_frame_put_bytes(&w, (const char *)(inodes->items + at), count * sizeof *inodes->items);
        tw_frame_end(&w);
    }
}

/* ---- read --------------------------------------------------------------------------------- */

static void get_amounts(struct tw_frame *frame, struct tw_expire_amount *amounts)
{
    for (size_t class = 0; class < TW_EXPIRE_CLASSES; ++class) {
        tw_frame_add_count(frame, &amounts[class].count);
        tw_frame_add_count(frame, &amounts[class].bytes);
    }
}

static void take_domain(struct tw_expire_sum *sum, struct tw_frame *frame)
{
    char *name = tw_frame_text(frame, TW_CHILD_NAME_MAX);
    struct tw_expire_domain *domain = tw_expire_sum_domain(sum, name);
    tw_frame_add_count(frame, &domain->mailboxes);
    tw_frame_add_count(frame, &domain->messages);
    get_amounts(frame, domain->due);
    free(name);
}

static void take_gone_of(struct tw_expire_sum *sum, struct tw_frame *frame)
{
    char *name = tw_frame_text(frame, TW_CHILD_NAME_MAX);
    struct tw_expire_domain *domain = tw_expire_sum_domain(sum, name);
    tw_frame_add_count(frame, &domain->gone.count);
    tw_frame_add_count(frame, &domain->gone.bytes);
    free(name);
}

int tw_expire_sum_take(struct tw_expire_sum *sum, struct tw_frame *frame)
{
    switch (frame->type) {
    case TW_EXPIRE_DOMAIN:
        take_domain(sum, frame);
        break;
    case TW_EXPIRE_TOTALS:
        tw_frame_add_count(frame, &sum->mailboxes);
        tw_frame_add_count(frame, &sum->missing);
        tw_frame_add_count(frame, &sum->folders);
        tw_frame_add_count(frame, &sum->skipped);
        tw_frame_add_count(frame, &sum->scanned);
        tw_frame_add_count(frame, &sum->kept);
        tw_frame_add_count(frame, &sum->unlearned);
        break;
    case TW_EXPIRE_GONE_OF:
        take_gone_of(sum, frame);
        break;
    case TW_EXPIRE_GONE:
        get_amounts(frame, sum->gone);
        tw_frame_add_count(frame, &sum->errors);
        tw_frame_add_count(frame, &sum->left);
        break;
    default:
        return -1;
    }
    return tw_frame_done(frame) ? 0 : -1;
}

int tw_expire_get_due(struct tw_frame *frame, struct tw_expire_due *due)
{
    *due = (struct tw_expire_due){0};
    due->address = tw_frame_text(frame, TW_CHILD_NAME_MAX);
    due->base = tw_frame_text(frame, TW_CHILD_TEXT_MAX);
    due->below = tw_frame_text(frame, TW_CHILD_TEXT_MAX);
    due->folder = tw_frame_text(frame, TW_CHILD_TEXT_MAX);
    const int64_t dir = tw_frame_number(frame);
    due->dir = dir >= 0 && dir < TW_MAIL_DIRS ? (enum tw_mail_dir)dir : TW_DIR_CUR;
    due->inodes = tw_frame_bytes(frame, TW_CHILD_FRAME_MAX, &due->bytes);
    if (tw_frame_done(frame) && dir >= 0 && dir < TW_MAIL_DIRS &&
        due->bytes % sizeof(uint64_t) == 0 && strchr(due->address, '@'))
        return 0;
    tw_expire_due_clear(due);
    return -1;
}

void tw_expire_due_clear(struct tw_expire_due *due)
{
    free(due->address);
    free(due->base);
    free(due->below);
    free(due->folder);
    *due = (struct tw_expire_due){0};
}
