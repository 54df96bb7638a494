/* Where things are. The places, and their order, are those of Mail::Toaster's get_toaster_conf,
 * get_toaster_logs, get_toaster_htdocs, get_toaster_cgibin, service_dir_get and supervise_dir_get
 * (as of 5.54); what Debian has come to use since is tried after them. */
#include "setup/paths.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"

static const char *const conf_places[] = {"/etc", "/usr/local/etc", "/opt/local/etc", NULL};
static const char *const log_places[] = {"/var/log/mail", NULL};
static const char *const htdocs_places[] = {"/usr/local/www/toaster",
                                            "/usr/local/www/data/mail",
                                            "/usr/local/www/mail",
                                            "/Library/Webserver/Documents",
                                            "/var/www/html",
                                            "/usr/local/www/data",
                                            NULL};
static const char *const cgi_places[] = {
    "/usr/local/www/cgi-bin.mail",        "/usr/local/www/cgi-bin", "/var/www/cgi-bin",
    "/Library/WebServer/CGI-Executables", "/usr/lib/cgi-bin",       NULL};
static const char *const qmail_places[] = {"/var/qmail", NULL};
static const char *const supervise_places[] = {"/var/qmail/supervise", "/var/supervise",
                                               "/supervise", NULL};
const char *const tw_path_services[] = {"/var/service", "/service", "/etc/service", NULL};

/* `fixed`: what the configuration says is not looked for elsewhere. */
struct row {
    const char *what, *key;
    const char *const *places;
    const char *fallback; /* where nothing is: where it would be on Linux */
    bool fixed;
};

static const struct row rows[TW_PATHS] = {
    [TW_PATH_CONF] = {"configuration", NULL, conf_places, "/etc", true},
    [TW_PATH_LOGS] = {"logs", "qmail.log", log_places, "/var/log/mail", false},
    [TW_PATH_HTDOCS] = {"htdocs", "web.htdocs", htdocs_places, "/var/www/html", true},
    [TW_PATH_CGI_BIN] = {"cgi-bin", "web.cgi_bin", cgi_places, "/var/www/cgi-bin", true},
    [TW_PATH_QMAIL] = {"qmail", "qmail.dir", qmail_places, "/var/qmail", false},
    [TW_PATH_SUPERVISE] = {"supervise", "qmail.supervise", supervise_places, "/var/qmail/supervise",
                           false},
    [TW_PATH_SERVICE] = {"service", "qmail.service", tw_path_services, "/var/service", false},
};

static const char *configured(const struct tw_config *config, size_t row)
{
    const char *const values[TW_PATHS] = {
        [TW_PATH_LOGS] = config->qmail.log,
        [TW_PATH_HTDOCS] = config->web.htdocs,
        [TW_PATH_CGI_BIN] = config->web.cgi_bin,
        [TW_PATH_QMAIL] = config->qmail.dir,
        [TW_PATH_SUPERVISE] = config->qmail.supervise,
        [TW_PATH_SERVICE] = config->qmail.service,
    };
    return values[row];
}

static bool is_there(const char *root, const char *path, mode_t type)
{
    char *whole = tw_format("%s%s", root, path);
    struct stat st;
    const bool there = stat(whole, &st) == 0 && (st.st_mode & S_IFMT) == type;
    free(whole);
    return there;
}

static char *parent_of(const char *file)
{
    const char *slash = strrchr(file, '/');
    if (!slash)
        return tw_strdup(".");
    return slash == file ? tw_strdup("/") : tw_strndup(file, (size_t)(slash - file));
}

/* A place counts if the file is in it. */
static void find_configuration(struct tw_path *out, const char *root, const char *file)
{
    if (file) {
        out->source = TW_PATH_CONFIGURED;
        out->path = parent_of(file);
        out->configured = tw_strdup(file);
        tw_strings_add(&out->tried, out->path);
        out->found = is_there(*file == '/' ? root : "", out->path, S_IFDIR);
        return;
    }
    for (size_t i = 0; conf_places[i] && !out->found; i++) {
        char *whole = tw_format("%s/toaster-watcher.conf", conf_places[i]);
        tw_strings_add(&out->tried, conf_places[i]);
        out->found = is_there(root, whole, S_IFREG);
        free(whole);
        if (out->found)
            out->path = tw_strdup(conf_places[i]);
    }
    out->source = out->found ? TW_PATH_PLACE : TW_PATH_FALLBACK;
    if (out->found)
        return;
    out->path = tw_strdup(rows[TW_PATH_CONF].fallback);
    out->found = is_there(root, out->path, S_IFDIR);
}

static bool try_place(struct tw_path *out, const char *root, const char *place)
{
    if (tw_strings_has(&out->tried, place))
        return false;
    tw_strings_add(&out->tried, place);
    out->found = is_there(root, place, S_IFDIR);
    if (out->found)
        out->path = tw_strdup(place);
    return out->found;
}

static void find_one(struct tw_path *out, const char *root, const struct row *row, const char *said)
{
    out->source = said ? TW_PATH_CONFIGURED : TW_PATH_PLACE;
    out->configured = tw_strdup(said);
    if (said && (try_place(out, root, said) || row->fixed)) {
        out->path = out->path ? out->path : tw_strdup(said);
        return;
    }
    for (size_t i = 0; row->places[i]; i++)
        if (try_place(out, root, row->places[i])) {
            out->source = said ? TW_PATH_FALLBACK : TW_PATH_PLACE;
            return;
        }
    out->path = tw_strdup(said ? said : row->fallback);
    out->source = said ? TW_PATH_CONFIGURED : TW_PATH_FALLBACK;
}

void tw_paths_find(struct tw_path paths[TW_PATHS], const char *root, const char *file,
                   const struct tw_config *config)
{
    for (size_t i = 0; i < TW_PATHS; i++) {
        paths[i] = (struct tw_path){.what = rows[i].what, .key = rows[i].key};
        if (i == TW_PATH_CONF)
            find_configuration(&paths[i], root, file);
        else
            find_one(&paths[i], root, &rows[i], config ? configured(config, i) : NULL);
    }
}

void tw_paths_clear(struct tw_path paths[TW_PATHS])
{
    for (size_t i = 0; i < TW_PATHS; i++) {
        free(paths[i].path);
        free(paths[i].configured);
        tw_strings_free(&paths[i].tried);
        paths[i] = (struct tw_path){0};
    }
}

const char *tw_path_source_name(enum tw_path_source source)
{
    static const char *const names[] = {[TW_PATH_CONFIGURED] = "configuration",
                                        [TW_PATH_PLACE] = "place",
                                        [TW_PATH_FALLBACK] = "fallback"};
    return names[source];
}
