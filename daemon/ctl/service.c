/* toasterctl service: which of its verbs, where services are, what they are called. */
#include "ctl/service.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/option.h"
#include "base/units.h"
#include "setup/paths.h"

/* ---- output -------------------------------------------------------------------------------- */

void ctl_service_print(const char *format, ...)
{
    struct tw_buf text = {0};
    va_list args;
    va_start(args, format);
    tw_buf_vprintf(&text, format, args);
    va_end(args);
    char *clean = tw_escape_new(tw_buf_text(&text), TW_ESCAPE_LINE, 0);
    printf("%s\n", clean);
    free(clean);
    tw_buf_free(&text);
}

void ctl_service_pause(int milliseconds)
{
    nanosleep(&(struct timespec){.tv_sec = milliseconds / 1000,
                                 .tv_nsec = milliseconds % 1000 * 1000000L},
              NULL);
}

void ctl_service_describe(struct tw_buf *out, const struct tw_supervise_status *status,
                          bool normally_up, int64_t now_s)
{
    const int64_t for_s = now_s > status->changed_s ? now_s - status->changed_s : 0;
    if (status->pid)
        tw_buf_printf(out, "up (pid %d) for ", (int)status->pid);
    else
        tw_buf_puts(out, "down for ");
    tw_buf_puts(out, tw_duration_show(for_s).text);
    if (status->pid && status->paused)
        tw_buf_puts(out, ", paused");
    if (status->pid && status->want == 'd')
        tw_buf_puts(out, ", want down");
    if (!status->pid && status->want == 'u')
        tw_buf_puts(out, ", want up");
    if (!status->pid != !normally_up)
        tw_buf_puts(out, normally_up ? ", normally up" : ", normally down");
}

/* ---- where they are ------------------------------------------------------------------------ */

static bool is_there(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

bool ctl_service_normally_up(const char *path)
{
    char *down = tw_format("%s/down", path);
    const bool there = access(down, F_OK) == 0;
    free(down);
    return !there;
}

const void *ctl_service_setting(const struct ctl_services *places, const char *name,
                                const char *key)
{
    if (!places->ctl->config)
        return NULL;
    char *job = tw_format("service.%s", name);
    const struct tw_job_config *found = tw_config_job_named(places->ctl->config, job);
    const struct tw_option *option = found ? tw_options_find(found->kind->options, key) : NULL;
    free(job);
    return option ? (const char *)found->settings + option->offset : NULL;
}

bool ctl_service_name_valid(const char *doing, const char *name, bool log)
{
    const size_t length = strlen(name);
    const bool of_log = log && length > 4 && strcmp(name + length - 4, "/log") == 0;
    char *base = tw_strndup(name, of_log ? length - 4 : length);
    const bool valid = tw_title_valid(base);
    if (!valid)
        ctl_complain("cannot %s \"%s\": that is no name of a service: letters, digits and . _ @ -, "
                     "no slash, none of . and - first, 64 at most",
                     doing, name);
    free(base);
    return valid;
}

/* 0, or errno's word. */
static int why_no_directory(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return errno;
    return S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
}

int ctl_service_find(const struct ctl_services *places, const char *doing, const char *name,
                     struct ctl_service *out)
{
    *out = (struct ctl_service){0};
    if (!ctl_service_name_valid(doing, name, true))
        return CTL_USAGE;
    const char *slash = strchr(name, '/');
    out->name = tw_strdup(name);
    out->log = slash;
    out->base = tw_strndup(name, slash ? (size_t)(slash - name) : strlen(name));
    out->base_dir = tw_format("%s/%s", places->service, out->base);
    out->linked = is_there(out->base_dir);
    if (!out->linked) {
        free(out->base_dir);
        out->base_dir = tw_format("%s/%s", places->supervise, out->base);
    }
    out->path = tw_format("%s%s", out->base_dir, out->log ? "/log" : "");
    const int why = why_no_directory(out->path);
    if (why == 0)
        return CTL_OK;
    const bool gone = why == ENOENT || why == ENOTDIR;
    if (gone && !is_there(out->base_dir))
        ctl_complain("cannot %s %s: there is no such service in %s, nor in %s", doing, name,
                     places->service, places->supervise);
    else if (gone)
        ctl_complain("cannot %s %s: there is no directory %s", doing, name, out->path);
    else
        ctl_complain("cannot %s %s: cannot look at %s: %s", doing, name, out->path,
                     strerrordesc_np(why));
    ctl_service_free(out);
    return gone ? CTL_USAGE : CTL_SYSTEM;
}

void ctl_service_free(struct ctl_service *service)
{
    free(service->name);
    free(service->base);
    free(service->base_dir);
    free(service->path);
    *service = (struct ctl_service){0};
}

static void add_entry(struct ctl_service_entries *out, const char *name, char *path, bool linked)
{
    out->items = tw_realloc_array(out->items, out->count + 1, sizeof *out->items);
    out->items[out->count++] = (struct ctl_service_entry){tw_strdup(name), path, linked};
}

/* Does an entry of the service directory lead to this one? */
static bool is_linked(const struct ctl_service_entries *entries, size_t count, const char *path)
{
    struct stat own, other;
    if (stat(path, &own) != 0)
        return false;
    for (size_t i = 0; i < count; i++)
        if (stat(entries->items[i].path, &other) == 0 && other.st_dev == own.st_dev &&
            other.st_ino == own.st_ino)
            return true;
    return false;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct ctl_service_entry *)a)->name,
                  ((const struct ctl_service_entry *)b)->name);
}

static int read_directory(const char *where, bool linked, struct ctl_service_entries *out)
{
    const size_t before = out->count;
    struct stat st;
    DIR *dir = opendir(where);
    if (!dir && !linked && (errno == ENOENT || errno == EACCES))
        return 0;
    if (!dir) {
        ctl_complain("cannot read %s: %s", where, strerrordesc_np(errno));
        return -1;
    }
    for (const struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        char *path = tw_format("%s/%s", where, entry->d_name);
        if (linked ||
            (stat(path, &st) == 0 && S_ISDIR(st.st_mode) && !is_linked(out, before, path)))
            add_entry(out, entry->d_name, path, linked);
        else
            free(path);
    }
    closedir(dir);
    return 0;
}

int ctl_service_entries(const struct ctl_services *places, struct ctl_service_entries *out)
{
    *out = (struct ctl_service_entries){0};
    if (read_directory(places->service, true, out) != 0 ||
        read_directory(places->supervise, false, out) != 0) {
        ctl_service_entries_free(out);
        return -1;
    }
    if (out->count)
        qsort(out->items, out->count, sizeof *out->items, by_name);
    return 0;
}

void ctl_service_entries_free(struct ctl_service_entries *entries)
{
    for (size_t i = 0; i < entries->count; i++) {
        free(entries->items[i].name);
        free(entries->items[i].path);
    }
    free(entries->items);
    *entries = (struct ctl_service_entries){0};
}

/* ---- which verb ---------------------------------------------------------------------------- */

static const struct sub {
    const char *name;
    int (*run)(const struct ctl_services *places, const char *name); /* NULL: list and test */
    bool json, makes;
} subs[] = {
    {"list", NULL, .json = true},
    {"test", NULL, .json = true},
    {"up", ctl_service_up},
    {"down", ctl_service_down},
    {"restart", ctl_service_restart},
    {"rotate", ctl_service_rotate},
    {"create", ctl_service_create, .makes = true},
    {"link", ctl_service_link},
    {"unlink", ctl_service_unlink},
};

/* By the table of verbs it is one of these. */
static const struct sub *find_sub(const char *name)
{
    size_t i = TW_COUNT(subs) - 1;
    while (i && strcmp(subs[i].name, name) != 0)
        i--;
    return &subs[i];
}

static bool usage_is_right(const struct ctl *ctl, const struct sub *sub)
{
    size_t names = 0;
    while (ctl->arguments[1 + names])
        names++;
    if (ctl->json && !sub->json)
        ctl_misuse(ctl, "service %s has no --json", sub->name);
    else if ((ctl->run_file || ctl->force) && !sub->makes)
        ctl_misuse(ctl, "service %s has no --%s", sub->name, ctl->force ? "force" : "run");
    else if (ctl->force && !ctl->run_file)
        ctl_misuse(ctl, "service create --force goes with --run FILE");
    else if (sub->run && names != 1)
        ctl_misuse(ctl, "service %s is followed by the name of one service", sub->name);
    else if (strcmp(sub->name, "list") == 0 && names)
        ctl_misuse(ctl, "service list takes no name");
    else
        return true;
    return false;
}

static int run_sub(const struct ctl_services *places, const struct sub *sub)
{
    if (sub->run)
        return sub->run(places, places->ctl->arguments[1]);
    return strcmp(sub->name, "list") == 0 ? ctl_service_list(places)
                                          : ctl_service_test(places, places->ctl->arguments + 1);
}

/* Without a configuration the places are those that `toasterctl paths` finds. */
static int run_where_found(const struct ctl *ctl, const struct sub *sub)
{
    struct tw_path paths[TW_PATHS];
    tw_paths_find(paths, "", NULL, NULL);
    const struct ctl_services places = {ctl, paths[TW_PATH_SUPERVISE].path,
                                        paths[TW_PATH_SERVICE].path, paths[TW_PATH_LOGS].path};
    ctl_complain("there is no configuration: services are looked for in %s and %s, their logs in "
                 "%s",
                 places.service, places.supervise, places.log);
    const int result = run_sub(&places, sub);
    tw_paths_clear(paths);
    return result;
}

int ctl_service(const struct ctl *ctl)
{
    const struct sub *sub = find_sub(ctl->arguments[0]);
    if (!usage_is_right(ctl, sub))
        return CTL_USAGE;
    if (!ctl->config)
        return run_where_found(ctl, sub);
    const struct ctl_services places = {ctl, ctl->config->qmail.supervise,
                                        ctl->config->qmail.service, ctl->config->qmail.log};
    return run_sub(&places, sub);
}
