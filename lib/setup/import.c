/* The import as a whole: what the file is, where things are, and in which order all is written. */
#include "setup/import.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/option.h"
#include "config/config.h"
#include "setup/confout.h"
#include "setup/import_private.h"

static void key_line(struct tw_importer *w, const char *key, const char *value, const char *from)
{
    const size_t start = w->text->len;
    tw_buf_printf(w->text, "%s = ", key);
    tw_option_quote(w->text, value);
    tw_import_remark(w->text, start, from);
}

/* ---- which version ------------------------------------------------------------------------- */

/* Each key tells the first and the last version that was shipped with it. A file that has keys of
 * versions which never met was carried from one to the next: then only the younger key tells. */
static bool find_versions(struct tw_importer *w)
{
    bool any = false;
    w->since = TW_OLD_FIRST;
    w->until = TW_OLD_LAST;
    for (size_t i = 0; i < w->conf->count; i++) {
        const struct tw_oldkey *key = tw_oldkey_find(w->conf->entries[i].key);
        any = any || key || tw_oldkey_dnsbl(w->conf->entries[i].key);
        if (key && key->since > w->since)
            w->since = key->since;
        if (key && key->until < w->until)
            w->until = key->until;
    }
    if (w->until < w->since)
        w->until = TW_OLD_LAST;
    return any;
}

/* ---- who and where ------------------------------------------------------------------------- */

static void write_address(struct tw_importer *w)
{
    static const char key[] = "toaster_admin_email";
    struct tw_error e;
    const char *value = tw_import_text(w, key);
    if (value && tw_config_check("postmaster", value, &e) != 0)
        tw_import_wrong(w, tw_oldconf_find(w->conf, key), "= %s", e.text);
    else if (value)
        key_line(w, "postmaster", value, key);
    else
        tw_confout_comment(w->text,
                           "postmaster: %s is not set, so letters go to postmaster at the host's "
                           "name",
                           key);
}

static void write_host(struct tw_importer *w)
{
    static const char key[] = "toaster_hostname";
    struct tw_error e;
    const char *value = tw_import_text(w, key);
    const bool qmail = value && strcmp(value, "qmail") == 0;
    if (!value || strcmp(value, "system") == 0) {
        tw_confout_comment(w->text, "hostname: the system's own, since %s %s", key,
                           value ? "is \"system\"" : "is not set");
        return;
    }
    if (qmail && (!w->me || tw_config_check("hostname", w->me, &e) != 0)) {
        tw_confout_comment(w->text,
                           "hostname: %s is \"qmail\", which stands for what control/me below "
                           "qmail_dir says. That is not to be had here, so it is the system's own.",
                           key);
        tw_import_note(w, tw_oldconf_find(w->conf, key)->line,
                       "%s is qmail, but there is no control/me to read: write hostname yourself",
                       key);
        return;
    }
    if (!qmail && tw_config_check("hostname", value, &e) != 0) {
        tw_import_wrong(w, tw_oldconf_find(w->conf, key), "= %s", e.text);
        return;
    }
    key_line(w, "hostname", qmail ? w->me : value,
             qmail ? "toaster_hostname is qmail: control/me" : key);
}

static void write_web(struct tw_importer *w)
{
    static const char docs[] = "toaster_http_docs";
    /* Up to 4.10 it had a hyphen. */
    const char *cgi = tw_import_has(w, "toaster_cgi_bin") ? "toaster_cgi_bin" : "toaster_cgi-bin";
    const char *htdocs = tw_import_path(w, docs), *cgi_bin = tw_import_path(w, cgi);
    if (!htdocs && !cgi_bin)
        return;
    tw_buf_puts(w->text, "\nweb {\n");
    if (htdocs)
        key_line(w, "    htdocs ", htdocs, docs);
    if (cgi_bin)
        key_line(w, "    cgi_bin", cgi_bin, cgi);
    tw_buf_puts(w->text, "}\n");
}

static void write_directories(struct tw_importer *w)
{
    static const struct {
        const char *key, *old;
    } rows[] = {{"    dir      ", "qmail_dir"},
                {"    supervise", "qmail_supervise"},
                {"    service  ", "qmail_service"},
                {"    log      ", "qmail_log_base"}};
    tw_buf_puts(w->text, "\nqmail {\n");
    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        const char *value = tw_import_path(w, rows[i].old);
        if (value)
            key_line(w, rows[i].key, value, rows[i].old);
    }
    tw_buf_puts(w->text, "}\n\nmailboxes {\n");
    key_line(w, "    vpopmail", tw_import_vpopmail(w),
             tw_import_path(w, "vpopmail_home_dir") ? "vpopmail_home_dir"
                                                    : "where the old script took it to be");
    tw_buf_puts(w->text, "}\n");
    write_web(w);
}

const char *tw_import_vpopmail(struct tw_importer *w)
{
    const char *value = tw_import_path(w, "vpopmail_home_dir");
    return value ? value : "/usr/local/vpopmail";
}

char *tw_import_wants_me(const struct tw_oldconf *conf)
{
    const struct tw_oldconf_entry *host = tw_oldconf_find(conf, "toaster_hostname");
    const struct tw_oldconf_entry *dir = tw_oldconf_find(conf, "qmail_dir");
    if (!host || strcmp(host->value, "qmail") != 0)
        return NULL;
    return tw_format("%s/control/me", dir && dir->value[0] == '/' ? dir->value : "/var/qmail");
}

/* ---- all of it ----------------------------------------------------------------------------- */

static void write_head(struct tw_importer *w)
{
    const char *slash = strrchr(w->conf->file, '/');
    tw_confout_comment(w->text,
                       "Made by \"toasterctl import\" from %s. Its keys are those of version %s of "
                       "the old script. What stands in a comment is not in force; why, the line "
                       "before it says. All keys: toaster-watcher.conf(5).",
                       slash ? slash + 1 : w->conf->file,
                       tw_import_versions(w->since, w->until).text);
    tw_buf_puts(w->text, "\n");
}

static void write_all(struct tw_importer *w)
{
    write_head(w);
    write_address(w);
    write_host(w);
    write_directories(w);
    tw_import_jobs(w);
    tw_import_files(w);
    tw_import_programs(w);
    tw_import_expire(w);
    tw_import_learn(w);
    tw_import_dnsbls(w);
    tw_import_rest(w);
}

int tw_import_make(const struct tw_oldconf *conf, const char *me, struct tw_import *out)
{
    struct tw_importer w = {
        .conf = conf, .me = me, .text = &out->text, .errors = &out->errors, .notes = &out->notes};
    if (!find_versions(&w)) {
        char *text = tw_format("%s: no key that any version of the old script had", conf->file);
        tw_strings_add(&out->errors, text);
        free(text);
        return -1;
    }
    write_all(&w);
    if (out->errors.count == 0)
        return 0;
    tw_buf_free(&out->text);
    return -1;
}

void tw_import_free(struct tw_import *import)
{
    tw_buf_free(&import->text);
    tw_strings_free(&import->errors);
    tw_strings_free(&import->notes);
}
