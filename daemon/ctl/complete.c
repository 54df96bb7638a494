/* The hidden verb complete: what a shell may offer for the word that is being written. It is asked
 * at each press of the tab key, so it is quick, starts nothing and says nothing of what fails.
 *
 * A line each: the word, a tab, what it is. ":files" alone: the shell knows better, here come names
 * of files. No word holds anything that a shell would have to quote but "*": titles are those that
 * tw_title_valid takes, whatever lies about in the service directory. */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/mem.h"
#include "ctl/verbs.h"
#include "toaster/testmail.h"

enum { PATIENCE_MS = 30, NAMES_MAX = 5000 };

struct completion {
    char *const *words; /* behind "toasterctl"; ends with NULL */
    size_t count;       /* the last is being written */
    const char *current;
    const char *file; /* of -c */
    struct tw_config *config;
    bool files;
    struct tw_strings offered;
    /* Of the verb: */
    const struct ctl_verb *verb;
    unsigned given;           /* options, bits */
    bool literal;             /* behind "--" */
    struct tw_strings places; /* words before the current one that are no options */
};

/* ---- offering ----------------------------------------------------------------------------- */

static void offer(struct completion *c, const char *word, size_t length, const char *what)
{
    if (strncmp(word, c->current, strlen(c->current)) != 0 || length < strlen(c->current))
        return;
    char *copy = tw_strndup(word, length), *clean = tw_escape_new(what, TW_ESCAPE_LINE, 100);
    if (!tw_strings_has(&c->offered, copy) && !tw_strings_has(&c->places, copy) &&
        c->offered.count < NAMES_MAX) {
        tw_strings_add(&c->offered, copy);
        printf("%s\t%s\n", copy, clean);
    }
    free(copy);
    free(clean);
}

static void load(struct completion *c)
{
    const char *file = c->file ? c->file : tw_config_default_file();
    struct tw_error e;
    if (c->config || !file)
        return;
    c->config = tw_config_load(file, &e);
    if (c->config)
        return;
    char *last_good = tw_config_last_good(file);
    c->config = tw_config_load(last_good, &e);
    free(last_good);
}

static void offer_verbs(struct completion *c)
{
    const struct ctl_verb *last = NULL;
    for (const struct ctl_verb *verb = ctl_verbs; verb->name || verb->what; verb++) {
        const bool again = last && verb->name && strcmp(verb->name, last->name) == 0;
        if (verb->name && verb->arguments && !again)
            offer(c, verb->name, strlen(verb->name), verb->what);
        last = verb->name ? verb : NULL;
    }
}

/* Of a directory of services, each with the prefix before it; those that have a log, with "/log".
 */
static void offer_services(struct completion *c, const char *path, const char *prefix, bool logs)
{
    DIR *dir = opendir(path);
    size_t looked = 0;
    for (const struct dirent *entry; dir && (entry = readdir(dir)) && looked < NAMES_MAX;
         looked++) {
        if (!tw_title_valid(entry->d_name))
            continue;
        char *word = tw_format("%s%s%s", prefix, entry->d_name, logs ? "/log" : "");
        char *log = tw_format("%s/%s/log", path, entry->d_name);
        if (!logs || access(log, F_OK) == 0)
            offer(c, word, strlen(word), logs ? "the log of a service" : "service");
        free(log);
        free(word);
    }
    if (dir)
        closedir(dir);
}

static void offer_jobs(struct completion *c, bool tasks)
{
    bool star = false;
    load(c);
    if (!c->config)
        return;
    for (size_t i = 0; i < c->config->job_count; i++) {
        const struct tw_job_config *job = &c->config->jobs[i];
        star = star || strcmp(job->name, "service.*") == 0;
        if (!tasks || job->kind->task_every)
            offer(c, job->name, strlen(job->name), job->kind->task_every ? "task" : "check");
    }
    if (star && !tasks)
        offer_services(c, c->config->qmail.service, "service.", false);
}

static void offer_names(struct completion *c, bool logs)
{
    const char *sub = c->places.count ? c->places.items[0] : "";
    load(c);
    if (!c->config)
        return;
    /* What is to be linked is not linked yet. */
    const bool behind = strcmp(sub, "create") == 0 || strcmp(sub, "link") == 0;
    offer_services(c, behind ? c->config->qmail.supervise : c->config->qmail.service, "", logs);
}

/* What the daemon numbers, if it answers at once. */
static void offer_numbers(struct completion *c, bool silences)
{
    struct tw_buf request = {0};
    struct ctl_answer answer = {0};
    struct tw_error e;
    load(c);
    struct tw_frame_writer w = tw_frame_begin(&request, TW_CONTROL_INCIDENTS);
    tw_frame_end(&w);
    if (c->config && ctl_ask_within(c->config, &request, PATIENCE_MS, &answer, &e) == 0 &&
        answer.code == 0) {
        for (size_t i = 0; i < (silences ? answer.silence_count : answer.incident_count); i++) {
            const int64_t id = silences ? answer.silences[i].id : answer.incidents[i].id;
            char *word = tw_format("%" PRId64, id);
            offer(c, word, strlen(word),
                  silences ? answer.silences[i].pattern : answer.incidents[i].aspect);
            free(word);
        }
    }
    ctl_answer_free(&answer);
    tw_buf_free(&request);
}

static void offer_types(struct completion *c)
{
    for (enum tw_testmail type = 0; type < TW_TESTMAILS; type++)
        offer(c, tw_testmail_name(type), strlen(tw_testmail_name(type)), "test mail");
}

/* Places by the word that usage has for them. */
static void offer_place(struct completion *c, const struct ctl_word *place)
{
    static const char *const files[] = {"FILE", "OLD", "NEW"};
    for (size_t i = 0; i < TW_COUNT(files); i++)
        c->files = c->files || (place->length >= strlen(files[i]) &&
                                strncmp(place->text, files[i], strlen(files[i])) == 0);
    if (ctl_is_literal(place))
        offer(c, place->text, place->length, c->verb->what);
    else if (ctl_word_is(place, "JOB") || ctl_word_is(place, "PATTERN"))
        offer_jobs(c, false);
    else if (ctl_word_is(place, "TASK"))
        offer_jobs(c, true);
    else if (ctl_word_is(place, "NAME") || ctl_word_is(place, "SERVICE"))
        /* NAME[/log]: that is offered when the slash is there. */
        offer_names(c, place->text[place->length] == '[' && strchr(c->current, '/'));
    else if (ctl_word_is(place, "INCIDENT"))
        offer_numbers(c, false);
    else if (ctl_word_is(place, "NUMBER"))
        offer_numbers(c, true);
    else if (ctl_word_is(place, "TYPE"))
        offer_types(c);
    else if (ctl_word_is(place, "VERB"))
        offer_verbs(c);
}

/* ---- which form is being written ---------------------------------------------------------- */

/* Reads the words before the current one. True: the current one is the value of `*value_of`. */
static bool read_words(struct completion *c, size_t from, const struct ctl_option **value_of)
{
    *value_of = NULL;
    for (size_t i = from; i + 1 < c->count; i++) {
        const char *word = c->words[i];
        const struct ctl_option *option = ctl_find_option(word, strlen(word));
        if (*value_of) {
            *value_of = NULL;
        } else if (c->literal || word[0] != '-') {
            tw_strings_add(&c->places, word);
        } else if (strcmp(word, "--") == 0) {
            c->literal = true;
        } else if (option) {
            c->given |= option->bit;
            *value_of = option->value ? option : NULL;
        }
    }
    return *value_of != NULL;
}

struct form {
    unsigned options, required; /* bits */
    struct ctl_word place;      /* that the current word stands at; no text: there is none */
    bool fits;
};

static bool place_fits(const struct ctl_word *place, const char *word)
{
    struct ctl_word rest = *place, choice;
    while (ctl_next_choice(&rest, &choice))
        if (!ctl_is_literal(&choice) || ctl_word_is(&choice, word))
            return true;
    return false;
}

/* The form with what was written already. */
static struct form read_form(const struct completion *c, const struct ctl_verb *row)
{
    struct form form = {.fits = true};
    const char *rest = row->arguments;
    size_t at = 0;
    for (struct ctl_word word; ctl_next_word(&rest, &word);) {
        if (word.option) {
            form.options |= word.option->bit;
            form.required |= word.optional ? 0 : word.option->bit;
            continue;
        }
        size_t taken = 0;
        for (; at < c->places.count && (taken == 0 || word.repeated) &&
               place_fits(&word, c->places.items[at]);
             at++)
            taken++;
        if (taken && !word.repeated)
            continue;
        if (at < c->places.count)
            form.fits = form.fits && (taken || word.optional);
        else if (!form.place.text)
            form.place = word;
    }
    form.fits = form.fits && at == c->places.count && (c->given & ~form.options) == 0;
    return form;
}

static void offer_options(struct completion *c, unsigned bits)
{
    for (const struct ctl_option *option = ctl_options; option->name; option++) {
        char *word = tw_format("--%s", option->name);
        if (bits & option->bit & ~c->given)
            offer(c, word, strlen(word), option->what);
        free(word);
    }
}

static void offer_for_verb(struct completion *c, size_t from)
{
    const struct ctl_option *value_of;
    if (read_words(c, from, &value_of)) {
        const struct ctl_word value = {.text = value_of->value, .length = strlen(value_of->value)};
        offer_place(c, &value);
        return;
    }
    const char *name = c->verb->name;
    for (const struct ctl_verb *row = c->verb; row->name && strcmp(row->name, name) == 0; row++) {
        struct form form = read_form(c, row);
        struct ctl_word choice;
        c->verb = row;
        if (!form.fits)
            continue;
        if (c->current[0] == '-' && !c->literal)
            offer_options(c, form.options);
        else if ((form.required & ~c->given) == 0)
            while (ctl_next_choice(&form.place, &choice))
                offer_place(c, &choice);
    }
    if (c->current[0] == '-' && !c->literal)
        offer(c, "--help", strlen("--help"), "what there is to say of it");
}

/* ---- before the verb ---------------------------------------------------------------------- */

static void complete(struct completion *c)
{
    static const char *const options[][2] = {
        {"-c", "the configuration"}, {"--help", "all verbs"}, {"--version", "its version"}};
    size_t i = 0;
    for (; i + 1 < c->count && c->words[i][0] == '-'; i++) {
        if (strncmp(c->words[i], "-c", 2) != 0)
            continue;
        c->file = c->words[i][2] ? c->words[i] + 2 : c->words[++i];
        c->files = i + 1 == c->count;
    }
    if (c->files)
        return;
    if (i + 1 < c->count) {
        c->verb = ctl_find_verb(c->words[i]);
        if (c->verb && c->verb->arguments)
            offer_for_verb(c, i + 1);
    } else if (c->current[0] == '-') {
        for (size_t k = 0; k < TW_COUNT(options); k++)
            offer(c, options[k][0], strlen(options[k][0]), options[k][1]);
    } else {
        offer_verbs(c);
    }
}

int ctl_complete(const struct ctl *ctl)
{
    struct completion c = {.words = ctl->arguments};
    while (c.words[c.count])
        c.count++;
    if (c.count == 0)
        return CTL_OK;
    c.current = c.words[c.count - 1];
    complete(&c);
    if (c.files)
        printf(":files\n");
    tw_config_free(&c.config);
    tw_strings_free(&c.offered);
    tw_strings_free(&c.places);
    return CTL_OK;
}
