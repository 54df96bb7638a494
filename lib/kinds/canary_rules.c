/* The keys of a `canary` job. */
#include "kinds/canary_rules.h"

#include <stdlib.h>
#include <string.h>

#include "toaster/address.h"
#include "toaster/folder.h"
#include "toaster/mailout.h"
#include "toaster/testmail.h"

static const char *const fates[] = {"folder", "gone", "refused", NULL};

const struct tw_option tw_canary_options[] = {
    {"to", TW_OPT_STRING, offsetof(struct tw_canary_settings, to), .flags = TW_OPT_REQUIRED},
    {"from", TW_OPT_STRING, offsetof(struct tw_canary_settings, from)},
    {"send", TW_OPT_LIST, offsetof(struct tw_canary_settings, send), .fallback = "clean"},
    {"smtp", TW_OPT_STRING, offsetof(struct tw_canary_settings, smtp), .fallback = "127.0.0.1:25"},
    {"spam", TW_OPT_CHOICE, offsetof(struct tw_canary_settings, spam), .fallback = "folder",
     .choices = fates},
    {"max_time", TW_OPT_DURATION, offsetof(struct tw_canary_settings, max_time_s), .fallback = "2m",
     .flags = TW_OPT_NO_NEVER, .min = 1, .max = 86400},
    {"spam_folders", TW_OPT_LIST, offsetof(struct tw_canary_settings, spam_folders)},
    {NULL},
};

static int check_send(const struct tw_strings *send, struct tw_error *e)
{
    bool seen[TW_TESTMAILS] = {false};
    for (size_t i = 0; i < send->count; i++) {
        enum tw_testmail type;
        if (!tw_testmail_find(send->items[i], &type))
            return tw_fail(e,
                           "send: there is no test mail \"%.50s\": write clean, spam, virus, "
                           "attach or clam",
                           send->items[i]);
        if (seen[type])
            return tw_fail(e, "send: \"%s\" is written twice", send->items[i]);
        seen[type] = true;
    }
    return send->count ? 0 : tw_fail(e, "send is empty: write which mails are to be sent");
}

int tw_canary_validate(const void *settings, const char *title, struct tw_error *e)
{
    const struct tw_canary_settings *s = settings;
    struct tw_error why;
    (void)title;
    if (tw_mailout_check_address(s->to, &why) != 0 || tw_address_check(s->to, &why) != 0)
        return tw_fail(e, "to: %s", why.text);
    if (strncmp(s->to, "*@", 2) == 0)
        return tw_fail(e, "to: \"%s\" is no one mailbox: write user@domain", s->to);
    if (s->from && tw_mailout_check_address(s->from, &why) != 0)
        return tw_fail(e, "from: %s", why.text);
    char *url = tw_mailout_url(s->smtp, &why);
    if (!url)
        return tw_fail(e, "smtp: %s", why.text);
    free(url);
    return check_send(&s->send, e) == 0 ? tw_folder_list_check("spam_folders", &s->spam_folders, e)
                                        : -1;
}

const char *tw_canary_of(const struct tw_places *places, const char *address)
{
    for (size_t i = 0; i < places->peer_count; i++) {
        const struct tw_peer *peer = &places->peers[i];
        if (peer->kind != &tw_kind_canary)
            continue;
        const struct tw_canary_settings *s = peer->settings;
        if (tw_address_matches(s->to, address) != TW_ADDRESS_OTHER)
            return peer->name;
    }
    return NULL;
}
