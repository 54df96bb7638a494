/* The words of a form, as the table of verbs writes them. Pure. */
#include <ctype.h>
#include <string.h>

#include "ctl/verbs.h"

/* "..." behind a word is no part of it. */
static void take_dots(const char **rest, struct ctl_word *word)
{
    static const char dots[] = "...";
    const size_t length = sizeof dots - 1;
    if (word->length > length && strncmp(word->text + word->length - length, dots, length) == 0) {
        word->length -= length;
        word->repeated = true;
    }
    *rest += strspn(*rest, "]");
    if (strncmp(*rest, dots, length) == 0) {
        *rest += length;
        word->repeated = true;
    }
}

bool ctl_next_word(const char **arguments, struct ctl_word *word)
{
    const char *rest = *arguments;
    *word = (struct ctl_word){0};
    for (; *rest == ' ' || *rest == '[' || (*rest == '|' && (rest[1] == ' ' || !rest[1])); rest++)
        word->optional = word->optional || *rest == '[';
    if (*rest == '\0')
        return false;
    word->text = rest;
    word->length = strcspn(rest, " ]");
    word->option = ctl_find_option(word->text, word->length);
    rest += word->length;
    /* What may follow in the same word, as in NAME[/log]. */
    const char *more = memchr(word->text, '[', word->length);
    word->length = more ? (size_t)(more - word->text) : word->length;
    if (word->option && word->option->value && *rest == ' ')
        rest += 1 + strcspn(rest + 1, " ]");
    take_dots(&rest, word);
    *arguments = rest;
    return true;
}

bool ctl_next_choice(struct ctl_word *place, struct ctl_word *choice)
{
    if (place->length == 0)
        return false;
    const char *bar = memchr(place->text, '|', place->length);
    *choice = *place;
    choice->length = bar ? (size_t)(bar - place->text) : place->length;
    const size_t used = choice->length + (bar ? 1 : 0);
    place->text += used;
    place->length -= used;
    return true;
}

bool ctl_is_literal(const struct ctl_word *choice)
{
    return islower((unsigned char)choice->text[0]);
}

bool ctl_word_is(const struct ctl_word *word, const char *text)
{
    return strlen(text) == word->length && strncmp(word->text, text, word->length) == 0;
}
