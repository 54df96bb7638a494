/* Which messages are offered. */
#include "kinds/learn_rules.h"

#include <stddef.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/units.h"
#include "kinds/teacher.h"

enum { RATE_MAX = 100000, PER_MAILBOX_MAX = 1000000, MESSAGE_BYTES_MAX = 64 * 1024 * 1024 };

const char *const tw_learn_class_names[TW_LEARN_CLASSES] = {"spam", "ham"};

/* ---- the keys ----------------------------------------------------------------------------- */

static const char *const backends[] = {"sa-learn", "spamd", "rspamd", "command", NULL};
static const char *const firsts[] = {"sample", "all", NULL};

#define AT(member) offsetof(struct tw_learn_settings, member)

const struct tw_option tw_learn_options[] = {
    {"backend", TW_OPT_CHOICE, AT(backend), .fallback = "sa-learn", .choices = backends},
    {"run", TW_OPT_LIST, AT(run)},
    {"user", TW_OPT_STRING, AT(user)},
    {"spam", TW_OPT_BOOL, AT(spam), .fallback = "yes"},
    {"spam_unread", TW_OPT_BOOL, AT(spam_unread), .fallback = "no"},
    {"ham", TW_OPT_BOOL, AT(ham), .fallback = "yes"},
    {"ham_age", TW_OPT_DURATION, AT(ham_age_s), .fallback = "1d", .flags = TW_OPT_NO_NEVER},
    {"per_user", TW_OPT_BOOL, AT(per_user), .fallback = "no"},
    {"max_per_mailbox", TW_OPT_INT, AT(max_per_mailbox), .fallback = "500", .min = 1,
     .max = PER_MAILBOX_MAX},
    {"max_size", TW_OPT_SIZE, AT(max_size), .fallback = "500K", .flags = TW_OPT_NO_NEVER, .min = 1,
     .max = MESSAGE_BYTES_MAX},
    {"rate", TW_OPT_INT, AT(rate), .fallback = "50", .min = 0, .max = RATE_MAX},
    {"max_load", TW_OPT_DECIMAL, AT(max_load), .fallback = "2.0", .min = 1, .max = 100000},
    {"first", TW_OPT_CHOICE, AT(first), .fallback = "sample", .choices = firsts},
    {"spam_folders", TW_OPT_LIST, AT(spam_folders)},
    {"never_folders", TW_OPT_LIST, AT(never_folders)},
    {"socket", TW_OPT_STRING, AT(socket), .fallback = "127.0.0.1:783"},
    {"url", TW_OPT_STRING, AT(url), .fallback = "http://127.0.0.1:11334"},
    {"password_file", TW_OPT_PATH, AT(password_file)},
    {"max_time", TW_OPT_DURATION, AT(max_time_s), .fallback = "1m", .flags = TW_OPT_NO_NEVER,
     .min = 1, .max = 3600},
    {NULL},
};

int tw_learn_check(const struct tw_learn_settings *s, struct tw_error *e)
{
    const struct tw_teacher_kind *teacher = tw_teacher_find(s->backend);
    const struct tw_teacher_config config = {.run = &s->run,
                                             .user = s->user,
                                             .socket = s->socket,
                                             .url = s->url,
                                             .per_user = s->per_user};
    const char *which;
    if (tw_folder_list_check("spam_folders", &s->spam_folders, e) != 0 ||
        tw_folder_list_check("never_folders", &s->never_folders, e) != 0)
        return -1;
    if (tw_folder_names_overlap(&s->spam_folders, &s->never_folders, &which))
        return tw_fail(e, "\"%s\" is in spam_folders and in never_folders: which is it?", which);
    if (!s->spam && !s->ham)
        return tw_fail(e, "spam and ham are both no: then there is nothing to learn");
    if (s->user && (strcmp(s->user, "root") == 0 || strcmp(s->user, "0") == 0))
        return tw_fail(e, "user: never root, since the filter reads what strangers write: write "
                          "whom its store belongs to, like \"debian-spamd\"");
    return teacher->check ? teacher->check(&config, e) : 0;
}

/* ---- folders ------------------------------------------------------------------------------ */

/* Beside Trash and Sent: what did not come from others, or what its user has not judged. */
static const char *const never[] = {"Drafts", "Templates", "Outbox", "Notes", "Chats"};

/* Who writes that his Chats are spam means it. */
static bool is_among(const char *name, const struct tw_strings *list)
{
    char *item = (char *)(uintptr_t)name;
    const struct tw_strings one = {&item, 1};
    const char *which;
    return tw_folder_names_overlap(&one, list, &which);
}

/* To `to`, but for those of `except`. */
static void add_names(struct tw_strings *to, const char *const *names, size_t count,
                      const struct tw_strings *except)
{
    for (size_t i = 0; i < count; i++)
        if (!is_among(names[i], except))
            tw_strings_add(to, names[i]);
}

struct tw_folder_names *tw_learn_folders(const struct tw_learn_settings *settings)
{
    const struct tw_strings none = {0};
    struct tw_strings spam = tw_folder_list(TW_FOLDER_SPAM, &settings->spam_folders);
    struct tw_strings trash = tw_folder_list(TW_FOLDER_TRASH, &none);
    struct tw_strings sent = tw_folder_list(TW_FOLDER_SENT, &none), out = {0};
    add_names(&out, (const char *const *)trash.items, trash.count, &spam);
    add_names(&out, (const char *const *)sent.items, sent.count, &spam);
    add_names(&out, never, TW_COUNT(never), &spam);
    for (size_t i = 0; i < settings->never_folders.count; i++)
        tw_strings_add(&out, settings->never_folders.items[i]);
    /* As if all of them were Trash: with all that lies below them. */
    struct tw_folder_names *names = tw_folder_names_new(&none, &out, &spam);
    tw_strings_free(&spam);
    tw_strings_free(&trash);
    tw_strings_free(&sent);
    tw_strings_free(&out);
    return names;
}

enum tw_learn_class tw_learn_class_of(const struct tw_learn_settings *settings,
                                      const struct tw_folder_names *names, const char *path)
{
    switch (tw_folder_class_of(names, path)) {
    case TW_FOLDER_SPAM:
        return settings->spam ? TW_LEARN_SPAM : TW_LEARN_NONE;
    case TW_FOLDER_INBOX:
    case TW_FOLDER_OTHER:
        return settings->ham ? TW_LEARN_HAM : TW_LEARN_NONE;
    default:
        return TW_LEARN_NONE;
    }
}

/* ---- messages ----------------------------------------------------------------------------- */

int64_t tw_learn_from_s(const struct tw_learn_settings *settings, enum tw_learn_class class,
                        enum tw_mail_dir dir, const struct tw_message *message,
                        const struct stat *st)
{
    const bool read = dir == TW_DIR_CUR && message->seen;
    const bool wanted = class == TW_LEARN_SPAM  ? read || settings->spam_unread
                        : class == TW_LEARN_HAM ? read
                                                : false;
    if (!wanted || message->trashed || message->draft || st->st_size < 1 ||
        st->st_size > settings->max_size)
        return INT64_MAX;
    if (class == TW_LEARN_SPAM)
        return INT64_MIN;
    /* When it came into its folder, or was read there: the later of the two. */
    const int64_t came_s =
        st->st_mtim.tv_sec > st->st_ctim.tv_sec ? st->st_mtim.tv_sec : st->st_ctim.tv_sec;
    int64_t from_s;
    return __builtin_add_overflow(came_s, settings->ham_age_s, &from_s) ? INT64_MAX : from_s;
}

int64_t tw_learn_sample(int64_t count)
{
    return count <= 2500 ? 1 : count <= 5000 ? 10 : count <= 10000 ? 25 : 50;
}

uint64_t tw_learn_rule_hash(const struct tw_learn_settings *s)
{
    uint64_t hash = tw_hash_number(TW_HASH_START, s->spam | s->spam_unread << 1 | s->ham << 2);
    hash = tw_hash_number(hash, s->ham_age_s);
    hash = tw_hash_number(hash, s->max_size);
    hash = tw_hash_strings(hash, &s->spam_folders);
    return tw_hash_strings(hash, &s->never_folders);
}
