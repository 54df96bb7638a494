/* vpopmail's files, a line at a time. */
#include "toaster/vpopmail.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { FIELDS_MAX = 9, PATH_MAX_BYTES = 4096 };

/* Cuts the copy of a line at its colons. */
static size_t split(char *line, char **fields)
{
    size_t count = 0;
    for (char *at = line; count < FIELDS_MAX;) {
        fields[count++] = at;
        char *colon = strchr(at, ':');
        if (!colon)
            break;
        *colon = '\0';
        at = colon + 1;
    }
    return count;
}

/* No empty part, none of dots. */
static bool is_clean(const char *path)
{
    for (const char *at = path;;) {
        const size_t length = strcspn(at, "/");
        if (length == 0 || (length == 1 && at[0] == '.') ||
            (length == 2 && memcmp(at, "..", 2) == 0))
            return false;
        if (!at[length])
            return true;
        at += length + 1;
    }
}

/* What may stand in an address. */
static bool is_name(const char *text)
{
    for (const char *at = text; *at; at++)
        if ((unsigned char)*at <= 0x20 || *at == 0x7f || strchr("/@:", *at))
            return false;
    return text[0] != '\0';
}

static void cut_slashes(char *path)
{
    for (size_t length = strlen(path); length > 1 && path[length - 1] == '/';)
        path[--length] = '\0';
}

/* ---- users/assign ------------------------------------------------------------------------- */

static bool parse_id(const char *text, uint32_t *id)
{
    char *end;
    if (text[0] < '0' || text[0] > '9' || strlen(text) > 10)
        return false;
    const unsigned long long number = strtoull(text, &end, 10);
    *id = (uint32_t)number;
    return !*end && number < UINT32_MAX; /* the last one means "leave it" to chown(2) */
}

static bool is_domain_key(const char *key)
{
    const size_t length = strlen(key);
    return key[0] == '+' && strchr(key, '.') && key[length - 1] == '-';
}

static int take_assign(char **fields, size_t count, struct tw_assign *out)
{
    uint32_t uid, gid;
    if (count < 5 || !is_name(fields[1]) || !parse_id(fields[2], &uid) ||
        !parse_id(fields[3], &gid))
        return -1;
    cut_slashes(fields[4]);
    if (fields[4][0] != '/' || !is_clean(fields[4] + 1))
        return -1;
    *out = (struct tw_assign){tw_strdup(fields[1]), tw_strdup(fields[4]), uid, gid};
    return 1;
}

int tw_assign_parse(const char *line, size_t length, struct tw_assign *out)
{
    char *fields[FIELDS_MAX];
    char *copy = tw_strndup(line, length);
    const size_t count = split(copy, fields);
    int result = 0;
    if (is_domain_key(fields[0]))
        result = strlen(line) < length ? -1 : take_assign(fields, count, out);
    free(copy);
    return result;
}

void tw_assign_clear(struct tw_assign *row)
{
    free(row->domain);
    free(row->dir);
    *row = (struct tw_assign){0};
}

/* ---- users -------------------------------------------------------------------------------- */

/* The part of a directory below the domain's; NULL with an error. */
static const char *below(const char *dir, const char *domain_dir, struct tw_error *why)
{
    const size_t length = strlen(domain_dir);
    if (strncmp(dir, domain_dir, length) != 0 || dir[length] != '/') {
        tw_fail(why, "the directory %.200s is not below %.200s", dir, domain_dir);
        return NULL;
    }
    if (!is_clean(dir + length + 1) || strlen(dir) >= PATH_MAX_BYTES) {
        tw_fail(why, "the directory %.200s has an empty part, or one of dots, or is too long", dir);
        return NULL;
    }
    return dir + length + 1;
}

static int take_user(const char *user, char *dir, const char *domain_dir, struct tw_vpasswd *out,
                     struct tw_error *why)
{
    if (!is_name(user))
        return tw_fail(why, "\"%.100s\" is no user's name", user);
    cut_slashes(dir);
    const char *rest = below(dir, domain_dir, why);
    if (!rest)
        return -1;
    *out = (struct tw_vpasswd){tw_strdup(user), tw_strdup(rest)};
    return 1;
}

int tw_vpasswd_parse(const char *line, size_t length, const char *domain_dir,
                     struct tw_vpasswd *out, struct tw_error *why)
{
    char *fields[FIELDS_MAX];
    if (length == 0 || line[0] == '#')
        return 0;
    if (memchr(line, '\0', length))
        return tw_fail(why, "a line with a zero byte");
    char *copy = tw_strndup(line, length);
    const size_t count = split(copy, fields);
    const int result =
        count < 7 ? tw_fail(why, "a line of %zu fields, not 7: it is broken or half written", count)
                  : take_user(fields[0], fields[5], domain_dir, out, why);
    free(copy);
    return result;
}

int tw_vuserinfo_parse(const char *line, size_t length, const char *domain_dir,
                       struct tw_vpasswd *out, struct tw_error *why)
{
    if (length == 0 || line[0] != '/' || memchr(line, '\0', length))
        return 0;
    char *copy = tw_strndup(line, length);
    cut_slashes(copy);
    char *user = tw_strdup(strrchr(copy, '/') + 1);
    const int result = take_user(user, copy, domain_dir, out, why);
    free(user);
    free(copy);
    return result;
}

void tw_vpasswd_clear(struct tw_vpasswd *row)
{
    free(row->user);
    free(row->below);
    *row = (struct tw_vpasswd){0};
}
