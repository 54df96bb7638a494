/* The rest of what the old script did each time it ran: its own log kept small, qmail's aliases,
 * and other programs run; and what of that nothing here does. */
#include <stdlib.h>
#include <string.h>

#include "base/option.h"
#include "kinds/compress.h"
#include "setup/confout.h"
#include "setup/import_private.h"

void tw_import_files(struct tw_importer *w)
{
    static const char key[] = "toaster_watcher_log";
    const char *log = tw_import_path(w, key);
    const char *bad = log ? tw_compress_bad_path(log) : NULL;
    if (bad)
        tw_import_wrong(w, tw_oldconf_find(w->conf, key), "= \"%s\" %s", log, bad);
    tw_confout_heading(w->text, "files and aliases");
    if (log) {
        tw_confout_comment(w->text,
                           "The old script's log (toaster_watcher_log), compressed over 1 MB as it "
                           "did. Once that script is gone nothing writes to it: then remove both.");
        tw_buf_puts(w->text, "file \"watcher.log\" {\n    path     = ");
        tw_option_quote(w->text, log);
        tw_buf_puts(w->text, "\n    max_size = \"1M\"\n    compress = yes\n}\n");
    }
    tw_confout_comment(w->text,
                       ".qmail-postmaster, -root and -mailer-daemon, which the old script made "
                       "sure of:");
    tw_buf_puts(w->text, "aliases \"qmail\" { }\n");
}

/* It came from cron every five minutes. */
static void program(struct tw_importer *w, const char *name, const char *dir, const char *file,
                    const char *user)
{
    struct tw_buf path = {0};
    tw_buf_printf(&path, "%s/%s", dir, file);
    tw_buf_printf(w->text, "program \"%s\" {\n    run   = {", name);
    tw_option_quote(w->text, tw_buf_text(&path));
    tw_buf_puts(w->text, "}\n    user  = ");
    tw_option_quote(w->text, user);
    tw_buf_puts(w->text, "\n    every = \"5m\"\n}\n");
    tw_buf_free(&path);
}

/* Says so where no version that the file may be of ran it. */
static bool left_to_cron(struct tw_importer *w, const char *key, const char *name, int first)
{
    if (w->until >= first)
        return false;
    tw_confout_comment(w->text, "%s: versions before %s left %s to cron, so it is not run here.",
                       key, tw_import_versions(first, first).text, name);
    return true;
}

enum { FIRST_TO_RUN_SOME = 410, FIRST_TO_RUN_ALL = 526 };

static void clearopensmtp(struct tw_importer *w)
{
    static const char key[] = "vpopmail_roaming_users";
    const char *user = tw_import_user(w, "vpopmail_user");
    if (!tw_import_flag(w, key) || left_to_cron(w, key, "clearopensmtp", FIRST_TO_RUN_SOME))
        return;
    tw_confout_comment(w->text, "vpopmail_roaming_users; as vpopmail_user, no longer as root");
    program(w, "clearopensmtp", tw_import_vpopmail(w), "bin/clearopensmtp",
            user ? user : "vpopmail");
}

static void isoqlog(struct tw_importer *w)
{
    static const char key[] = "install_isoqlog";
    const char *prefix = tw_import_path(w, "toaster_prefix");
    if (!tw_import_installed(w, key) || left_to_cron(w, key, "isoqlog", FIRST_TO_RUN_SOME))
        return;
    tw_confout_comment(w->text, "%s", key);
    program(w, "isoqlog", prefix ? prefix : "/usr/local", "bin/isoqlog", "root");
}

static void sqwebmail(struct tw_importer *w)
{
    static const char key[] = "install_sqwebmail";
    if (!tw_import_installed(w, key) || left_to_cron(w, key, "its cleancache.pl", FIRST_TO_RUN_ALL))
        return;
    tw_confout_comment(w->text, "%s", key);
    program(w, "sqwebmail-cache", "/usr/local/share/sqwebmail", "cleancache.pl", "root");
}

/* What of the old script nothing here does, and no key of its own speaks of. */
static void write_undone(const struct tw_importer *w)
{
    enum { FIRST_WITH_TLS_KEYS = 400 };
    const struct tw_oldconf_entry *simscan = tw_oldconf_find(w->conf, "install_simscan");
    if (w->until < FIRST_WITH_TLS_KEYS)
        return;
    tw_confout_heading(w->text, "what the old script did, and nothing here does");
    tw_confout_comment(w->text,
                       "Once a day it made qmail's temporary TLS keys anew (rsa512.pem, dh512.pem "
                       "and dh1024.pem in control). So does update_tmprsadh of qmail's TLS patch.");
    if (w->until < FIRST_TO_RUN_ALL)
        return;
    tw_confout_comment(w->text, "It compressed the logs of the day before that maillogs had "
                                "written (sendlog and smtplog below qmail_log_base).");
    if (simscan && simscan->value[0] && strcmp(simscan->value, "0") != 0)
        tw_confout_comment(w->text, "install_simscan: it ran simscanmk when control/simcontrol was "
                                    "newer than simcontrol.cdb. Now run it yourself then.");
}

void tw_import_programs(struct tw_importer *w)
{
    struct tw_buf programs = {0}, *const all = w->text;
    w->text = &programs;
    clearopensmtp(w);
    isoqlog(w);
    sqwebmail(w);
    w->text = all;
    if (programs.len) {
        tw_confout_heading(w->text, "programs that the old script ran");
        tw_buf_puts(w->text, tw_buf_text(&programs));
    }
    tw_buf_free(&programs);
    write_undone(w);
}
