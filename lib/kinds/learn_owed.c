/* Spam that a learn job has yet to see. */
#include "kinds/learn_owed.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kinds/canary_rules.h"
#include "kinds/learn_ledger.h"
#include "kinds/learn_scan.h"

enum { INTERVALS = 2 };

struct learner {
    const struct tw_peer *peer;
    struct tw_folder_names *names;
};

struct tw_learners {
    const struct tw_places *places;
    struct learner *items;
    size_t count;
};

struct tw_owed {
    const struct tw_learners *learners;
    struct debt {
        bool wanted; /* it learns spam from this folder */
        struct tw_ledger_book book;
    } * debts; /* of each learner */
};

static const struct tw_learn_settings *settings_of(const struct learner *learner)
{
    return learner->peer->settings;
}

struct tw_learners *tw_learners_new(const struct tw_places *places)
{
    struct tw_learners *learners = tw_alloc(sizeof *learners);
    learners->places = places;
    learners->items = tw_alloc((places->peer_count + 1) * sizeof *learners->items);
    for (size_t i = 0; i < places->peer_count; i++) {
        const struct tw_peer *peer = &places->peers[i];
        if (peer->kind != &tw_kind_learn || peer->every_s <= 0)
            continue;
        const struct tw_learn_settings *settings = peer->settings;
        if (settings->spam)
            learners->items[learners->count++] = (struct learner){peer, tw_learn_folders(settings)};
    }
    if (learners->count == 0)
        tw_learners_free(&learners);
    return learners;
}

void tw_learners_free(struct tw_learners **learners)
{
    struct tw_learners *l = *learners;
    *learners = NULL;
    if (!l)
        return;
    for (size_t i = 0; i < l->count; i++)
        tw_folder_names_free(&l->items[i].names);
    free(l->items);
    free(l);
}

struct tw_owed *tw_owed_new(const struct tw_learners *learners, const char *address,
                            const char *mailbox, const char *folder, tw_owed_get *get,
                            void *context)
{
    struct tw_owed *owed = tw_alloc(sizeof *owed);
    char *name = tw_learn_ledger_name(mailbox, folder);
    owed->learners = learners;
    owed->debts = tw_alloc((learners->count + 1) * sizeof *owed->debts);
    for (size_t i = 0; i < learners->count; i++) {
        const struct learner *learner = &learners->items[i];
        struct debt *debt = &owed->debts[i];
        size_t length;
        debt->wanted =
            !tw_canary_of(learners->places, address) &&
            tw_learn_class_of(settings_of(learner), learner->names, folder) == TW_LEARN_SPAM;
        void *data = debt->wanted ? get(context, learner->peer->name, name, &length) : NULL;
        if (data)
            tw_ledger_book_add(&debt->book, 0, data, length);
        free(data);
        tw_ledger_book_sort(&debt->book);
    }
    free(name);
    return owed;
}

void tw_owed_free(struct tw_owed **owed)
{
    struct tw_owed *o = *owed;
    *owed = NULL;
    if (!o)
        return;
    for (size_t i = 0; i < o->learners->count; i++)
        tw_ledger_book_free(&o->debts[i].book);
    free(o->debts);
    free(o);
}

int64_t tw_owed_until_s(const struct tw_owed *owed, enum tw_mail_dir dir, const char *name,
                        const struct tw_message *message, const struct stat *st, int64_t due_s)
{
    const struct tw_learn_key key = tw_learn_key_of(name, st);
    int64_t until_s = INT64_MIN;
    for (size_t i = 0; i < owed->learners->count; i++) {
        const struct learner *learner = &owed->learners->items[i];
        struct tw_learn_mark mark;
        if (!owed->debts[i].wanted ||
            tw_learn_from_s(settings_of(learner), TW_LEARN_SPAM, dir, message, st) == INT64_MAX)
            continue;
        const bool offered =
            tw_ledger_find_anywhere(&owed->debts[i].book, 0, key, TW_LEARN_SPAM, &mark) &&
            mark.class == TW_LEARN_SPAM;
        const int64_t end_s = due_s + INTERVALS * learner->peer->every_s;
        if (!offered && end_s > until_s)
            until_s = end_s;
    }
    return until_s;
}
